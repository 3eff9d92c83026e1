"""Text in, features out: table -> blocks -> known texts -> encoder -> parts -> store."""

from __future__ import annotations

import platform
import time
from dataclasses import dataclass, replace
from pathlib import Path

import h5py
import numpy as np

from embed.engines import Cluster, open_engine
from embed.machine_stores import machine_catalogue
from embed.part import PartWriter
from embed.plans import PartSize, known_texts, plan_parts
from embed.progress import Meter
from embed.recipe import Recipe
from embed.tables.read_table import TableData, read_table
from embed.tables.table import Table
from stores.columns import COMPRESSIONS
from stores.parts import Parts
from stores.reader import FeatureStore
from stores.remote_parts import RemoteParts
from stores.reuse_index import ReuseIndex
from stores.shared import distribution
from stores.shared.errors import FailureError, InputError, LockedError
from stores.shared.files import check_space
from stores.shared.fingerprint import hash_texts, identity_digest
from stores.shared.locks import only_writer
from stores.shared.mirror import output_at
from stores.shared.reporter import Reporter
from stores.shared.suggest import listing


@dataclass(frozen=True)
class EmbedSummary:
    """What a run of ``embed`` did.

    Attributes:
        path: the store; its copy on this machine, if it was written to an address.
        totals: rows, distinct texts, encoded, reused; empty texts, those of them that were made so by the cleaning,
            texts with control characters where others once were; unlabelled and bad rows; tokens, unknown, truncated;
            of encoders with a table of words also those of ``embed.coverage``.
        up_to_date: whether the store was there already, so that nothing was done.
        address: of the store, if that is in object storage.
    """

    path: Path
    totals: dict[str, int]
    up_to_date: bool
    address: str = ""


@dataclass(frozen=True)
class StoreOptions:
    """How a store is laid out; the features are the same.

    Attributes:
        keep_texts: whether the store holds the texts as well.
        compression: ``none`` or ``gzip``, of the features.
        layout: ``whole``, or ``parts``: the features are not copied once more into one file.
        part_rows: rows that are committed together, at most; the encoder's own number if None.
        part_tokens: likewise tokens, estimated as one for four characters and one more a text.
        catalogued: whether later calls may find it, see ``stores.catalogue``; not one that will soon be removed.

    Raises:
        InputError: if a value is none of these.
    """

    keep_texts: bool = True
    compression: str = "none"
    layout: str = "whole"
    part_rows: int | None = None
    part_tokens: int | None = None
    catalogued: bool = True

    def __post_init__(self) -> None:
        if self.compression not in COMPRESSIONS:
            raise InputError(
                f"`compression={self.compression!r}`: choose one of {listing(self.compression, COMPRESSIONS)}"
            )
        for name in ("part_rows", "part_tokens"):
            if (most := getattr(self, name)) is not None and most < 1:
                raise InputError(f"`{name}={most}`: give 1 or more")


