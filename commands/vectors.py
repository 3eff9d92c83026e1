"""The command ``tk vectors``."""

from __future__ import annotations

from pathlib import Path

import click

from commands.terminal import note, overwrite_option


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option(
    "--to", default="text", show_default=True, type=click.Choice(["npz", "text", "projector"]),
    help="The form: arrays, a word and its numbers a line, or a folder for the Embedding Projector.",
)  # fmt: skip
@click.option("--out", required=True, type=click.Path(path_type=Path), help="File, or folder for the projector.")
@overwrite_option
def vectors(run: Path, to: str, out: Path, overwrite: bool) -> None:
    """Export the word vectors that a head over words has learned.

    They are those of the model that is kept, fitted on all labelled rows; the one that rare and unknown words share is
    left out. tk embed --encoder glove reads what --to text writes.

    \b
    Example:
        tk classify features/messages.words.h5 --head average:epochs=2,width=16 --out runs/average
        tk vectors runs/average --to text --out learned.txt
    """
    from classify import read_run
    from classify.learned_vectors import export_vectors
    from stores.shared.files import is_stream

    count = export_vectors(read_run(run), to, out, overwrite)
    if not is_stream(out):
        note(f"wrote {out}: vectors of {count:,} words")
