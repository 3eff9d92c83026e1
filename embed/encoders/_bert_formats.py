"""The published forms of BERT, each opened as a tokenizer and a network.

Weights of a TF-Hub module are run by ``embed.networks.bert`` if that gives what the module's own graph gives: both are
compared on made-up token ids before the first use of the weights, and the result is kept in the cache folder.
"""

from __future__ import annotations

import json
import warnings
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from embed.encoders._bert_module import BertModule, ModulePieces
from embed.models.cache import cache_folder, weights_digest, write_json
from embed.networks.bert import VERSION, BertNetwork
from embed.tokenise.wordpiece import WordPiece
from embed.weights.bert import read_google, read_hub, read_hugging_face, read_json
from embed.weights.bert_vocabulary import (
    BertVocabulary,
    google_vocabulary,
    guess_lower_case,
    hub_vocabulary,
    hugging_face_vocabulary,
)
from stores.shared.errors import FailureError, InputError

TOLERANCE = 1e-4  # of the probe; noise of float32 is 1e-6
PROBE = (3, 7, 16)  # tokens of the made-up texts


@dataclass(frozen=True)
class SentenceModel:
    """What a sentence-transformers folder says beside its weights; nothing, in any other folder.

    Attributes:
        folder: where the weights are.
        pooling: its own; None if it does not say it, or another that we do not have.
        max_tokens: its limit, ``[CLS]`` and ``[SEP]`` included.
        normalises: whether its vectors are brought to length 1.
    """

    folder: Path
    pooling: str | None = None
    max_tokens: int | None = None
    normalises: bool = False


@dataclass(frozen=True)
class Bert:
    """A model, ready for texts."""

    pieces: WordPiece | ModulePieces
    network: BertNetwork | BertModule


def sentence_model(path: Path) -> SentenceModel:
    """The pooling, the limit and the normalisation that a folder names in ``modules.json``; no TensorFlow is loaded.

    Raises:
        FailureError: if a file is damaged.
    """
    if not (path / "modules.json").is_file():
        return SentenceModel(path)
    try:
        kinds = {m["type"].rpartition(".")[2]: m["path"] for m in json.loads((path / "modules.json").read_text())}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise FailureError(f"{path / 'modules.json'} is damaged ({error!r}); get it again") from error
    folder = path / kinds.get("Transformer", kinds.get("BERT", ""))
    limit = folder / "sentence_bert_config.json"
    most = read_json(limit).get("max_seq_length") if limit.is_file() else None
    if "Dense" in kinds:
        warnings.warn(f"{path} has a dense layer after the pooling, which is left out", stacklevel=2)
    pooling = read_json(path / kinds["Pooling"] / "config.json") if "Pooling" in kinds else {}
    named = {"cls": "cls_token", "mean": "mean_tokens", "max": "max_tokens"}
    own = [name for name, key in named.items() if pooling.get(f"pooling_mode_{key}")]
    own = own or [name for name in named if pooling.get("pooling_mode") == name]
    if pooling and len(own) != 1:
        warnings.warn(
            f"{path} pools in a way that tk has not; `pooling` is mean unless you say otherwise", stacklevel=2
        )
    return SentenceModel(folder, own[0] if len(own) == 1 else None, most, "Normalize" in kinds)


def open_bert(path: Path, preprocessor: Path | None, lower_case: bool | None, precision: str) -> Bert:
    """The fastest way through the model in ``path`` that gives what was published.

    Args:
        path: folder of the weights.
        preprocessor: folder of a preprocessor module, or None: the model's own vocabulary.
        lower_case: whether the model is uncased; None: as it says itself, else as it looks.
        precision: of the matrix products.

    Raises:
        InputError: if there is no BERT in ``path``, or no vocabulary.
        FailureError: if its files are damaged.
    """
    vocabulary = None
    if (path / "bert_config.json").is_file():
        network = BertNetwork(read_google(path), precision)
        vocabulary = google_vocabulary(path)
    elif (path / "config.json").is_file():
        network = BertNetwork(read_hugging_face(path), precision)
        vocabulary = hugging_face_vocabulary(path)
    elif (path / "saved_model.pb").is_file():
        network = _hub_network(path, precision)
        vocabulary = hub_vocabulary(path)
    else:
        raise InputError(
            f"{path} holds no BERT: neither saved_model.pb of a TF-Hub module, nor bert_config.json of a checkpoint of"
            " Google's, nor config.json of a Hugging Face folder"
        )
    if preprocessor is not None:
        return Bert(ModulePieces(preprocessor), network)
    if vocabulary is None:
        raise InputError(f"{path} has no vocabulary (assets/vocab.txt); name its `preprocessor`")
    return Bert(_word_pieces(path, vocabulary, lower_case), network)


def _word_pieces(path: Path, vocabulary: BertVocabulary, lower_case: bool | None) -> WordPiece:
    lower_case = vocabulary.lower_case if lower_case is None else lower_case
    if lower_case is None:
        lower_case, why = guess_lower_case(path, vocabulary.pieces)
        taken = "uncased" if lower_case else "cased"
        warnings.warn(f"{path} is taken for {taken} ({why}); `casing` says otherwise", stacklevel=2)
    return WordPiece(vocabulary.pieces, lower_case, vocabulary.strip_accents, vocabulary.longest)


def _hub_network(path: Path, precision: str) -> BertNetwork | BertModule:
    weights = read_hub(path)
    if weights is None:
        return BertModule(path)
    network = BertNetwork(weights)
    difference = _difference(path, network)
    if difference <= TOLERANCE:
        return network if precision == "float32" else BertNetwork(weights, precision)
    warnings.warn(
        f"{path} differs from the BERT that tk knows by up to {difference:.1e}; its own graph is used, slower",
        stacklevel=2,
    )
    return BertModule(path)


def _difference(path: Path, network: BertNetwork) -> float:
    """The largest difference between both ways through a module, as found now or at the first use."""
    memory, verdict = cache_folder() / "bert" / f"{weights_digest(path)}.json", {}
    with suppress(OSError, ValueError):
        verdict = json.loads(memory.read_text(encoding="utf-8"))
    if verdict.get("version") != VERSION:
        verdict = {"version": VERSION, "difference": _probe(network, BertModule(path))}
        with suppress(FailureError):  # it is only slower without
            write_json(memory, verdict)
    return verdict["difference"]


def _probe(network: BertNetwork, module: BertModule) -> float:
    """The largest difference in the last layer and the pooler, of made-up texts in one batch."""
    if module.depth not in (1, network.depth):
        return np.inf
    rng = np.random.default_rng(0)
    lengths = np.array([min(length, network.positions) for length in PROBE], np.int32)
    ids = rng.integers(0, network.vocabulary, lengths.sum()).astype(np.int32)
    differences = []
    for pooling in (None, "pooler"):
        (found,) = network.compile([network.depth], pooling)(ids, lengths)
        (expected,) = module.compile([module.depth], pooling)(ids, lengths)
        differences.append(float(np.abs(np.asarray(found) - expected).max()))
    return max(differences)
