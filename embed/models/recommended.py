"""A few models of the Hugging Face hub to begin with, as their cards described them in 2025; nothing is asked here."""

from __future__ import annotations

import time
from dataclasses import dataclass

from stores.shared.cores import one_thread_a_product

WORDS = 30  # tokens of the short text that costs are told for
SHARE = 0.7  # of the rate of a large product that an encoder reaches on short texts


@dataclass(frozen=True)
class RecommendedModel:
    """A model.

    Attributes:
        encoder: that takes it as its ``model``.
        model: its name on the hub.
        megabytes: of the download.
        licence: of the weights.
        languages: that it was trained on.
        columns: of a vector.
        tokens: of a text that are read, at most.
        weights: millions of them that every token is multiplied with; 0: none, vectors are looked up.
        prompt: that belongs before each text, where its folder does not say it.
    """

    encoder: str
    model: str
    megabytes: int
    licence: str
    languages: str
    columns: int
    tokens: int
    weights: float
    prompt: str = ""


RECOMMENDED = (
    RecommendedModel("static", "minishlab/potion-base-8M", 30, "MIT", "English", 256, 512, 0),
    RecommendedModel("static", "minishlab/potion-multilingual-128M", 512, "MIT", "101 languages", 256, 512, 0),
    RecommendedModel(
        "transformer", "sentence-transformers/all-MiniLM-L6-v2", 91, "Apache-2.0", "English", 384, 256, 10.6
    ),
    RecommendedModel("transformer", "BAAI/bge-small-en-v1.5", 133, "MIT", "English", 384, 512, 21.3),
    RecommendedModel(
        "transformer", "sentence-transformers/all-mpnet-base-v2", 438, "Apache-2.0", "English", 768, 384, 85
    ),
    RecommendedModel("transformer", "answerdotai/ModernBERT-base", 599, "Apache-2.0", "English", 768, 8192, 110),
    RecommendedModel(
        "transformer", "intfloat/multilingual-e5-small", 471, "MIT", "about 100 languages", 384, 512, 21.3, "query: "
    ),
    RecommendedModel(
        "transformer", "sentence-transformers/paraphrase-multilingual-MiniLM-L12-v2", 471, "Apache-2.0",
        "50 languages", 384, 128, 21.3,
    ),
    RecommendedModel("transformer", "FacebookAI/xlm-roberta-base", 1120, "MIT", "100 languages", 768, 512, 85),
)  # fmt: skip


def multiplications_a_second(cores: float, size: int = 512) -> float:
    """The rate of float32 products on this machine if nothing else runs: one core's best of eight, times cores."""
    import numpy as np

    a, best = np.ones((size, size), np.float32), float("inf")
    with one_thread_a_product():
        for _ in range(8):
            start = time.perf_counter()
            a @ a
            best = min(best, time.perf_counter() - start)
    return size**3 / best * cores


def seconds_per_thousand(model: RecommendedModel, rate: float) -> float:
    """An estimate for 1,000 texts of ``WORDS`` tokens, without the start; 0 for tables of vectors."""
    return 1000 * WORDS * model.weights * 1e6 / (rate * SHARE)
