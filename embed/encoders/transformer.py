"""``transformer``: any frozen transformer of the Hugging Face kind, with the vectors that its makers meant.

BERT, DistilBERT, ELECTRA, RoBERTa, XLM-R, CamemBERT, MPNet, ALBERT, DeBERTa-v2 and ModernBERT run by our own forward
pass (``embed.networks.transformer``), everything else that has a graph in ONNX by ONNX Runtime (``onnx``).

A folder of sentence-transformers says how a vector is made: pooling, dense layers, normalisation, prompts, length limit
and columns are read and kept to. From a bare network, it is the mean over all tokens, special ones included; see
``embed.encoders._sequence_pooling`` for the other poolings. The vector of a text depends on that text alone; an empty
text has that of its special tokens.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from embed.encoders._execution import Networks, OneNetwork
from embed.encoders._sentence_folder import read_sentence_folder
from embed.encoders._sequence_encoder import SequenceEncoder
from embed.encoders.base import Published
from embed.models.cache import files_digest
from embed.models.resolve import resolve_on_hub
from embed.networks.onnx import OnnxNetwork, onnx_files, precision_of
from embed.networks.transformer_weights import VERSIONS as NETWORK_VERSIONS
from embed.tokenise import Tokenizer
from embed.tokenise.hugging_face import HuggingFaceTokenizer, length_limit, tokenizer_files
from embed.weights.safetensors import weight_files
from embed.weights.transformer import read_transformer
from embed.weights.transformer_config import AnyConfig, Config
from stores.shared.cores import cores
from stores.shared.errors import InputError

VERSION = 1  # raise it whenever the same text, weights and options give another vector


class TransformerEncoder(SequenceEncoder):
    """Transformers by their names on the Hugging Face hub, or as folders, with the vectors their makers meant.

    Args:
        model: name on the hub, ``owner/name`` or ``owner/name@revision``, or a folder.
        output: ``pooled``, one vector a text, or ``tokens``, one a token.
        pooling: ``mean``, ``max``, ``cls``, ``lasttoken``, ``weightedmean`` or ``mean_sqrt_len_tokens``, several joined
            by ``+``; ``pooler`` or ``last4``; None: as the folder says, else ``mean``. Of tokens: ``first``, the first
            token of each word; None: all.
        layer: 0 (the embeddings) to the last, or from the end, -1 the last; several with commas, side by side.
        prompt: name of one of the model's prompts, or a text that is put before every text; None: the model's default.
        dims: columns that are kept, for models trained so that the first ones serve alone (Matryoshka); None: all, or
            as the folder says.
        onnx: a graph of the model to be run by ONNX Runtime, such as ``model_quantized`` or ``onnx/model_O3.onnx``;
            None: our own forward pass.
        max_tokens: most tokens of a text, special ones included; None: the model's own limit.
        long_text: what is read of longer texts: ``truncate``, the beginning; ``window``, all in windows that share a
            quarter, whose vectors are averaged by their tokens (``max``: the largest); ``head-tail``, a quarter from
            the beginning and the rest from the end.
        precision: ``float32``, ``bfloat16`` or ``float16`` of the matrix products; ``auto``: bfloat16 where the
            processor multiplies it natively, else float32.
        device: ``cpu``, ``gpu`` or ``gpu:1``; None: TensorFlow's choice.

    Raises:
        InputError: an option has no such value, or there is no such model, or none that tk runs.
        FailureError: the model is not available, or damaged.
    """

    name = "transformer"
    needs = ("tensorflow",)
    published = Published(
        "sentence-transformers/all-MiniLM-L6-v2", "91 MB", "Apache-2.0", "sentence-transformers on Hugging Face"
    )

    def __init__(
        self,
        model: str = published.model,
        output: str = "pooled",
        pooling: str | None = None,
        layer: str = "-1",
        prompt: str | None = None,
        dims: int | None = None,
        onnx: str | None = None,
        max_tokens: int | None = None,
        long_text: str = "truncate",
        precision: str = "float32",
        device: str | None = None,
    ) -> None:
        self._onnx = _graph(onnx) if onnx else None
        self._path, self._pinned = resolve_on_hub(model, self._onnx, self.reporter, self.trust)
        if not (self._path / "config.json").is_file() and not (self._path / "modules.json").is_file():
            raise InputError(f"{self._path} holds no config.json; give the folder of a Hugging Face model, or its name")
        self.folder = read_sentence_folder(self._path)
        self.configure(output, pooling, layer, max_tokens, long_text, precision, device)
        self.prompt, self._default_prompt = self.folder.prompt(prompt), prompt is None
        if dims is not None and dims < 1:
            raise InputError(f"transformer: `dims={dims}` leaves no column; give 1 or more")
        self.dims = dims or self.folder.dims
        if self._onnx and precision != "float32":
            raise InputError(f"transformer: `precision={precision!r}`: a graph has its own; leave it out")
        config = self.folder.network / "config.json"
        self._config = AnyConfig(config) if self._onnx else Config(config)

    def pinned(self) -> dict:
        """The model with its commit on the hub, beside what all such encoders keep."""
        return {"model": self._pinned} | super().pinned()

    def identity(self) -> dict:
        """What was read and done: the files' digest, and the options as they are resolved."""
        config = self._config
        most = min(self.max_tokens or self.limit() or config.max_tokens, config.max_tokens)
        return self.shared_identity(
            version=VERSION,
            network=NETWORK_VERSIONS[self.precision],
            weights=files_digest(self._path, self._files()),
            layer="last" if self._onnx else self._resolved_layers(config.depth),
            max_tokens=most,
        ) | ({"precision": precision_of(self._path / self._onnx)} if self._onnx else {})

    def weights(self) -> dict[str, tuple[Path, list[str] | None]]:
        """The files that are read."""
        return {"model": (self._path, self._files())}

    def _files(self) -> list[str]:
        """Names of all files that are read, below the model's folder."""
        network = self.folder.network
        names = ["config.json", *tokenizer_files(network), *([] if self._onnx else weight_files(network))]
        graph = onnx_files(self._path, self._onnx) if self._onnx else []
        return [*self.folder.files, *((network / name).relative_to(self._path).as_posix() for name in names), *graph]

    def limit(self) -> int | None:
        """That of sentence-transformers where it stands, else that of the tokenizer."""
        return self.folder.max_tokens or length_limit(self.folder.network)

    def open(self) -> tuple[Tokenizer, Networks | OneNetwork]:
        """Of the folder."""
        network: Path = self.folder.network
        tokenizer: Any = HuggingFaceTokenizer(network, self._config.kind, self.folder.lower_case)
        if self._onnx:
            onnx_files(self._path, self._onnx)  # or an error that says what there is
            graph: Any = OnnxNetwork(self._path / self._onnx, self._config.max_tokens, max(1, int(cores())))
            return tokenizer, OneNetwork(graph, tensorflow=False)
        return tokenizer, Networks(read_transformer(network), self.precision)


def _graph(onnx: str) -> str:
    """The path of a graph below the model's folder: ``model_O3`` is ``onnx/model_O3.onnx``."""
    path = onnx if onnx.endswith(".onnx") else f"{onnx}.onnx"
    if ".." in path or path.startswith("/"):
        raise InputError(f"transformer: `onnx={onnx!r}` is no file of the model; give it as onnx/model.onnx")
    return path if "/" in path else f"onnx/{path}"
