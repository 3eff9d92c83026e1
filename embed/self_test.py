"""An encoder on trial: does its model load, what does it make of a few texts, how fast, and is it steady."""

from __future__ import annotations

import time

import numpy as np

from embed.encoders import load
from stores.features import COUNTS, Features, IdFeatures, PooledFeatures
from stores.shared.errors import FailureError
from stores.shared.fingerprint import identity_digest
from stores.shared.reporter import Reporter

WORDS = "the quick brown fox jumps over a lazy dog and wins 1,000 pounds at once".split()
# 1 to 64 words, each length once; then what goes wrong in other places
TEXTS = [" ".join(WORDS[(n + i) % len(WORDS)] for i in range(n)) for n in range(1, 65)]
TEXTS += ["", "  ", "Grüße aus Köln", "你好 世界", "\U0001f600", "x" * 60, "!?", "one\ntwo\tthree", "a\x00b"]
STEADY = 1e-4  # the largest difference of a vector alone and in company that passes
STEADY_HALF = 0.05  # the same in bfloat16 or float16, whose sums round otherwise in other company


def check(name: str, options: dict, reporter: Reporter | None = None) -> dict:
    """Load the encoder ``name`` with ``options`` and encode ``TEXTS``, together and one by one.

    What the encoder says goes to ``reporter``; None: stderr.

    Returns:
        What was found, in the order in which it is to be read: names with numbers and strings.

    Raises:
        InputError: if there is no such encoder, option or model.
        FailureError: if the model cannot be loaded, gives numbers that are not finite, or gives a text another vector
            in another batch.
    """
    start = time.perf_counter()
    encoder = load(name, reporter=reporter, **options)
    identity = encoder.identity()
    encoder.encode(TEXTS)  # the first call loads, and compiles for the lengths
    loaded = time.perf_counter() - start
    start = time.perf_counter()
    together = encoder.encode(TEXTS)
    seconds = time.perf_counter() - start
    for output, values in together.outputs.items():
        if not np.isfinite(values).all():
            raise FailureError(f"{name}: {output} holds numbers that are not finite; the weights are damaged")
    difference = max(_difference(together.take(np.array([i])), encoder.encode([t])) for i, t in enumerate(TEXTS))
    if difference > (STEADY if options.get("precision", "float32") == "float32" else STEADY_HALF):
        raise FailureError(f"{name}: a text has another vector in another batch (largest difference {difference:.2g})")
    counts = dict(zip(COUNTS, together.counts.sum(0).tolist(), strict=True))
    found = {"encoder": name, **{what: value for what, value in identity.items() if what != "encoder"}}
    found |= {"identity": identity_digest(identity), "kind": together.kind}
    for output, values in together.outputs.items():
        found[output] = f"{values.dtype} {list(values.shape)} of {len(TEXTS)} texts"
        if isinstance(together, PooledFeatures):
            norms = np.linalg.norm(values[together.counts[:, 0] > 0], axis=1)
            found[f"{output} length"] = f"{norms.min():.4g} to {norms.max():.4g}"
    found |= {"counts": ", ".join(f"{number} {what}" for what, number in counts.items())}
    found |= {"alone and in a batch": f"largest difference {difference:.2g}"}
    if options.get("precision", "float32") != "float32":
        exact = load(name, reporter=reporter, **options | {"precision": "float32"}).encode(TEXTS)
        largest = max(float(np.abs(values).max()) for values in exact.outputs.values())
        found["against float32"] = (
            f"largest difference {_difference(together, exact):.2g} of numbers up to {largest:.3g}"
        )
    found |= {"seconds to load": round(loaded, 3)}
    return found | {"texts a second": round(len(TEXTS) / seconds), "tokens a second": round(counts["tokens"] / seconds)}


def _difference(one: Features, other: Features) -> float:
    """The largest difference between the features of a text, infinite where they differ in shape."""
    one, other = one.canonical(), other.canonical()
    if type(one) is not type(other) or one.outputs.keys() != other.outputs.keys():
        return np.inf
    if isinstance(one, IdFeatures) and isinstance(other, IdFeatures) and one.vocabulary != other.vocabulary:
        return np.inf
    pairs = [(values, other.outputs[name]) for name, values in one.outputs.items()]
    if any(a.shape != b.shape for a, b in pairs):
        return np.inf
    return max(float(np.abs(np.subtract(a, b, dtype=np.float64)).max(initial=0)) for a, b in pairs)
