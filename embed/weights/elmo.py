"""ELMo's weights in the forms they are published in.

==================  ===============================================================================
AllenNLP, bilm-tf   a folder with ``*options.json`` and ``*weights.hdf5`` (all sizes)
TF1 Hub             a folder with a checkpoint in ``variables/``; Google's names and DeepPavlov's
==================  ===============================================================================

Both hold the variables of bilm-tf under nearly the same names (``bilm/model.py`` there).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from embed.networks.bilm import BiLMWeights, Cell
from embed.networks.char_cnn import PADDING, CharacterWeights
from embed.networks.elmo import ElmoWeights
from stores.shared.errors import FailureError
from stores.shared.tensorflow import load_tensorflow

CLIP = 3.0  # of cells and projections, where no options are published with the weights
# how a cell's arrays are called in a checkpoint and in HDF5: kernel, bias, projection
CELLS = (
    ("rnn/lstm_cell/kernel", "rnn/lstm_cell/bias", "rnn/lstm_cell/projection/kernel"),
    ("LSTMCell/W_0", "LSTMCell/B", "LSTMCell/W_P_0"),
)


def read_allennlp(options: Path, weights: Path) -> ElmoWeights:
    """The weights that AllenNLP and bilm-tf publish; all layers count the same in the mix.

    Raises:
        FailureError: if one of the files cannot be read, or does not hold what it should.
    """
    import h5py

    try:
        lstm, characters = (json.loads(options.read_text(encoding="utf-8"))[part] for part in ("lstm", "char_cnn"))
        with h5py.File(weights) as file:
            arrays = dict(_arrays(file))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise FailureError(f"{options} and {weights.name} are no ELMo of AllenNLP: {error!r}") from error
    clips = [float(lstm.get(name) or np.inf) for name in ("cell_clip", "proj_clip")]
    residual, activation = bool(lstm.get("use_skip_connections")), characters.get("activation", "relu")
    try:
        return _assemble(arrays, clips, residual, activation)
    except (KeyError, ValueError) as error:
        raise FailureError(f"{weights} is no ELMo of AllenNLP: {error}") from error


def _arrays(group: Any, above: str = "") -> Iterator[tuple[str, np.ndarray]]:  # noqa: ANN401 (h5py has no types)
    """The arrays below a group by their paths; ``ValueError`` if one lies in another file, which no digest covers."""
    import h5py

    for name in group:
        path, link = f"{above}{name}", group.get(name, getlink=True)
        if not isinstance(link, h5py.HardLink):
            raise ValueError(f"{path} is a link to another place; get the file from its maker")
        item = group[name]
        if isinstance(item, h5py.Group):
            yield from _arrays(item, f"{path}/")
        elif item.external or item.is_virtual:
            raise ValueError(f"{path} has its values in another file; get the file from its maker")
        else:
            yield path, item[...]


def read_hub(module: Path) -> ElmoWeights | None:
    """The weights in the checkpoint of a TF1 Hub module; None if they are not those of an ELMo."""
    tf = load_tensorflow()
    try:
        reader = tf.train.load_checkpoint(str(module / "variables" / "variables"))
    except Exception:  # TensorFlow raises errors of many types; there is no checkpoint that it can read
        return None
    names = reader.get_variable_to_shape_map()
    root = next((name.removesuffix("char_embed") for name in names if name.endswith("char_embed")), None)
    if root is None:
        return None
    arrays = {name.removeprefix(root): reader.get_tensor(name) for name in names if name.startswith(root)}
    mix = {name.rsplit("/", 1)[-1]: reader.get_tensor(name) for name in names if name.startswith("aggregation/")}
    try:
        weights = _assemble(arrays, [CLIP, CLIP], residual=True, activation="relu")
    except (KeyError, ValueError):
        return None
    return replace(weights, mix=_mix(mix)) if mix else weights


def mean_before_gamma(module: Path) -> bool:
    """Whether a module's ``default`` is the mean of its mix without the scale: DeepPavlov's; no need of TensorFlow."""
    index = module / "variables" / "variables.index"  # it holds the names of the variables as they are
    return index.is_file() and b"elmo_output_ELMo_" in index.read_bytes()


def gamma_of(module: Path) -> float:
    """The scale of such a module's mix."""
    reader = load_tensorflow().train.load_checkpoint(str(module / "variables" / "variables"))
    name = next(name for name in reader.get_variable_to_shape_map() if name.endswith("ELMo_gamma"))
    return float(np.squeeze(reader.get_tensor(name)))


