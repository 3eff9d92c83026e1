"""The word vectors that a head over words has learned, as files that other programs read."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from classify.fitting.model import FittedModel
from classify.runs import Run
from stores.export_text import write_word_projector, write_word_vectors
from stores.shared.errors import InputError
from stores.shared.files import whole_folder
from stores.shared.outputs import output_file

FORMS = ("npz", "text", "projector")


def learned_vectors(run: Run) -> tuple[list[str], np.ndarray]:
    """Words, in the order of their frequency in training, and float32 ``[words, width]``.

    The vector that all other words share is not among them.

    Raises:
        InputError: if the head of the run learns no vectors of words.
        FailureError: if its model cannot be read.
    """
    model = run.model()
    head = model.heads[0] if isinstance(model, FittedModel) else None
    words, network = getattr(head, "words_", None), getattr(head, "network_", None)
    if words is None or network is None:
        raise InputError(
            f"{run.folder}: head {run.recipe.head.name} has learned no vectors of words; heads over a store of words "
            "do (average, conv, rnn, lstm, gru, bilstm, gru2)"
        )
    (table,) = (layer.get_weights()[0] for layer in network.model.layers if type(layer).__name__ == "Embedding")
    return list(words), np.asarray(table[1:], np.float32)


def export_vectors(run: Run, to: str, out: Path, overwrite: bool = False) -> int:
    """Write the learned vectors of a run; returns how many words there are.

    Args:
        run: of a head over words.
        to: ``npz`` (arrays ``words`` and ``vectors``), ``text`` (a word and its numbers a line, as in GloVe's files)
            or ``projector`` (a folder for TensorBoard's Embedding Projector).
        out: file, or for ``projector`` a folder that does not exist yet.
        overwrite: whether a file may be replaced.

    Raises:
        InputError: if the run has none, or ``out`` is there already.
        FailureError: if the machine refuses the write.
    """
    if to not in FORMS:
        raise InputError(f"`to={to!r}`: choose one of {', '.join(FORMS)}")
    if to == "projector" and out.exists():
        raise InputError(f"{out} exists already; choose another `out`")
    words, table = learned_vectors(run)
    with whole_folder(out) if to == "projector" else output_file(out, overwrite) as partial:
        if to == "projector":
            write_word_projector(words, table, partial)
        elif to == "text":
            write_word_vectors(words, table, partial)
        else:
            with open(partial, "wb") as file:
                np.savez(file, words=np.array(words), vectors=table)
    return len(words)
