"""The command ``tk doctor``."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from commands.terminal import echo, json_option, print_json

MARKS = {"ok": "ok", "note": "note", "broken": "BROKEN"}


@click.command()
@click.option("--deep", is_flag=True, help="Load TensorFlow too, and multiply two matrices (takes seconds).")
@json_option
def doctor(deep: bool, as_json: bool) -> None:
    """Examine the installation and the machine, and say what is missing and which command helps.

    The exit code is 1 if something that is needed is broken; a missing GPU, or a model that is not downloaded yet,
    is only noted.

    \b
    Example:
        tk doctor
        tk doctor --json
    """
    from embed.doctor import examine

    found = examine(Path(), deep)
    well = all(finding.state != "broken" for finding in found)
    if as_json:
        print_json({"well": well, "findings": [asdict(finding) for finding in found]})
    else:
        about = ""
        for finding in found:
            if finding.about != about:
                about = finding.about
                echo(about)
            echo(f"  {MARKS[finding.state]:6}  {finding.name}: {finding.text}")
            if finding.advice:
                echo(f"  {'':6}    -> {finding.advice}")
        broken = sum(finding.state == "broken" for finding in found)
        echo("all is well" if well else f"broken: {broken}, see the arrows for what to do")
    if not well:
        raise click.exceptions.Exit(1)
