"""The encoder bert against sentence-transformers, ONNX Runtime and TensorFlow's usual ways, on the same weights.

Usage: python benchmarks/bert.py MODEL --sms spam.csv --imdb aclImdb_subset.tar.gz [--repeats 3]
       python benchmarks/bert.py --full spam.csv       (24 layers of 1,024, random weights as TF-Hub's version 1)

MODEL is the folder of all-MiniLM-L6-v2. The ways take turns, and the median time of each counts. ``of peak`` is the
rate of the arithmetic on real tokens, as a share of the largest float32 matrix product rate of the same run.
"""

from __future__ import annotations

import argparse
import csv
import io
import multiprocessing
import resource
import sys
import tarfile
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]
from helpers import bert_models

from embed import load_encoder
from embed.tokenise.wordpiece import WordPiece
from embed.weights.safetensors import read_safetensors
from stores.shared.tensorflow import load_tensorflow

BATCH = 32  # the default of sentence-transformers and of Keras


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path, nargs="?")
    parser.add_argument("--sms", type=Path)
    parser.add_argument("--imdb", type=Path)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--full", type=Path, help="the SMS file, for the run with 24 layers")
    arguments = parser.parse_args()
    if arguments.full:
        full_size(read_sms(arguments.full)[::20])
        return
    sms, imdb = read_sms(arguments.sms), read_imdb(arguments.imdb)
    with tempfile.TemporaryDirectory() as folder:
        rivals = Rivals(arguments.model, Path(folder))
        parity(rivals, sms)
        compare(rivals, "SMS, cut at 128", sms, 128, arguments.repeats)
        for most in (128, 256, 512):
            compare(rivals, f"IMDB, 100 reviews cut at {most}", imdb[:100], most, arguments.repeats)


def read_sms(path):
    with open(path, encoding="cp1252", errors="replace", newline="") as file:
        return [row[1] for row in csv.reader(file)][1:]


def read_imdb(path):
    """Reviews of the training set, both classes by turns in the order of their names."""
    with tarfile.open(path) as tar:
        members = [m for m in tar if m.name.startswith("aclImdb/train/") and "/unsup" not in m.name]
        members = sorted((m for m in members if m.name.count("/") == 3 and m.isfile()), key=lambda m: m.name[-9:])
        return [io.TextIOWrapper(tar.extractfile(m), encoding="utf-8").read() for m in members[:400]]


