"""``use``: the Universal Sentence Encoder, or any other TF-Hub module that makes vectors of strings.

Every published version runs by its own graph: base and large 1 to 5, multilingual (which needs ``tensorflow_text``),
lite, whose SentencePiece ids are made here, and others such as nnlm or Swivel. One vector a text, as wide as the
module makes it (512 for the Universal Sentence Encoder), and as the module gives it: nothing is normalised.

A text that holds nothing but white space has zeros, and so has one of which the module makes NaN, as the mean of no
known word would be: its words are counted as unknown. A lone surrogate, which UTF-8 has no bytes for, is read as
U+FFFD. A module whose vector of a text changes with the other texts of the batch, as that of
universal-sentence-encoder-large/2 does, is found out by a probe and given one text at a time.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from embed.batches import Batches, is_out_of_memory
from embed.encoders._sequence_options import check
from embed.encoders.base import Encoder, Published
from embed.machine import multiplies_bfloat16, on_gpu
from embed.models.cache import weights_digest
from embed.models.hub import has_attention, has_products
from embed.networks.graph_precision import bfloat16_products
from stores.features import Features, PooledFeatures
from stores.shared.cores import threads
from stores.shared.errors import FailureError, InputError
from stores.shared.tensorflow import device_kind, load_tensorflow, load_tensorflow_text, on_device

VERSION = 1  # raise it whenever the same text and module give another vector
GPU_BUDGET = 1 << 15  # padded tokens: 64 MiB a tensor that is 512 wide
CPU_BUDGET, AT_ONCE = 1 << 12, 2  # a tensor stays in the caches, and one batch fills the waits of the other
ATTENTION_BUDGET = 1 << 22  # texts * tokens * (tokens + 256): the attention of 8 heads takes 128 MiB
PROBE = ["one", "a probe of the vectors, alone and in a batch", "two words", "你好 世界"]
TOLERANCE = 1e-4  # of the probe; float noise is 1e-7
SAME = 1e-6  # bfloat16 changes 1e-3 and more
PRECISIONS = ("float32", "bfloat16", "auto")

Call = Callable[[list[bytes]], np.ndarray]

_SURROGATES = re.compile("[\ud800-\udfff]")
_WORD = re.compile(r"\S+")


class UseEncoder(Encoder):
    """One vector a text from the Universal Sentence Encoder or another TF-Hub module.

    Args:
        model: a TF-Hub handle, Kaggle path, folder or archive.
        max_tokens: words of a text (between white space) that are encoded, the rest is cut off; None: all.
        device: ``cpu``, ``gpu`` or ``gpu:1``; None: TensorFlow's choice.
        precision: ``float32``, or ``bfloat16`` on a processor; ``auto``: bfloat16 where a processor computes that
            multiplies it natively, and the graph multiplies matrices.

    Raises:
        InputError: an option has no such value, there is no such model, or it has no such precision here.
        FailureError: the model is not available.
    """

    name = "use"
    needs = ("tensorflow", "tensorflow-hub")
    kind = "pooled"
    part_rows = 2048
    published = Published(
        "https://tfhub.dev/google/universal-sentence-encoder/4", "1 GB", "Apache-2.0", "Google on TF-Hub and Kaggle"
    )

    def __init__(
        self,
        model: str = published.model,
        max_tokens: int | None = None,
        device: str | None = None,
        precision: str = "float32",
    ) -> None:
        check(self.name, "precision", precision, PRECISIONS)
        if max_tokens is not None and max_tokens < 1:
            raise InputError(f"use: `max_tokens={max_tokens}` leaves no word; give 1 or more")
        self.max_tokens, self.device = max_tokens, device
        self.path = self.resolve(model)
        self._asked, self.precision = precision, self._resolved(precision)
        self._call: Call | None = None  # made at the first text
        self._batches: Batches

    def _resolved(self, precision: str) -> str:
        """``auto`` as float32 or bfloat16, and whether there is bfloat16 at all."""
        if precision == "float32":
            return precision
        products, gpu_computes = has_products(self.path), on_gpu(self.device)
        if precision == "auto":
            return "bfloat16" if products and not gpu_computes and multiplies_bfloat16() else "float32"
        if gpu_computes:
            raise InputError("use: `precision='bfloat16'` is for processors; leave it out, or give `device='cpu'`")
        if not products:
            raise InputError(f"use: `precision='bfloat16'`: {self.path} multiplies no matrices; leave it out")
        return precision

    def pinned(self) -> dict:
        """The precision that ``auto`` came to on this machine."""
        return {"precision": self.precision} if self._asked == "auto" else {}

    def weights(self) -> dict[str, tuple[Path, list[str] | None]]:
        """The module."""
        return {"model": (self.path, None)}

    def identity(self) -> dict:
        """Name, version of this code, digest of the module, the length limit, and a precision other than float32."""
        weights = weights_digest(self.path)
        found = {"encoder": self.name, "version": VERSION, "weights": weights, "max_tokens": self.max_tokens}
        return found | ({"precision": self.precision} if self.precision != "float32" else {})

    def encode(self, texts: list[str]) -> Features:
        """``pooled`` float32 ``[n, D]``; counts: words, of these in texts that have no vector, words cut off."""
        call = self._call or self._load()
        cut = [_cut(_SURROGATES.sub("\ufffd", text), self.max_tokens) for text in texts]
        strings = [text.encode() for text, _, _ in cut]
        counts = np.array([(words, 0, truncated) for _, words, truncated in cut], np.int32).reshape(-1, 3)
        pooled = np.zeros((len(texts), self.dimension), np.float32)
        rows = np.flatnonzero(counts[:, 0])
        lengths = np.array([len(strings[row]) // 4 + 1 for row in rows])  # a token is some 4 bytes in most languages

        def work(some: np.ndarray) -> np.ndarray:
            return call([strings[i] for i in rows[some]])

        with on_device(self.device):
            for some, vectors in self._batches.run(lengths, work, self.reporter):
                pooled[rows[some]] = vectors
        nothing = ~np.isfinite(pooled).all(1)
        pooled[nothing], counts[nothing, 1] = 0, counts[nothing, 0]
        return PooledFeatures({"pooled": pooled}, counts)

    def _load(self) -> Call:
        with on_device(self.device):
            call = _caller(self.load_module(self.path), self.path)
            probe = [text.encode() for text in PROBE]
            together, alone = call(probe), np.concatenate([call([text]) for text in probe])
            if not np.isfinite(together).any():
                raise FailureError(f"{self.path} makes no finite vectors: its weights are damaged; get it again")
            if self.precision == "bfloat16":
                call = _rounded(call, probe, together, self.path)
        self.dimension = together.shape[1]
        if np.nan_to_num(np.abs(together - alone)).max() > TOLERANCE:
            self.reporter.warn(
                f"{self.path}: the vector of a text changes with the others of its batch, so each is encoded alone"
            )
            self._batches = Batches(0, device=self.device)
        elif has_attention(self.path):
            self._batches = Batches(
                ATTENTION_BUDGET, lambda texts, longest: texts * longest * (longest + 256), device=self.device
            )
        else:
            on_cpu = device_kind(self.device) == "cpu"
            budget, at_once = (CPU_BUDGET, min(AT_ONCE, threads())) if on_cpu else (GPU_BUDGET, 1)
            self._batches = Batches(budget, at_once=at_once, device=self.device)
        self._call = call
        return call


def _cut(text: str, most: int | None) -> tuple[str, int, int]:
    """The first ``most`` words of a text as they stand, the number of all its words, and of those cut off."""
    ends = [word.end() for word in _WORD.finditer(text)]
    if most is None or len(ends) <= most:
        return text, len(ends), 0
    return text[: ends[most - 1]], len(ends), len(ends) - most


def _rounded(exact: Call, probe: list[bytes], vectors: np.ndarray, path: Path) -> Call:
    """The same function with products of bfloat16; ``vectors`` are what it makes of ``probe`` in float32."""
    lengths = np.linalg.norm(vectors[np.isfinite(vectors).all(1) & vectors.any(1)], axis=1)
    unit = bool(np.abs(lengths - 1).max(initial=0) < TOLERANCE)

    def call(texts: list[bytes]) -> np.ndarray:
        with bfloat16_products():
            found = exact(texts)
        length = np.linalg.norm(found, axis=1, keepdims=True)
        return found / np.where(length == 0, 1, length) if unit else found

    with bfloat16_products():
        same = np.allclose(exact(probe), vectors, rtol=SAME, atol=SAME, equal_nan=True)
    if same:
        raise InputError(
            f"use: `precision='bfloat16'`: TensorFlow computes {path} in float32 on this processor all the same; leave"
            " it out"
        )
    return call


def _caller(module: Any, path: Path) -> Call:  # noqa: ANN401
    """A function from ``n`` texts in UTF-8 to float32 ``[n, D]``, for a module of either generation.

    The function raises ``FailureError`` if the module takes no strings, or does not make one vector of each.
    """
    tf = load_tensorflow()
    run = _with_pieces(module) if "spm_path" in module.signatures else _on_strings(module, path)

    def call(texts: list[bytes]) -> np.ndarray:
        try:
            result = run(tf.constant(texts, tf.string))
        except (TypeError, ValueError, tf.errors.OpError) as error:
            if is_out_of_memory(error):
                raise
            why = str(error).partition("\n")[0]
            raise FailureError(f"{path} does not take a list of strings, as `encoder='use'` gives it: {why}") from error
        vectors = np.asarray(_one_of(result, path), np.float32)
        if vectors.ndim != 2 or len(vectors) != len(texts):
            raise FailureError(f"{path} made numbers {vectors.shape} of {len(texts)} texts, not one vector of each")
        return vectors

    return call


def _on_strings(module: Any, path: Path) -> Callable[[Any], Any]:  # noqa: ANN401
    """The module itself, or its signature for strings."""
    if callable(module):
        return module
    for name in ("default", "serving_default"):
        if name in module.signatures:
            return module.signatures[name]
    raise FailureError(f"{path} has no signature 'default'; it has: {', '.join(sorted(module.signatures)) or 'none'}")


def _one_of(result: Any, path: Path) -> Any:  # noqa: ANN401
    """The vectors among what a module gives: version 4 gives a tensor, 3 a dict, TF1 Hub modules a dict."""
    if not isinstance(result, dict):
        return result
    for name in ("outputs", "default", *(result if len(result) == 1 else ())):
        if name in result:
            return result[name]
    raise FailureError(f"{path} gives {', '.join(sorted(result))}, and neither 'outputs' nor 'default'")


def _with_pieces(module: Any) -> Callable[[Any], dict]:  # noqa: ANN401
    """The ``default`` signature of a lite module, fed with strings."""
    tf = load_tensorflow()
    path = module.asset_paths[0].asset_path.numpy().decode()  # what the signature spm_path gives is no path
    tokenizer = load_tensorflow_text().SentencepieceTokenizer(Path(path).read_bytes())

    def run(texts: Any) -> dict:  # noqa: ANN401
        ids = tf.cast(tokenizer.tokenize(texts), tf.int64).to_sparse()
        return module.signatures["default"](values=ids.values, indices=ids.indices, dense_shape=ids.dense_shape)

    return run