def embed(
    table: Table | TableData,
    recipe: Recipe | str,
    out: str | Path,
    *,
    overwrite: bool = False,
    reuse: bool = True,
    wait: bool = False,
    store: StoreOptions = StoreOptions(),
    cluster: Cluster | None = None,
    reporter: Reporter | None = None,
    command: str = "",
) -> EmbedSummary:
    """Encode a table into the store ``out``; each distinct text once, and none that is known already.

    Texts are known from the stores in the folder of ``out``, from all others of this machine that ``embed`` has made
    (see ``stores.catalogue``), and from parts that an earlier run left, if these have the same identity. The work is
    committed in parts: after a crash or Ctrl-C, the same call goes on from there.

    Args:
        table: the rows, or what ``read_table`` takes.
        recipe: the encoder, or the name of one.
        out: the store's path, or its address in object storage (``s3://bucket/a.h5``). A finished store of the same
            rows and identity is left as it is.
        overwrite: whether ``out`` may lose what it holds.
        reuse: whether texts are taken from other stores; what this very run has finished is never done again.
        wait: whether to wait for another process that writes ``out``.
        store: how the store is laid out.
        cluster: the Ray workers that encode and write; None: this process does.
        reporter: told of choices and troubles, and how far the run is, after each batch; None: stderr.
        command: kept in the store.

    Raises:
        InputError: if a row is broken, or ``out`` holds another identity, or texts that ``table`` has not; or
            ``reuse`` with an encoder whose vectors depend on the texts before.
        FailureError: if another process writes the same output, or the machine refuses a write.
    """
    reporter = reporter or Reporter()
    mirror = output_at(Path(out), store.layout)
    out, address = (Path(out), "") if mirror is None else (mirror.output, mirror.address)
    table = table if isinstance(table, Table) else read_table(table)
    recipe = recipe if isinstance(recipe, Recipe) else Recipe.of(recipe, reporter=reporter)
    recipe = replace(recipe, joined=table.columns.joined)
    identity = recipe.identity()
    digest = identity_digest(identity)
    size = PartSize.of(recipe, store.part_rows, store.part_tokens)
    if recipe.encoder.stateful and reuse:
        raise InputError(
            "`stateful=True`: a vector depends on all texts before it, so none can be reused; add `reuse=False`"
        )
    source = {**table.source(), "keeps_texts": store.keep_texts, **size.as_dict()}
    source |= {"compression": store.compression, "layout": store.layout}
    if mirror is not None:
        mirror.fetch(out.name.__eq__)
    stamp = _stamp(out)
    if stamp and not overwrite:
        totals = _up_to_date(address or out, digest, source, table, recipe)
        if totals is not None:
            return EmbedSummary(out, totals, True, address)
    attributes = {"identity": identity, "identity_digest": digest, "recipe": recipe.as_dict(), "source": source}
    attributes |= {"versions": _versions(), "command": command}
    parts = Parts(out, attributes, store.compression, store.layout, alone=cluster is None)
    if mirror is not None:
        mirror.fetch()
        parts = RemoteParts(mirror, attributes)
    created = time.time()
    parts.check_kind(recipe.encoder.kind)
    with only_writer(parts.folder, out, wait, reporter.note):
        if _stamp(out) != stamp and not overwrite:  # another process has made it meanwhile
            totals = _up_to_date(address or out, digest, source, table, recipe)
            if totals is not None:
                return EmbedSummary(out, totals, True, address)
        # of before, and of the parts of this run
        known = known_texts(digest, out, parts, reporter) if reuse else ReuseIndex(digest, reporter.note)
        written, words = ReuseIndex(digest, reporter.note), recipe.encoder.coverage()
        maker, meter = PartWriter(recipe, parts, store.keep_texts, created), Meter(reporter, table.most_rows)
        with open_engine(cluster, maker, table, size, meter, _SpaceCheck(parts, table)) as engine:
            number = engine.run(plan_parts(table, recipe, parts, size, known, written, words))
        totals = parts.assemble(number, created, words.totals())
    if store.catalogued:
        with FeatureStore(out) as made:
            machine_catalogue().add(made)
    return EmbedSummary(out, totals, False, address)


class _SpaceCheck:
    """Called with each part that is complete; stops a run that will not fit on the disk, after the first."""

    def __init__(self, parts: Parts, table: Table) -> None:
        self._parts, self._table = parts, table

    def __call__(self, number: int, rows: int) -> None:
        if number == 0:
            self._check_space(rows)

    def _check_space(self, rows: int) -> None:
        """From the size of the first part: the others, and what is written when they are put together, must fit."""
        most = max(rows, self._table.most_rows)
        what = f"{self._parts.output} with up to {most:,} rows"
        check_space(self._parts.folder, self._parts.space(most / rows), what)


def _stamp(path: Path) -> tuple[int, int] | None:
    """Changes when the file is replaced; None while there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns


def _up_to_date(out: str | Path, digest: str, source: dict, table: Table, recipe: Recipe) -> dict[str, int] | None:
    """Totals of ``out`` if it is what is asked for; None if it may be replaced; else an error."""
    advice = "choose another `out`, or replace it with `overwrite=True`"
    try:
        with FeatureStore(out) as store:
            if store.identity_digest != digest:
                raise InputError(f"{out} holds features of another identity ({_differs(store)}); {advice}")
            made_before = store.raw_hash is None and not recipe.encoder.stateful  # it is made again, from itself
            if _alike(store.source, source) and not made_before:
                return store.totals
            old = store.text_hash
    except LockedError:
        raise
    except FailureError as error:
        raise InputError(f"{error}; {advice}") from error
    gone = np.unique(old.view("V16").ravel())
    for rows in table.blocks(8192):
        gone = np.setdiff1d(gone, hash_texts(recipe.clean(rows.texts)).view("V16").ravel())
    if len(gone):
        raise InputError(f"{out} holds {len(gone):,} texts that {table.name} has not, and would lose them; {advice}")
    return None


def _alike(one: dict, other: dict) -> bool:
    """Whether two sources make the same store: parts of another size leave no trace, unless they are the layout."""
    if other["layout"] == "parts":
        return one == other
    sizes = dict.fromkeys(("part_rows", "part_tokens"))
    return {**one, **sizes} == {**other, **sizes}


def _versions() -> dict[str, str]:
    """Of what made a store: Python, this project and the packages that write it."""
    return {
        "python": platform.python_version(),
        "tk": distribution.version(),
        "numpy": np.__version__,
        "h5py": h5py.__version__,
    }


def _differs(store: FeatureStore) -> str:
    return ", ".join(f"{name}={value}" for name, value in store.identity.items() if not isinstance(value, dict))