class Rivals:
    """The same weights behind every way; a way is a function of texts and a limit to vectors float32 [n, H]."""

    def __init__(self, model, folder):
        from sentence_transformers import SentenceTransformer

        self.tf = load_tensorflow()
        self.model = str(model)
        vocabulary = (Path(model) / "vocab.txt").read_text(encoding="utf-8").removesuffix("\n").split("\n")
        weights = bert_models.google_names(read_safetensors(Path(model) / "model.safetensors"))
        self.pieces = WordPiece(vocabulary, True, longest=100)
        self.width, self.layers, heads = weights["pooler/dense/bias"].size, 6, 12
        self.inner = weights["encoder/layer_0/intermediate/dense/bias"].size
        self.sentences = SentenceTransformer(self.model, device="cpu")
        path = bert_models.hub(
            folder / "hub", 4, weights=weights, heads=heads, activation="gelu", pieces=vocabulary,
        )  # fmt: skip
        self.hub = self.tf.saved_model.load(str(path))
        self.session = self._onnx(folder / "bert.onnx")
        self.encoders = {}

    def _onnx(self, path):
        import onnxruntime
        import torch

        ids = torch.ones((2, 7), dtype=torch.long)

        class States(torch.nn.Module):
            def __init__(self, bert):
                super().__init__()
                self.bert = bert.eval()

            def forward(self, ids, mask, types):
                return self.bert(input_ids=ids, attention_mask=mask, token_type_ids=types).last_hidden_state

        names, axes = ["input_ids", "attention_mask", "token_type_ids"], {0: "batch", 1: "length"}
        axes = {name: axes for name in [*names, "states"]}
        states = States(self.sentences[0].auto_model)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.onnx.export(
                states, (ids, ids, ids * 0), str(path), input_names=names, output_names=["states"], dynamic_axes=axes,
                dynamo=False,
            )  # fmt: skip
        return onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])

    def ours(self, texts, most):
        """The encoder bert, as tk embed runs it."""
        if most not in self.encoders:
            self.encoders[most] = load_encoder("bert", model=self.model, max_tokens=most)
        return self.encoders[most].encode(texts).outputs["pooled"]

    def sentence_transformers(self, texts, most):
        """PyTorch, texts sorted by length, 32 together."""
        self.sentences.max_seq_length = most
        return self.sentences.encode(texts)

    def onnx_runtime(self, texts, most):
        """Longest texts first, so that batches hold like lengths: its best."""
        ids = self.ids(texts, most)
        order = np.argsort([-len(some) for some in ids], kind="stable")
        return self._in_batches(ids, order, self._run_onnx)

    def _run_onnx(self, ids, mask):
        feed = {"input_ids": ids, "attention_mask": mask, "token_type_ids": ids * 0}
        return self.session.run(["states"], {name: values.astype(np.int64) for name, values in feed.items()})[0]

    def hub_in_file_order(self, texts, most):
        """The graph of the module, batches padded to their longest text."""
        ids = self.ids(texts, most)
        return self._in_batches(ids, np.arange(len(ids)), self._run_hub)

    def _run_hub(self, ids, mask):
        feed = {"input_word_ids": ids, "input_mask": mask, "input_type_ids": ids * 0}
        feed = {name: self.tf.constant(values, self.tf.int32) for name, values in feed.items()}
        return self.hub(feed)["sequence_output"].numpy()

    def keras_predict(self, texts, most):
        """As tutorials have it: all texts padded to one length, the graph in a Keras model, ``predict``."""
        import keras

        if not hasattr(self, "keras_model"):
            hub, tf = self.hub, self.tf

            class Published(keras.layers.Layer):
                def call(self, ids):
                    mask = tf.cast(ids > 0, tf.int32)
                    states = hub({"input_word_ids": ids, "input_mask": mask, "input_type_ids": 0 * ids})
                    weight = tf.cast(mask, tf.float32)[:, :, None]
                    return tf.reduce_sum(states["sequence_output"] * weight, 1) / tf.reduce_sum(weight, 1)

                def compute_output_shape(self, shape):
                    return (shape[0], None)

            inputs = keras.Input([None], dtype="int32")
            self.keras_model = keras.Model(inputs, Published()(inputs))
        return self.keras_model.predict(pad(self.ids(texts, most), most), batch_size=BATCH, verbose=0)

    def ids(self, texts, most):
        """The tokens of each text, with [CLS] and [SEP]."""
        found = self.pieces(texts)
        cls, sep = self.pieces.before, self.pieces.after
        parts = [found.ids[a:b][: most - 2] for a, b in zip(found.offsets, found.offsets[1:], strict=False)]
        return [np.concatenate([cls, part, sep]).astype(np.int32) for part in parts]

    def _in_batches(self, ids, order, run):
        out = np.empty((len(ids), self.width), np.float32)
        for start in range(0, len(order), BATCH):
            rows = order[start : start + BATCH]
            batch = [ids[row] for row in rows]
            padded = pad(batch)
            mask = np.arange(padded.shape[1]) < np.array([len(some) for some in batch])[:, None]
            states = run(padded, mask.astype(np.int32))
            out[rows] = (states * mask[:, :, None]).sum(1) / mask.sum(1, keepdims=True)
        return out

    def operations(self, texts, most):
        """Of the products of matrices, on real tokens."""
        return operations(np.array([len(some) for some in self.ids(texts, most)]), self.layers, self.width, self.inner)


def pad(batch, longest=0):
    """Texts as rows, padded with zeros to the longest or more: int32 [B, T]."""
    padded = np.zeros((len(batch), max(longest, *map(len, batch))), np.int32)
    for row, some in zip(padded, batch, strict=True):
        row[: len(some)] = some
    return padded


def operations(lengths, layers, width, inner):
    """Floating-point operations of the products of matrices, for texts of these lengths."""
    dense = lengths.sum() * (4 * width**2 + 2 * width * inner)
    return 2.0 * layers * (dense + 2 * (lengths.astype(float) ** 2).sum() * width)


def peak(tf, best=0.0):
    """The largest rate of a float32 matrix product, operations a second."""
    for n in (2048, 4096):
        a = tf.random.normal([n, n])
        for _ in range(3):
            start = time.perf_counter()
            tf.matmul(a, a).numpy()
            best = max(best, 2 * n**3 / (time.perf_counter() - start))
    return best


