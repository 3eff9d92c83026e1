"""BERT, or another encoder of text, by the graph of its TF-Hub module: slower, but as published.

The interface of such modules is https://www.tensorflow.org/hub/common_saved_model_apis/text; those of BERT before it
(versions 1 and 2, TF1 Hub) are taken as well.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from embed.models.hub import load_module
from embed.tokenise import Tokens
from embed.weights.checkpoints import Checkpoint
from stores.shared.errors import FailureError, InputError
from stores.shared.tensorflow import load_tensorflow

NAMES = ("input_word_ids", "input_mask", "input_type_ids")  # in the order of the list that versions 1 and 2 take
TF1_NAMES = ("input_ids", "input_mask", "segment_ids")
POSITIONS = 512  # of a module whose position table is not found


class BertModule:
    """A module that makes vectors of token ids; it is used like ``embed.networks.transformer.TransformerNetwork``.

    Attributes:
        depth: number of its layers; 1 where it gives the last one alone.
        width: numbers a vector has.
        max_tokens: of the longest text that it takes.
        vocabulary: None; it does not say how many words it has.

    Raises:
        InputError: if ``path`` is no SavedModel, or no encoder of text.
        FailureError: if it cannot be loaded.
    """

    def __init__(self, path: Path, load: Callable[[Path], Any] = load_module) -> None:
        self._path, self._module = path, load(path)
        self._call = self._caller()
        found = self._run(np.zeros((1, 2), np.int32), np.ones(1, np.int32))
        self.depth, self.width = len(found["layers"]), found["pooled"].shape[1]
        self.on_gpu = bool(load_tensorflow().config.list_logical_devices("GPU"))
        self.vocabulary: int | None = None
        self.max_tokens = (Checkpoint(path / "variables/variables").shape("position_embedding") or [POSITIONS])[0]

    at_once = 1  # its graph uses all cores

    def compile(self, layers: Sequence[int], pooler: bool = False) -> Callable[..., list[np.ndarray]]:
        """As ``TransformerNetwork.compile``; ``InputError`` for a layer that the module does not give."""
        if min(layers) < 1:
            raise InputError(f"{self._path} gives {self.depth} layers, and not the embeddings below them")

        def run(ids: np.ndarray, lengths: np.ndarray) -> list[np.ndarray]:
            mask = np.arange(lengths.max()) < lengths[:, None]
            padded = np.zeros(mask.shape, np.int32)
            padded[mask] = ids
            found = self._run(padded, lengths)
            return [found["pooled"]] if pooler else [found["layers"][layer - 1][mask] for layer in layers]

        return run

    def _run(self, padded: np.ndarray, lengths: np.ndarray) -> dict[str, Any]:
        """``pooled`` float32 ``[B, H]`` and ``layers``, float32 ``[B, T, H]`` each."""
        tf = load_tensorflow()
        mask = (np.arange(padded.shape[1]) < lengths[:, None]).astype(np.int32)
        found = self._call([tf.constant(values) for values in (padded, mask, np.zeros_like(mask))])
        if not isinstance(found, dict):
            found = dict(zip(("pooled_output", "sequence_output"), found, strict=True))
        layers = found.get("encoder_outputs") or [found["sequence_output"]]
        return {"pooled": found["pooled_output"].numpy(), "layers": [layer.numpy() for layer in layers]}

    def _caller(self) -> Callable[[list], Any]:
        module = self._module
        if not callable(module):
            if "tokens" not in module.signatures:
                raise InputError(f"{self._path} has no signature 'tokens'; it is no BERT (encoder use takes strings)")
            return lambda values: module.signatures["tokens"](**dict(zip(TF1_NAMES, values, strict=True)))
        functions = getattr(module.__call__, "concrete_functions", [])
        inputs = functions[0].structured_input_signature[0][0] if functions else {}
        if isinstance(inputs, list | tuple):
            return module
        if set(inputs) != set(NAMES):
            raise InputError(f"{self._path} takes no token ids; it is no encoder with a preprocessor")
        return lambda values: module(dict(zip(NAMES, values, strict=True)))


class ModulePieces:
    """The tokens of a preprocessor module, such as ``tensorflow/bert_en_uncased_preprocess``.

    Attributes:
        unknown, before, after: ids of the special tokens; ``unknown`` is None, since modules do not tell it.
    """

    truncates_left = False

    def __init__(self, path: Path, load: Callable[[Path], Any] = load_module) -> None:
        module = load(path)
        if not hasattr(module, "tokenize"):
            raise InputError(f"{path} is no preprocessor: it has no tokenize")
        special = module.tokenize.get_special_tokens_dict()
        self.unknown: int | None = None
        self.before, self.after = [int(special["start_of_sequence_id"])], [int(special["end_of_segment_id"])]
        self._module, self._path = module, path

    def prompt_length(self, prompt: str) -> int:
        """Its pieces, and the first special token."""
        return 1 + len(self([prompt]).ids) if prompt else 0

    def token(self, number: int) -> str:
        """A name of an id: modules do not tell the piece."""
        return f"piece {number}"

    def __call__(self, texts: Sequence[str], starts: bool = False) -> Tokens:
        """The tokens of ``texts``."""
        tf = load_tensorflow()
        try:
            found = self._module.tokenize(tf.constant([text.encode("utf-8", "ignore") for text in texts], tf.string))
        except (tf.errors.OpError, ValueError, TypeError) as error:
            raise FailureError(f"{self._path} failed: {str(error).splitlines()[0]}") from error
        begins = None
        if found.ragged_rank == 2:  # words, and pieces within
            begins = np.zeros(len(found.flat_values), bool)
            begins[found.values.row_starts().numpy()] = True
            found = found.merge_dims(1, 2)
        return Tokens(found.values.numpy(), found.row_splits.numpy().astype(np.int64), begins)
