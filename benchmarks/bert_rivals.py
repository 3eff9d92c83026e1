"""The ways that ``bert.py`` compares: each has ``settings`` and ``run(texts, most tokens, setting)`` -> [n, H]."""

from __future__ import annotations

import os
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from embed import load_encoder

BUDGETS = (1024, 2048, 4096)  # padded tokens of a batch that rivals try
CORES = os.cpu_count() or 1


class Ours:
    """The encoder as tk embed runs it."""

    settings = (None,)

    def __init__(self, model, precision):
        self.model, self.precision, self.encoders = str(model), precision, {}

    def run(self, texts, most, setting):
        """The vectors."""
        if most not in self.encoders:
            self.encoders[most] = load_encoder(
                "transformer", model=self.model, max_tokens=most, precision=self.precision
            )
        return self.encoders[most].encode(texts).outputs["pooled"]


class SentenceTransformers:
    """PyTorch; ``encode`` sorts by length itself."""

    settings = (16, 32, 64, 128)

    def __init__(self, model, precision):
        import torch
        from sentence_transformers import SentenceTransformer

        torch.set_num_threads(CORES)
        self.model = SentenceTransformer(str(model), device="cpu", model_kwargs={"dtype": precision})

    def run(self, texts, most, setting):
        """The vectors; the setting is the batch size."""
        self.model.max_seq_length = most
        return np.asarray(self.model.encode(texts, batch_size=setting or 32), np.float32)


class Padded:
    """Texts in batches of like length, padded: for engines that run a graph of ids and mask.

    A subclass gives ``states(ids, mask, streams)``, float32 [B, T, H].
    """

    settings = tuple((budget, streams) for budget in BUDGETS for streams in (1, CORES))

    def __init__(self, model):
        from tokenizers import Tokenizer

        self.tokenizer = Tokenizer.from_file(str(Path(model) / "tokenizer.json"))
        self.tokenizer.no_padding()

    def run(self, texts, most, setting):
        """The vectors; the setting is the budget and the batches at once."""
        budget, streams = setting or (2048, 1)
        self.tokenizer.enable_truncation(most)
        ids = [np.array(found.ids, np.int64) for found in self.tokenizer.encode_batch_fast(texts)]
        lengths = np.array([len(some) for some in ids])
        order, batches = np.argsort(-lengths, kind="stable"), []
        while len(order):
            some = max(1, budget // lengths[order[0]])
            batches.append(order[:some])
            order = order[some:]

        def work(rows):
            mask = np.arange(lengths[rows[0]]) < lengths[rows, None]
            padded = np.zeros(mask.shape, np.int64)
            padded[mask] = np.concatenate([ids[row] for row in rows])
            states = self.states(padded, mask.astype(np.int64), streams)
            pooled = np.einsum("nth,nt->nh", states, mask.astype(np.float32)) / mask.sum(1, keepdims=True)
            return pooled / np.linalg.norm(pooled, axis=1, keepdims=True)

        with ThreadPoolExecutor(streams) as threads:
            found = list(threads.map(work, batches))
        out = np.empty((len(texts), found[0].shape[1]), np.float32)
        out[np.concatenate(batches)] = np.concatenate(found)
        return out


class OnnxRuntime(Padded):
    """The graph as PyTorch exports it, or one that ``onnxruntime.transformers`` has optimised, or int8 of either."""

    def __init__(self, model, path):
        super().__init__(model)
        self.path, self.sessions = path, {}

    def states(self, ids, mask, streams):
        """Of a session with its share of the cores."""
        if streams not in self.sessions:
            import onnxruntime

            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = CORES // streams
            options.log_severity_level = 3
            self.sessions[streams] = onnxruntime.InferenceSession(
                str(self.path), options, providers=["CPUExecutionProvider"]
            )
        feed = {"input_ids": ids, "attention_mask": mask, "token_type_ids": ids * 0}
        return self.sessions[streams].run(None, feed)[0]


class OpenVino(Padded):
    """The same graph by OpenVINO: as it does by default on this processor, or held to float32."""

    def __init__(self, model, path, hints):
        super().__init__(model)
        self.path, self.hints, self.compiled, self.requests = path, hints, {}, {}

    def states(self, ids, mask, streams):
        """Of a request for each thread."""
        import openvino

        if streams not in self.compiled:
            hints = self.hints | ({} if streams == 1 else {"NUM_STREAMS": str(streams)})
            self.compiled[streams] = openvino.Core().compile_model(str(self.path), "CPU", hints)
        key = streams, threading.get_ident()
        if key not in self.requests:
            self.requests[key] = self.compiled[streams].create_infer_request()
        feed = {"input_ids": ids, "attention_mask": mask, "token_type_ids": ids * 0}
        return self.requests[key].infer(feed)[0].copy()


def export(model, path):
    """The graph of the last states, by PyTorch; then what the optimiser and quantisation of ONNX Runtime make of it."""
    import torch
    from onnx import TensorProto
    from onnxruntime.quantization import QuantType, quantize_dynamic
    from onnxruntime.transformers import optimizer
    from sentence_transformers import SentenceTransformer

    class States(torch.nn.Module):
        def __init__(self, bert):
            super().__init__()
            self.bert = bert.eval()

        def forward(self, ids, mask, types):
            return self.bert(input_ids=ids, attention_mask=mask, token_type_ids=types).last_hidden_state

    ids = torch.ones((2, 7), dtype=torch.long)
    names, axes = ["input_ids", "attention_mask", "token_type_ids"], {0: "batch", 1: "length"}
    bert = SentenceTransformer(str(model), device="cpu", model_kwargs={"attn_implementation": "eager"})[0].auto_model
    plain, fused, integers = (path / f"{name}.onnx" for name in ("plain", "fused", "int8"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            States(bert), (ids, torch.ones_like(ids), ids * 0), str(plain), input_names=names, output_names=["states"],
            dynamic_axes={name: axes for name in [*names, "states"]}, dynamo=False, opset_version=17,
        )  # fmt: skip
    config = bert.config
    made = optimizer.optimize_model(str(plain), "bert", config.num_attention_heads, config.hidden_size)
    made.save_model_to_file(str(fused))
    usual = {"DefaultTensorType": TensorProto.FLOAT}  # of what the fused operations give
    quantize_dynamic(fused, integers, per_channel=True, weight_type=QuantType.QInt8, extra_options=usual)
    return plain, fused, integers


def ways(model, graphs):
    """Name -> what opens that way; ``graphs``: the folder that ``export`` has filled."""
    plain, fused, integers = (graphs / f"{name}.onnx" for name in ("plain", "fused", "int8"))
    return {
        "sentence-transformers, float32": lambda: SentenceTransformers(model, "float32"),
        "sentence-transformers, bfloat16": lambda: SentenceTransformers(model, "bfloat16"),
        "ONNX Runtime, float32": lambda: OnnxRuntime(model, plain),
        "ONNX Runtime, float32, fused": lambda: OnnxRuntime(model, fused),
        "ONNX Runtime, int8 per channel": lambda: OnnxRuntime(model, integers),
        "OpenVINO, float32": lambda: OpenVino(model, plain, {"INFERENCE_PRECISION_HINT": "f32"}),
        "OpenVINO, default": lambda: OpenVino(model, plain, {}),
        "tk, float32": lambda: Ours(model, "float32"),
        "tk, auto": lambda: Ours(model, "auto"),
    }