def parity(rivals, texts):
    ours, theirs = rivals.ours(texts, 256), rivals.sentence_transformers(texts, 256)
    ours, theirs = (x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-9) for x in (ours, theirs))
    print(
        f"all {len(texts):,} SMS: largest difference to sentence-transformers {np.abs(ours - theirs).max():.1e}\n",
        flush=True,
    )


def compare(rivals, what, texts, most, repeats):
    ways = {
        "tk": rivals.ours,
        "sentence-transformers encode": rivals.sentence_transformers,
        "ONNX Runtime, sorted": rivals.onnx_runtime,
        "TF-Hub graph, file order": rivals.hub_in_file_order,
        f"Keras predict, padded to {most}": rivals.keras_predict,
    }
    for way in ways.values():  # compile and warm up
        way(texts[:64], most)
    times, top = {name: [] for name in ways}, 0.0
    for _ in range(repeats):
        top = peak(rivals.tf, top)
        for name, way in ways.items():
            start = time.perf_counter()
            way(texts, most)
            times[name].append(time.perf_counter() - start)
    total = rivals.operations(texts, most)
    print(f"{what}: {len(texts):,} texts; largest product {top / 1e9:.0f} GFLOP/s")
    middle = {name: float(np.median(found)) for name, found in times.items()}
    for name, seconds in middle.items():
        rate, share = len(texts) / seconds, total / seconds / top
        print(
            f"  {name:30} {rate:8.1f} texts/s   tk is {seconds / middle['tk']:5.2f} x   {share:.2f} of peak", flush=True
        )
    print(flush=True)


def full_size(texts):
    """24 layers, 1,024 wide, random weights in the layout of version 1: rate and memory, against its own graph."""
    heads, depth, width, inner = 16, 24, 1024, 4096
    letters = [chr(33 + i) for i in range(94)]
    pieces = [
        *bert_models.PIECES[:5],
        *letters,
        *(f"##{letter}" for letter in letters),
        *map("w{}".format, range(28_803)),
    ]
    sizes = {"WIDTH": width, "INNER": inner, "DEPTH": depth, "POSITIONS": 512, "PIECES": pieces}
    for name, value in sizes.items():
        setattr(bert_models, name, value)
    with tempfile.TemporaryDirectory() as folder:
        path = write_large(Path(folder) / "hub", heads, pieces)
        tf = load_tensorflow()
        before = memory()
        encoder = load_encoder("bert", model=str(path), casing="cased")
        lengths = encoder.encode(texts).counts[:, 0] + 2
        loaded = memory()
        module = tf.saved_model.load(str(path))
        ids = [np.random.default_rng(0).integers(5, 1000, n) for n in lengths]
        best, slow, top = np.inf, np.inf, 0.0
        for _ in range(2):
            top = peak(tf, top)
            start = time.perf_counter()
            encoder.encode(texts)
            best = min(best, time.perf_counter() - start)
            start = time.perf_counter()
            for at in range(0, len(ids), BATCH):
                padded = pad(ids[at : at + BATCH])
                module([tf.constant(x, tf.int32) for x in (padded, padded > 0, padded * 0)])[1].numpy()
            slow = min(slow, time.perf_counter() - start)
    share = operations(lengths, depth, width, inner) / best / top
    rate = lengths.sum() / best
    print(f"{depth} layers of {width:,}: {len(texts)} SMS of {lengths.mean():.0f} tokens, {rate:.0f} tokens/s")
    print(f"{share:.2f} of the largest product ({top / 1e9:.0f} GFLOP/s); its graph in file order {slow / best:.2f} x")
    print(f"peak memory {before:.1f} GiB before, {loaded:.1f} GiB after the first use with its probe")


def write_large(path, heads, pieces):
    """The module, by a process that is over before anything is measured; TensorFlow is not loaded yet."""

    def write():
        weights = {name: array * np.float32(0.1) for name, array in bert_models.arrays().items()}
        bert_models.hub(path, 1, weights=weights, heads=heads, pieces=pieces)

    process = multiprocessing.get_context("fork").Process(target=write)
    process.start()
    process.join()
    return path


def memory():
    """The largest memory of this process so far, GiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


if __name__ == "__main__":
    main()
