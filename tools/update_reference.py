"""Makes the pages of docs/reference from the program itself; ``make docs`` runs it.

    python -m tools.update_reference [--check]

``--check`` writes nothing, names the pages that are not what the program says, and ends with 1 if there are any.
"""

from __future__ import annotations

import argparse
import inspect
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import click

from tools.docstrings import code_spans, described, table_row, to_markdown

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "docs" / "reference"
MADE = "<!-- made by `make docs` from the program; edit the docstrings instead -->\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing")
    check = parser.parse_args().check
    stale = {name: text for name, text in pages().items() if not _is(FOLDER / name, text)}
    for name, text in stale.items():
        if check:
            print(f"docs/reference/{name} is not what the program says; run: make docs")
        else:
            FOLDER.mkdir(parents=True, exist_ok=True)
            (FOLDER / name).write_text(text, encoding="utf-8")
    sys.exit(bool(stale) and check)


def pages() -> dict[str, str]:
    """File name -> content of every page."""
    makers = {
        "commands.md": commands_page, "encoders.md": encoders_page, "heads.md": heads_page, "metrics.md": metrics_page,
        "store-format.md": store_page, "run-format.md": run_page, "python.md": python_page,
    }  # fmt: skip
    return {name: MADE + maker().strip() + "\n" for name, maker in makers.items()}


def _is(path: Path, text: str) -> bool:
    return path.is_file() and path.read_text(encoding="utf-8") == text


# --- the command line -----------------------------------------------------------------------------------------------


def commands_page() -> str:
    """Every command with its usage, its help and its options."""
    from cli import cli

    parts = ["# The command line\n"]
    for context in commands(click.Context(cli, info_name="tk", max_content_width=10_000)):
        parts += [f"## {context.command_path}\n", *_command(context)]
    return "\n".join(parts)


def commands(context: click.Context) -> Iterator[click.Context]:
    """A context of the command and of each command below it."""
    yield context
    command = context.command
    if isinstance(command, click.Group):
        for name in sorted(command.list_commands(context)):
            below = command.get_command(context, name)
            if below is not None and not below.hidden:
                yield from commands(click.Context(below, info_name=name, parent=context))


def _command(context: click.Context) -> Iterator[str]:
    prose, _, examples = inspect.cleandoc(context.command.help or "").partition("\b\nExample:\n")
    usage = " ".join([context.command_path, *context.command.collect_usage_pieces(context)])
    yield f"```text\n{usage}\n```\n"
    yield _prose(prose) + "\n"
    if examples:
        yield f"Example:\n\n```text\n{inspect.cleandoc(examples.replace(chr(8), ''))}\n```\n"
    rows = [option_row(context, option) for option in context.command.params if isinstance(option, click.Option)]
    rows = [row for row in rows if row]
    if rows:
        yield "\n".join([table_row(["option", "meaning"]), table_row(["---", "---"]), *rows]) + "\n"


def option_row(context: click.Context, option: click.Option) -> str:
    """A row of the table of options; empty for a hidden option."""
    record = option.get_help_record(context)
    if record is None:
        return ""
    return table_row([f"`{record[0]}`".replace("|", "\\|"), _cell(record[1])])


def _prose(text: str) -> str:
    """Help as paragraphs; what click is not to wrap stays as it is."""
    paragraphs = []
    for paragraph in text.strip().split("\n\n"):
        if paragraph.startswith("\b"):
            paragraphs.append(f"```text\n{paragraph[1:].strip(chr(10))}\n```")
        else:
            paragraphs.append(_escape(" ".join(paragraph.split())))
    return "\n\n".join(paragraphs)


# --- encoders, heads, metrics ---------------------------------------------------------------------------------------


def encoders_page() -> str:
    """Every encoder: what it is, its options with their defaults, its published weights."""
    from embed.encoders import encoder_class, names

    parts = [
        "# Encoders\n",
        "Each option is given as `--option VALUE` to `tk embed` and `tk encoders check`, or as a keyword to "
        "`embed.load_encoder(name, ...)`.\n",
    ]
    for name in names():
        kind = encoder_class(name)
        module = inspect.getmodule(kind).__doc__ or ""
        parts += [f"## {name}\n", to_markdown(kind.__doc__ or "") + "\n", to_markdown(module) + "\n"]
        if kind.published:
            about = kind.published
            model = f"`{about.model}`, " if about.model else ""
            parts.append(f"Published weights: {model}{about.size}, {about.licence}, {about.source}.\n")
        defaults = {key: p.default for key, p in inspect.signature(kind).parameters.items()}
        parts.append(_options(defaults, described(kind, "Args", "Options")))
    return "\n".join(parts)


