"""The command ``tk embed``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from commands.encoder_options import EncoderCommand, with_spec
from commands.engine_options import cluster_options
from commands.tables import clean_option, data_option, looks_like, read, table_options
from commands.terminal import echo, json_option, print_json, shown, trust_option
from stores.shared.worded import size_in_words

if TYPE_CHECKING:
    from embed import EmbedSummary, Recipe, Reporter, Table


@click.command(cls=EncoderCommand)
@data_option
@click.option(
    "--encoder",
    default="static",
    show_default=True,
    help="Encoder, as NAME or NAME:option=value,...; tk encoders lists them.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="The store; with --layout parts also s3://... and the like.  [default: features/<data>.<encoder>.h5]",
)
@table_options
@clean_option
@trust_option
@click.option("--dtype", help="float32 or float16.  [default: float16 for token features, else float32]")
@click.option("--compress", "compression", default="none", show_default=True, help="none or gzip, of the features.")
@click.option(
    "--layout", default="whole", show_default=True, help="whole, or parts: features stay in a folder of parts."
)
@click.option("--part-rows", type=int, help="Rows that are committed together, at most.  [default: the encoder's]")
@click.option("--part-tokens", type=int, help="Likewise tokens, estimated as one for four characters.")
@click.option(
    "--no-reuse", "reuse", flag_value=False, default=True, help="Encode texts even if another store knows them."
)
@click.option("--wait", is_flag=True, help="Wait while another process writes the same store.")
@click.option(
    "--no-texts", "keep_texts", flag_value=False, default=True, help="Leave the texts out of the store (hashes stay)."
)
@click.option("--overwrite", is_flag=True, help="Replace the store even if texts or another identity are lost.")
@cluster_options
@json_option
@click.pass_obj
def embed(
    command: str, data: tuple[str, ...], encoder: str, out: Path | None, dtype: str | None, keep_texts: bool,
    clean: str, reuse: bool, wait: bool, compression: str, layout: str, overwrite: bool, as_json: bool,
    part_rows: int | None, part_tokens: int | None, trust_model: bool, options: dict[str, Any],
    reading: dict[str, Any], cluster: dict[str, Any] | None,
) -> None:  # fmt: skip
    """Encode the texts of a table into a feature store, each distinct text once.

    Texts that a store of the same identity in the same folder knows already are taken from there. An interrupted
    run goes on where it was when the same command is given again.

    \b
    Example:
        tk embed examples/messages.csv
        tk embed --encoder words --data examples/messages.csv --text-column text --label-column label
        tk embed --encoder glove --model vectors/glove.50d.txt --data examples/messages.csv
        tk embed --encoder use --model models/universal-sentence-encoder --data examples/messages.csv
        tk embed --encoder static --data examples/messages.csv --engine ray --workers 2
    """
    from commands.reporter import command_reporter
    from embed import Cluster, Recipe, StoreOptions
    from embed import embed as run_embed
    from embed.models.trust import Trust
    from stores.shared.remote import scheme_of

    name, options = with_spec(encoder, options)
    with command_reporter() as reporter:
        recipe = Recipe.of(
            name, dtype, clean, reporter=reporter, trust=Trust.GIVEN if trust_model else Trust.USER, **options
        )
        table = read(data, **reading)
        _note_language(table, recipe, reporter)
        out = out or Path("features") / f"{table.stem}.{name}.h5"
        beside = Path("features") / f"{table.stem}.{name}.h5" if scheme_of(out) else out
        table = table.listing_bad_rows(beside.with_suffix(".bad-rows.jsonl"))
        summary = run_embed(
            table, recipe, out, overwrite=overwrite, reuse=reuse, wait=wait,
            store=StoreOptions(keep_texts, compression, layout, part_rows, part_tokens),
            cluster=None if cluster is None else Cluster(**cluster), reporter=reporter, command=command,
        )  # fmt: skip
        for line in table.late_notes():
            reporter.note(line)
    if as_json:
        print_json(
            {"store": summary.address or str(summary.path), "up_to_date": summary.up_to_date, "totals": summary.totals}
        )
    else:
        _print_summary(summary, table.bad_rows)


def _note_language(table: Table, recipe: Recipe, reporter: Reporter) -> None:
    """Say so if a table is not English, where the encoder may know nothing else."""
    from embed.tables.language import sample_language

    if recipe.encoder.languages == "any":
        return
    found = sample_language(table)
    if not found.other:
        return
    advice = "make sure that the model does"
    if recipe.encoder.languages == "English":
        advice = "so its vectors say little of them; take bert with a multilingual model, numberbatch, or words"
    knows = "knows English only" if recipe.encoder.languages == "English" else "may not know that language"
    reporter.warn(f"{looks_like(found.other, found.shares)}; {recipe.encoder.name} {knows}, {advice}")


def _print_summary(summary: EmbedSummary, listing: str) -> None:
    from stores import FeatureStore

    totals = summary.totals
    if summary.up_to_date:
        echo(f"nothing to encode: {summary.address or summary.path} holds all {totals['rows']:,} rows already")
        return
    echo(
        f"{totals['rows']:,} rows, {totals['distinct']:,} distinct texts: "
        f"{totals['encoded']:,} encoded, {totals['reused']:,} taken from earlier stores"
    )
    for name, what in (
        ("empty", "empty texts"),
        ("emptied", "of these were emptied by the cleaning"),
        ("mojibake", "texts with controls U+0080 to U+009F, where other characters once were"),
        ("unlabelled", "rows without a label"),
        ("bad_rows", f"broken rows left out, listed in {listing}"),
    ):
        if totals[name]:
            echo(f"{totals[name]:,} {what}")
    if totals["unknown_tokens"]:
        share = totals["unknown_tokens"] / totals["tokens"]
        echo(f"{totals['unknown_tokens']:,} of {totals['tokens']:,} tokens ({share:.1%}) unknown to the encoder")
    if "types" in totals:
        _print_coverage(totals)
    if totals["truncated_tokens"]:
        echo(f"{totals['truncated_tokens']:,} of {totals['tokens']:,} tokens cut off")
    with FeatureStore(summary.path) as store:
        if licence := store.recipe.get("licence"):
            echo(f"the vectors are under {licence}; so is what is made of them and passed on")
        echo(f"store: {summary.address or summary.path} ({size_in_words(store.size)})")


def _print_coverage(totals: dict) -> None:
    share = totals["unknown_types"] / max(totals["types"], 1)
    echo(f"{totals['unknown_types']:,} of {totals['types']:,} different words ({share:.1%}) unknown")
    if totals.get("bad_lines"):
        echo(f"{totals['bad_lines']:,} broken lines of the word vectors left out")
    if words := list(totals["unknown_words"].items())[:10]:
        echo("most frequent unknown: " + ", ".join(f"{shown(word)} ({count:,})" for word, count in words))