def _mix(aggregation: Mapping[str, np.ndarray]) -> np.ndarray:
    """What each layer counts: Google's ``weights`` and ``scaling``, DeepPavlov's ``*_W`` and ``*_gamma``."""
    weights, scaling = (
        next(array for name, array in aggregation.items() if name.endswith(ends))
        for ends in (("weights", "_W"), ("scaling", "_gamma"))
    )
    shares = np.exp(weights - weights.max())
    return (float(np.squeeze(scaling)) * shares / shares.sum()).astype(np.float32)


def _assemble(arrays: Mapping[str, np.ndarray], clips: Sequence[float], residual: bool, activation: str) -> ElmoWeights:
    """The weights from arrays under their published names; ``KeyError`` or ``ValueError`` if they do not fit."""
    forward, backward = (_cells(arrays, f"RNN_{direction}/RNN/MultiRNNCell/Cell") for direction in (0, 1))
    if (len(forward), len(backward)) != (2, 2):
        raise ValueError(f"{len(forward)} layers forward and {len(backward)} backward instead of 2 and 2")
    mix = np.full(3, 1 / 3, np.float32)
    return ElmoWeights(_characters(arrays, activation), BiLMWeights((forward, backward), residual, *clips), mix)


def _characters(arrays: Mapping[str, np.ndarray], activation: str) -> CharacterWeights:
    embedding = arrays["char_embed"]
    if len(embedding) == PADDING:  # as it was trained: without a row for no word
        embedding = np.pad(embedding, ((1, 0), (0, 0)))
    if len(embedding) != PADDING + 1:
        raise ValueError(f"{len(embedding)} characters instead of {PADDING} or {PADDING + 1}")
    if activation not in ("relu", "tanh"):
        raise ValueError(f"the activation {activation!r} is neither relu nor tanh")
    filters = [
        (arrays[f"CNN/W_cnn_{i}"][0], arrays[f"CNN/b_cnn_{i}"])
        for i in range(sum(name.startswith("CNN/W_cnn_") for name in arrays))
    ]
    highways = [
        (
            arrays[f"CNN_high_{i}/W_carry"],
            arrays[f"CNN_high_{i}/b_carry"],
            arrays[f"CNN_high_{i}/W_transform"],
            arrays[f"CNN_high_{i}/b_transform"],
        )
        for i in range(sum(name.startswith("CNN_high_") and name.endswith("W_carry") for name in arrays))
    ]
    return CharacterWeights(
        embedding, filters, activation, highways, (arrays["CNN_proj/W_proj"], arrays["CNN_proj/b_proj"])
    )


def _cells(arrays: Mapping[str, np.ndarray], start: str) -> list[Cell]:
    cells: list[Cell] = []
    while names := next((names for names in CELLS if f"{start}{len(cells)}/{names[0]}" in arrays), None):
        cell = Cell(*(arrays[f"{start}{len(cells)}/{name}"] for name in names))
        memory, width = cell.projection.shape
        if cell.kernel.shape != (2 * width, 4 * memory) or cell.bias.shape != (4 * memory,):
            raise ValueError(f"{start}{len(cells)}: {cell.kernel.shape}, {cell.bias.shape}, {cell.projection.shape}")
        cells.append(cell)
    return cells