def heads_page() -> str:
    """Every head: what it is, what it takes, its options with their defaults."""
    from classify.heads import head_class, names

    parts = [
        "# Heads\n",
        "Options are given as `--head NAME:option=value,option=value` to `tk classify`, and as "
        '`classify(store, ["NAME:option=value"])` in Python.\n',
    ]
    for name in names():
        kind = head_class(name)
        takes = ", ".join(f"`{each}`" for each in ("pooled", "tokens", "ids") if each in kind.kinds)
        parts += [f"## {name}\n", to_markdown(kind.__doc__ or "") + "\n", f"Takes features of kind {takes}.\n"]
        parts.append(_options(kind().options(), described(kind, "Args", "Options")))
    return "\n".join(parts)


def _options(defaults: dict, text: dict[str, str]) -> str:
    if not defaults:
        return "It has no options.\n"
    rows = [table_row([f"`{key}`", f"`{value}`", _cell(text.get(key, ""))]) for key, value in defaults.items()]
    return "\n".join([table_row(["option", "default", "meaning"]), table_row(["---"] * 3), *rows]) + "\n"


def metrics_page() -> str:
    """The registry of metrics, as it is."""
    from classify.scoring.metrics import METRICS

    parts = [
        "# Metrics\n",
        "The names are those in `metrics.json`, `--json` and `tk compare --by`. "
        "[The guide](../guide/scores.md) says what the scores mean.\n",
        table_row(["name", "title", "better", "made of", "problems", "one value for"]),
        table_row(["---"] * 6),
    ]
    better = {True: "higher", False: "lower", None: "neither"}
    for metric in METRICS.values():
        made_of = "probabilities" if metric.needs_probabilities else "decisions"
        title = metric.title + (f" ({metric.title_of_labels} of labels)" if metric.title_of_labels else "")
        each = "each class" if metric.per_class else "all rows"
        cells = [f"`{metric.name}`", title, better[metric.higher_is_better], made_of]
        parts.append(table_row([*cells, ", ".join(metric.problems), each]))
    return "\n".join(parts)


# --- formats and Python ---------------------------------------------------------------------------------------------


def store_page() -> str:
    """The docstring of ``stores.format`` is the specification."""
    import stores.features
    import stores.format

    kinds = "\n## Kinds of features\n\n" + to_markdown(stores.features.__doc__ or "")
    return "# Store format\n\n" + to_markdown(stores.format.__doc__ or "") + "\n" + kinds


def run_page() -> str:
    """The files of a run's folder."""
    import classify.fitting.model
    import classify.runs
    import classify.scoring.predictions

    parts = ["# Run format\n", to_markdown(classify.runs.__doc__ or "")]
    for title, module in (
        ("predictions.csv", classify.scoring.predictions),
        ("model/", classify.fitting.model),
    ):
        parts += [f"\n## {title}\n", to_markdown(module.__doc__ or "")]
    return "\n".join(parts)


def python_page() -> str:
    """What each package exports, for mkdocstrings to describe."""
    import classify
    import embed
    import stores

    parts = ["# Python API\n", "The site that `make docs` builds has signature and docstring of each name.\n"]
    for package in (embed, classify, stores):
        parts += [f"## {package.__name__}\n", to_markdown(package.__doc__ or "") + "\n"]
        parts += [f"::: {package.__name__}.{name}\n" for name in package.__all__]
    return "\n".join(parts)


def _cell(text: str) -> str:
    return _escape(code_spans(" ".join(text.split()))).replace("|", "\\|")


def _escape(text: str) -> str:
    """What Markdown would take for markup, outside of code."""
    pieces = re.split(r"(`[^`]*`)", text)
    return "".join(p if p.startswith("`") else re.sub(r"([<*[])", r"\\\1", p) for p in pieces)


if __name__ == "__main__":
    main()
