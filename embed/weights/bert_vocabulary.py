"""The vocabulary of a BERT and its casing, as Google published them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from embed.weights.checkpoints import Checkpoint
from stores.shared.errors import FailureError


@dataclass(frozen=True)
class BertVocabulary:
    """What ``embed.tokenise.wordpiece.WordPiece`` takes.

    Attributes:
        pieces: in the order of their ids.
        lower_case: whether the model is uncased; None if the files do not say it.
        longest: characters of the longest word that is cut into pieces.
    """

    pieces: list[str]
    lower_case: bool | None
    longest: int = 100


def google_vocabulary(folder: Path) -> BertVocabulary:
    """Of a checkpoint: ``vocab.txt``; the files do not say the casing."""
    return BertVocabulary(_lines(folder / "vocab.txt"), None, longest=200)


def hub_vocabulary(folder: Path) -> BertVocabulary | None:
    """Of a TF-Hub module: ``assets/vocab.txt`` and what it says of ``do_lower_case``; None if it has no such file."""
    path = folder / "assets" / "vocab.txt"
    if not path.is_file():
        return None
    if (folder / "tfhub_module.pb").is_file():
        return BertVocabulary(_lines(path), _constant(folder, "tokenization_info", "do_lower_case"))
    checkpoint = Checkpoint(folder / "variables/variables")
    key = checkpoint.root.get("do_lower_case")
    return BertVocabulary(_lines(path), bool(checkpoint.read(key)) if key else None)


def guess_lower_case(folder: Path, pieces: list[str]) -> tuple[bool, str]:
    """Whether a model is uncased, and why: by the name of its folder, else by capitals in its vocabulary."""
    if found := re.search("uncased|cased", folder.name.lower()):
        return found[0] == "uncased", f"by the name {folder.name}"
    capitals = sum(piece != piece.lower() for piece in pieces if not piece.startswith("["))
    return not capitals, f"its vocabulary has {capitals or 'no'} pieces with capitals"


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").removesuffix("\n").split("\n")
    except (OSError, ValueError) as error:
        raise FailureError(f"{path} cannot be read ({error}); get it again") from error


def _constant(folder: Path, signature: str, output: str) -> bool | None:
    """The value of a constant that a signature of a TF1 Hub module gives; None if there is none."""
    from tensorflow import make_ndarray
    from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

    for graph in SavedModel.FromString((folder / "saved_model.pb").read_bytes()).meta_graphs:
        name = graph.signature_def[signature].outputs[output].name.removesuffix(":0")
        for node in graph.graph_def.node:
            if node.name == name and node.op == "Const":
                return bool(make_ndarray(node.attr["value"].tensor))
    return None
