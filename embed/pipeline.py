"""Text in, features out: table -> blocks -> known texts -> encoder -> parts -> store."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from embed.progress import Meter
from embed.recipe import Recipe
from embed.rows import MOJIBAKE, Rows
from embed.tables import Table
from stores.block import Block
from stores.columns import COMPRESSIONS
from stores.errors import FailureError, InputError
from stores.features import Features
from stores.files import check_space, only_writer
from stores.identity import hash_texts, identity_digest
from stores.known import KnownTexts
from stores.parts import Parts
from stores.store import FeatureStore


@dataclass(frozen=True)
class Summary:
    """What a run of ``embed`` did.

    Attributes:
        path: the store.
        totals: rows, distinct texts, encoded, reused; empty texts, those of them that were made so by the cleaning,
            texts with control characters where others once were; unlabelled and bad rows; tokens, unknown, truncated;
            of encoders with a table of words also those of ``embed.coverage``.
        up_to_date: whether the store was there already, so that nothing was done.
    """

    path: Path
    totals: dict[str, int]
    up_to_date: bool


def embed(
    table: Table,
    recipe: Recipe,
    output: str | Path,
    *,
    keep_texts: bool = True,
    overwrite: bool = False,
    reuse: bool = True,
    wait: bool = False,
    compression: str = "none",
    layout: str = "whole",
    part_rows: int | None = None,
    command: str = "",
    versions: dict | None = None,
    progress: Callable[[int], None] = lambda rows: None,
    meter: Meter | None = None,
    note: Callable[[str], None] = lambda message: None,
) -> Summary:
    """Encode a table into the store ``output``; each distinct text once, and none that is known already.

    Texts are known from the stores in the folder of ``output`` and from parts that an earlier run left, if these have
    the same identity. The work is committed in parts: after a crash or Ctrl-C, the same call goes on from there.

    Args:
        table: the rows.
        recipe: the encoder.
        output: the store's path. A finished store of the same rows and identity is left as it is.
        keep_texts: whether the store holds the texts as well.
        overwrite: whether ``output`` may lose what it holds.
        reuse: whether texts are taken from other stores; what this very run has finished is never done again.
        wait: whether to wait for another process that writes ``output``.
        compression: ``none`` or ``gzip``, of the features in the store.
        layout: ``whole``, or ``parts``: the features are not copied once more into one file, see ``stores.virtual``.
        part_rows: rows a part; the encoder's own number if None.
        command, versions: kept in the store.
        progress: called with the number of rows done after each part.
        meter: told how far the run is, after each batch too.
        note: called with what the user should know meanwhile.

    Raises:
        InputError: if a row is broken, or ``output`` holds another identity, or texts that ``table`` has not; or
            ``reuse`` with an encoder whose vectors depend on the texts before.
        FailureError: if another process writes the same output, or the machine refuses a write.
    """
    output, meter = Path(output), meter or Meter()
    identity = recipe.identity()
    digest = identity_digest(identity)
    rows = part_rows or recipe.encoder.part_rows
    _check_options(recipe, reuse, compression)
    source = {**table.source(), "keeps_texts": keep_texts, "part_rows": rows}
    source |= {"compression": compression, "layout": layout}
    stamp = _stamp(output)
    if stamp and not overwrite:
        totals = _up_to_date(output, digest, source, table, recipe)
        if totals is not None:
            return Summary(output, totals, up_to_date=True)
    attributes = {"identity": identity, "identity_digest": digest, "recipe": recipe.as_dict(), "source": source}
    parts = Parts(
        output, attributes | {"versions": versions or {}, "command": command}, compression, layout, alone=True
    )
    created = time.time()
    parts.check_kind(recipe.encoder.kind)
    with only_writer(parts.folder, output, wait, note):
        if _stamp(output) != stamp and not overwrite:  # another process has made it meanwhile
            totals = _up_to_date(output, digest, source, table, recipe)
            if totals is not None:
                return Summary(output, totals, up_to_date=True)
        known, written = KnownTexts(digest, note), KnownTexts(digest, note)  # from before; in the parts of this run
        if reuse:
            known.add([*sorted(output.parent.glob("*.h5")), *parts.leftovers()])
        coverage = recipe.encoder.coverage()
        number = done = 0
        for block in table.blocks(rows):
            texts = recipe.clean(block.texts)
            with meter.part(table.share(int(block.line[-1])), texts):
                if recipe.encoder.stateful or not parts.is_complete(number):
                    _write_part(parts, number, block, texts, recipe, (written, known), keep_texts, created)
            if not recipe.encoder.stateful:
                written.add([parts.path(number)])
            coverage.add(texts)
            number, done = number + 1, done + len(block.line)
            if number == 1:
                _check_space(parts, table, done)
            progress(done)
        totals = parts.assemble(number, created, coverage.totals())
    return Summary(output, totals, up_to_date=False)


def _check_options(recipe: Recipe, reuse: bool, compression: str) -> None:
    if compression not in COMPRESSIONS:
        raise InputError(f"--compress {compression}: choose one of {', '.join(COMPRESSIONS)}")
    if recipe.encoder.stateful and reuse:
        raise InputError("--stateful: a vector depends on all texts before it, so none can be reused; add --no-reuse")


def encode_rows(table: Table, recipe: Recipe) -> Iterator[tuple[Rows, Features]]:
    """The rows of a table with their features, a block at a time; nothing is kept (what ``predict`` needs)."""
    for rows in table.blocks(recipe.encoder.part_rows):
        texts = recipe.clean(rows.texts)
        distinct = {text: i for i, text in enumerate(dict.fromkeys(texts))}
        yield rows, recipe.encode(list(distinct)).take(np.array([distinct[text] for text in texts]))


def _check_space(parts: Parts, table: Table, rows: int) -> None:
    """From the size of the first part: the other parts, and what is written when they are put together, must fit."""
    most = max(rows, table.most_rows)
    check_space(parts.folder, parts.space(most / rows), f"{parts.output} with up to {most:,} rows")


def _write_part(
    parts: Parts,
    number: int,
    rows: Rows,
    texts: list[str],
    recipe: Recipe,
    sources: tuple[KnownTexts, KnownTexts],
    keep_texts: bool,
    created: float,
) -> None:
    """Write a part: each distinct cleaned text from this run's parts, another store, or else from the encoder."""
    start = time.perf_counter()
    hashes = hash_texts(texts)
    first, inverse = [np.arange(len(hashes))] * 2 if recipe.encoder.stateful else _distinct(hashes)
    features, rest, taken = [], np.arange(len(first)), []
    for source in sources:
        known, found = source.look_up(hashes[first[rest]])
        taken.append(rest[known])
        features += found
        rest = rest[~known]
    if len(rest):
        features.append(recipe.encode([texts[i] for i in first[rest]]))
    place = np.argsort(np.concatenate([*taken, rest]))  # of each distinct text among the features
    whole = Features.concat(features).take(place[inverse]).canonical()
    _check_finite(whole, rows)
    kept = texts if keep_texts else None
    block = Block(rows.line, hashes, rows.labels, kept, whole, rows.label_names, rows.ids, rows.splits)
    counts = {"distinct": len(taken[1]) + len(rest), "reused": len(taken[1]), "encoded": len(rest)}
    parts.write(number, block, _totals(rows, texts, whole) | counts, (created, time.perf_counter() - start))


