"""The command ``tk report``, and the options of other commands that show a run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli_common import note

if TYPE_CHECKING:
    from classify import Run


report_option = click.option("--report/--no-report", default=True, show_default=True,
                             help="Write report.html and figures/ into the run; takes some seconds.")  # fmt: skip
tensorboard_option = click.option("--tensorboard", type=click.Path(path_type=Path), metavar="DIR",
                                  help="Write scalars, and features for the projector, for TensorBoard.")  # fmt: skip


def show(runs: list[Run], report: bool, tensorboard: Path | None = None) -> None:
    """What is made of finished runs beside their numbers."""
    from classify import write_report, write_tensorboard

    for run in runs:
        if report:
            note(f"wrote {write_report(run)}")
        if tensorboard is not None:
            note(f"wrote {write_tensorboard(run, tensorboard)}")


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
def report(run: Path) -> None:
    """Make report.html and figures/ of a run (again), from its numbers and the store it was made from.

    \b
    Example:
        tk report runs/messages.static.logistic
    """
    from classify import write_report

    note(f"wrote {write_report(run)}")
