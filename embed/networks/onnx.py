"""The graph of a published ONNX file as a network, by ONNX Runtime: for architectures that tk does not run itself.

A graph takes ``input_ids`` and ``attention_mask`` (and, as it asks, token types, places, an empty past) of texts padded
to the longest of their batch, and gives the states of its last layer. A graph that quantises its activations while it
runs (int8, "dynamic") does so over all numbers of a batch: there, each text is a batch by itself, so that its vector
does not depend on others.
"""

from __future__ import annotations

import mmap
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from stores.shared.distribution import pip_install
from stores.shared.errors import FailureError, InputError

STATES = ("last_hidden_state", "token_embeddings")  # names of the output, the first that there is
TYPES = {
    "tensor(int64)": np.int64,
    "tensor(int32)": np.int32,
    "tensor(float)": np.float32,
    "tensor(float16)": np.float16,
}
INTEGER = (b"DynamicQuantizeLinear", b"MatMulInteger", b"QLinearMatMul", b"DequantizeLinear")


class OnnxNetwork:
    """As ``embed.networks.transformer.TransformerNetwork``, with the states of the last layer alone.

    Args:
        path: the file; what it keeps beside it must lie there.
        max_tokens: of a text, with special tokens.
        threads: batches that are worked on at once, each by one thread.

    Attributes:
        budget: of a batch; 0 for graphs whose texts must be alone.
        at_once: see ``threads``.

    Raises:
        InputError: if it asks for inputs that texts have not, or gives no states.
        FailureError: if it is damaged, or ONNX Runtime is not installed.
    """

    depth = 0  # the last layer is the one that there is
    vocabulary: int | None = None
    on_gpu = False

    def __init__(self, path: Path, max_tokens: int, threads: int) -> None:
        self._path, self.max_tokens, self.at_once = path, max_tokens, threads
        self._session = _session(path)
        self._inputs = {entry.name: entry for entry in self._session.get_inputs()}
        known = ("input_ids", "attention_mask", "token_type_ids", "position_ids")
        for name in self._inputs:
            if name not in known and not name.startswith("past_key_values."):
                raise InputError(f"{path}: the graph asks for {name}, which texts have not")
        if "input_ids" not in self._inputs:
            raise InputError(f"{path}: the graph takes no input_ids; it is no encoder of text")
        self._output, self.width = self._states()
        if precision_of(path) == "int8 dynamic":
            self.budget = 0

    def _states(self) -> tuple[str, int]:
        """Name and columns of the output that is ``[B, T, H]``."""
        outputs = {entry.name: entry.shape for entry in self._session.get_outputs() if len(entry.shape) == 3}
        name = next((name for name in STATES if name in outputs), None)
        if name is None and len(outputs) == 1:
            name = next(iter(outputs))
        if name is None:
            raise InputError(f"{self._path}: the graph gives no states of tokens ({', '.join(STATES)})")
        if isinstance(width := outputs[name][2], int):
            return name, width
        (found,) = self._run([name], np.zeros((1, 2), np.int64), np.ones((1, 2), bool))
        return name, found.shape[2]

    def compile(self, layers: Sequence[int], pooler: bool = False) -> Callable[[np.ndarray, np.ndarray], list]:
        """As there; ``InputError`` for another layer than the last, or the pooler."""
        if pooler or list(layers) != [0]:
            raise InputError(f"{self._path} gives the states of the last layer alone; leave out `layer`, or `pooling`")

        def run(ids: np.ndarray, lengths: np.ndarray) -> list[np.ndarray]:
            mask = np.arange(lengths.max()) < lengths[:, None]  # [B, T]
            padded = np.zeros(mask.shape, np.int64)
            padded[mask] = ids
            (states,) = self._run([self._output], padded, mask)  # [B, T, H]
            return [np.asarray(states[mask], np.float32)]  # [N, H]

        return run

    def _run(self, outputs: list[str], ids: np.ndarray, mask: np.ndarray) -> list[np.ndarray]:
        feed = {}
        for name, entry in self._inputs.items():
            kind = TYPES.get(entry.type, np.float32)
            if name.startswith("past_key_values."):  # of nothing: [B, heads, 0, width]
                feed[name] = np.zeros((len(ids), entry.shape[1], 0, entry.shape[3]), kind)
                continue
            values: dict[str, Any] = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
            values["position_ids"] = np.broadcast_to(np.arange(ids.shape[1]), ids.shape)
            feed[name] = values[name].astype(kind)
        try:
            return self._session.run(outputs, feed)
        except Exception as error:  # its types are not public
            why = str(error).strip().partition("\n")[0]
            if "allocate memory" in why or "bad_alloc" in why:
                raise MemoryError(why) from error
            raise FailureError(f"{self._path} failed in ONNX Runtime: {why}") from error


def precision_of(path: Path) -> str:
    """``int8 dynamic``, ``int8``, or ``as stored``: what the operations that a graph names tell."""
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        found = [name for name in INTEGER if data.find(name) >= 0]
    return "int8 dynamic" if found[:1] == [INTEGER[0]] else "int8" if found else "as stored"


def onnx_files(folder: Path, name: str) -> list[str]:
    """Names below ``folder`` of a graph and of what it keeps in files beside it (``model.onnx_data``).

    Raises:
        InputError: if there is no such graph.
    """
    path = folder / name
    if not path.is_file():
        there = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*.onnx"))
        raise InputError(f"{folder} has no {name}; `onnx` may be: {', '.join(there) or 'nothing, it has no graph'}")
    beside = [p for p in path.parent.glob(f"{path.name}*") if p.is_file()]
    return sorted(p.relative_to(folder).as_posix() for p in beside)


def _session(path: Path) -> Any:  # noqa: ANN401 (onnxruntime is imported where it is used)
    try:
        import onnxruntime
    except ImportError as error:
        raise FailureError(f"graphs in ONNX need a package: {pip_install('onnxruntime', 'onnx')}") from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # its types are not public
        why = str(error).strip().partition("\n")[0]
        raise FailureError(f"{path} is damaged, or no graph that ONNX Runtime runs ({why}); get it again") from error