def _distinct(hashes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Row of each distinct hash, in the order of first appearance, and for each row which of these it is."""
    _, first, inverse = np.unique(hashes.view("V16").ravel(), return_index=True, return_inverse=True)
    order = np.argsort(first)
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    return first[order], rank[inverse]


def _totals(rows: Rows, texts: list[str], features: Features) -> dict[str, int]:
    tokens, unknown, truncated = features.counts.sum(0, dtype=np.int64).tolist()
    return {
        "rows": len(rows.line),
        "empty": sum(not text.strip() for text in texts),
        "emptied": sum(bool(raw.strip()) and not text.strip() for raw, text in zip(rows.texts, texts, strict=True)),
        "mojibake": sum(MOJIBAKE.search(text) is not None for text in rows.texts),
        "unlabelled": int(rows.unlabelled.sum()),
        "bad_rows": len(rows.bad),
        "tokens": tokens,
        "unknown_tokens": unknown,
        "truncated_tokens": truncated,
    }


def _check_finite(features: Features, rows: Rows) -> None:
    for name, values in features.outputs.items():
        bad = ~np.isfinite(values.reshape(len(values), -1)).all(1) if values.dtype.kind == "f" else np.zeros(1, bool)
        if bad.any():
            cure = "take --dtype float32" if values.dtype == np.float16 else "the weights are damaged"
            raise FailureError(f"the {name} vector of the text of line {rows.line[bad.argmax()]} is not finite; {cure}")


def _stamp(path: Path) -> tuple[int, int] | None:
    """Changes when the file is replaced; None while there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns


def _up_to_date(output: Path, digest: str, source: dict, table: Table, recipe: Recipe) -> dict[str, int] | None:
    """Totals of ``output`` if it is what is asked for; None if it may be replaced; else an error."""
    cure = "choose another name with --out, or replace it with --overwrite"
    try:
        with FeatureStore(output) as store:
            if store.identity_digest != digest:
                raise InputError(f"{output} holds features of another identity ({_differs(store)}); {cure}")
            if store.source == source:
                return store.totals
            old = store.text_hash
    except FailureError as error:
        raise InputError(f"{error}; {cure}") from error
    gone = np.unique(old.view("V16").ravel())
    for rows in table.blocks(8192):
        gone = np.setdiff1d(gone, hash_texts(recipe.clean(rows.texts)).view("V16").ravel())
    if len(gone):
        raise InputError(f"{output} holds {len(gone):,} texts that {table.name} has not, and would lose them; {cure}")
    return None


def _differs(store: FeatureStore) -> str:
    return ", ".join(f"{name}={value}" for name, value in store.identity.items() if not isinstance(value, dict))
