"""The published forms of ELMo, each behind one call: words of texts in, layers by name out.

The weights of an architecture that we know are run by ``embed.networks.elmo``. Before weights of a TF1 Hub module are
used that way for the first time, both ways are compared on ``PROBE``. Whether a module reads sentence marks around a
text is not published, so the probe tries both. Where neither agrees, the module's own graph is used.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from pathlib import Path
from typing import Any

import numpy as np

from embed.batches import Batches
from embed.encoders._agreement import TOLERANCE, agreement
from embed.models.cache import weights_digest
from embed.models.hub import load_module
from embed.networks.elmo import VERSION, Elmo
from embed.weights.elmo import read_allennlp, read_hub
from stores.shared.errors import InputError
from stores.shared.fingerprint import digest_bytes
from stores.shared.reporter import SILENT, Reporter
from stores.shared.tensorflow import load_tensorflow

OUTPUTS = {"mix": "elmo", "0": "word_emb", "1": "lstm_outputs1", "2": "lstm_outputs2"}
BUDGET = 2048  # padded words: the graph holds all positions of all its filters, 360 KiB a word of the full size
MOST_TEXTS = 128  # modules that keep a state have room for no more than this (bilm-tf) or 1,024 (DeepPavlov)


class ModuleElmo:
    """A TF1 Hub module with the signature ``tokens``, as Google and DeepPavlov publish ELMo.

    ``device``: where its batches run. A module that goes on from where the call before ended (DeepPavlov's) is set back
    before every call.

    Raises:
        InputError: if the module cannot be called with words.
    """

    def __init__(self, path: Path, device: str | None = None, load: Callable[[Path], Any] = load_module) -> None:
        self._tf = load_tensorflow()
        self._path = path
        self._module = load(path)
        try:
            self._signature = self._module.signatures["tokens"]
        except (AttributeError, KeyError):
            advice = "`encoder='use'` takes any module that makes one vector of a string"
            raise InputError(f"{path} is no ELMo: it has no signature 'tokens'; {advice}") from None
        self.batches = Batches(BUDGET, lambda texts, longest: texts * max(longest, BUDGET // MOST_TEXTS), device=device)
        self._keeps_state = False
        first, second = (self([[b"state"]], ["mix"])["mix"] for _ in range(2))
        self._keeps_state = not np.array_equal(first, second)
        self.width = first.shape[1]

    def __call__(self, texts: Sequence[Sequence[bytes]], wanted: Sequence[str]) -> dict[str, np.ndarray]:
        """What is wanted of ``OUTPUTS``, each float32 ``[sum T, width]``, of texts that are not empty."""
        tf, lengths = self._tf, np.array([len(words) for words in texts])
        if self._keeps_state:
            self._module.restore(str(self._path / "variables" / "variables"))
        padded = [[*words, *[b""] * (lengths.max() - len(words))] for words in texts]
        result = self._signature(tokens=tf.constant(padded), sequence_len=tf.constant(lengths, tf.int32))
        if lack := [OUTPUTS[name] for name in wanted if OUTPUTS[name] not in result]:
            raise InputError(f"{self._path} does not give {', '.join(lack)}; it gives {', '.join(sorted(result))}")
        words = np.arange(lengths.max()) < lengths[:, None]
        found = {name: result[OUTPUTS[name]].numpy()[words] for name in wanted}
        if "0" in found:  # published half as wide as the layers it is mixed with
            found["0"] = np.tile(found["0"], 2)
        return found


PROBE = [
    b"The quick brown fox jumps over the lazy dog , and what of it ?".split(),
    b"word".split(),
    b"no no no , not again and again and again".split(),
    [b"Donaudampfschifffahrtselektrizitaetenhauptbetriebswerkbauunterbeamter"[:60], b"is", b"long"],
    "Grüße aus Köln , 你好 世界 😀 !".encode().split(),
    b"a text of some forty words which says nothing".split() * 5,
]
BUDGET = 40960  # words of a batch: about 1.2 GiB of layers of the full size
GPU_BUDGET = 8192  # of all layers at once, 64 KiB a word and direction of the full size; not measured
MOST_TEXTS = 512  # more make no product faster


class OwnElmo:
    """Weights run by our own forward pass.

    Args:
        network: with the weights.
        stateful: whether every text goes on from the state that the text before has left.
        device: where its batches run.
    """

    def __init__(self, network: Elmo, stateful: bool = False, device: str | None = None) -> None:
        self._network, self._stateful = network, stateful
        self._states: list | None = None
        budget = GPU_BUDGET if network.on_gpu else BUDGET
        self.batches = Batches(budget, lambda texts, longest: texts * max(longest, budget // MOST_TEXTS), device=device)
        self.width = network.width

    def __call__(self, texts: Sequence[Sequence[bytes]], wanted: Sequence[str]) -> dict[str, np.ndarray]:
        """The layers with these names (``0``, ``1``, ... or ``mix``), float32 ``[sum T, width]`` each."""
        mix = self._network.mix
        single = np.eye(len(mix), dtype=np.float32)
        shares = np.stack([mix if name == "mix" else single[int(name)] for name in wanted])
        sums, states = self._network(texts, self._states, shares)
        if self._stateful:
            self._states = states
        return dict(zip(wanted, sums, strict=True))


def combine(layers: Sequence[np.ndarray], shares: Sequence[float]) -> np.ndarray:
    """The sum of ``layers``, each times its share."""
    return reduce(np.add, (np.float32(share) * layer for share, layer in zip(shares, layers, strict=True)))


def allennlp_files(path: Path) -> tuple[Path, Path] | None:
    """The options and weights in a folder, or beside the weights' file; None if there are none.

    Raises:
        InputError: if it is not clear which belong together.
    """
    found = [path]
    if path.is_dir():
        found = sorted(file for name in ("*weights.hdf5", "model.hdf5") for file in path.glob(name))
    if not found or found[0].suffix != ".hdf5":
        return None
    if len(found) > 1:
        raise InputError(f"{path} holds {', '.join(f.name for f in found)}; give the path of one of them as `model`")
    weights = found[0]
    names = [weights.name.removesuffix("weights.hdf5") + "options.json", "options.json"]
    for options in map(weights.with_name, names):
        if options.is_file():
            return options, weights
    raise InputError(f"{weights} has no options.json beside it, which is published with it; put it there")


def digest_of(path: Path) -> str:
    """32 hexadecimal digits of the weights in ``path``, in whichever form; the files beside them do not matter."""
    files = allennlp_files(path)
    return digest_bytes([weights_digest(file).encode() for file in files]) if files else weights_digest(path)


def open_elmo(
    path: Path,
    reporter: Reporter = SILENT,
    load: Callable[[Path], Any] = load_module,
    stateful: bool = False,
    device: str | None = None,
) -> OwnElmo | ModuleElmo:
    """The fastest way through the model in ``path`` that gives what was published.

    Raises:
        InputError: if there is no ELMo in ``path``.
        FailureError: if its files are damaged.
    """
    if files := allennlp_files(path):
        return OwnElmo(Elmo(read_allennlp(*files)), stateful, device)
    if not (path / "saved_model.pb").is_file():
        raise InputError(
            f"{path} holds no ELMo: neither saved_model.pb of a TF1 Hub module nor weights.hdf5 of AllenNLP"
        )
    weights = read_hub(path)
    if weights is None:
        return ModuleElmo(path, device, load)
    network = Elmo(weights)
    found = agreement(path, "elmo", VERSION, device, lambda: _probe(network, ModuleElmo(path, device, load)))
    difference = found["difference"]
    if difference <= TOLERANCE:
        network.marks = found["marks"]
        return OwnElmo(network, device=device)
    reporter.warn(
        f"{path} differs from the ELMo that tk knows by up to {difference:.1e}; its own graph is used, slower"
    )
    return ModuleElmo(path, device, load)


def _probe(network: Elmo, module: ModuleElmo) -> dict[str, Any]:
    """Whether sentence marks bring the two together, and the largest difference between them then."""
    expected, differences = module(PROBE, list(OUTPUTS)), {}
    for marks in (False, True):
        network.marks = marks
        found = OwnElmo(network)(PROBE, list(OUTPUTS))
        differences[marks] = max(float(np.abs(found[name] - expected[name]).max()) for name in OUTPUTS)
    marks = min(differences, key=lambda marked: differences[marked])
    return {"marks": marks, "difference": differences[marks]}
