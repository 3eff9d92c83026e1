"""A store in the making: parts that are each complete and synced before they count, then put together.

The parts of ``features/spam.elmo.h5`` lie in ``features/spam.elmo.h5.parts/<key>/part-000000.h5`` and so on. Each is
a store of its own, of some consecutive rows; its features may lie beside it, see ``stores.append``. The key is a
digest of everything that decides what the parts hold, so parts of another data file or encoder are never taken for
these.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from stores import append
from stores.block import Block, Extent
from stores.features import Features, IdFeatures
from stores.format import RAW_HASHES, VERSION
from stores.hdf5 import ALIGNMENT, LEAST_ALIGNED
from stores.merge import MergeSummary, blocks_of, concatenate
from stores.reader import FeatureStore
from stores.shared.errors import FailureError, InputError
from stores.shared.fingerprint import canonical_json, digest_bytes
from stores.shared.suggest import listing
from stores.writer import write_store

LAYOUTS = ("whole", "parts")


class Parts:
    """The parts of one output.

    Args:
        output: path of the store that they become.
        attributes: the root attributes that are the same for the parts and for the store: identity,
            identity_digest, recipe, source, versions, command.
        compression: of the features of the store (parts are never compressed), see ``stores.columns.Column``.
        layout: ``whole``, or ``parts``: the features stay in the parts, and the output is an index of them.
        alone: whether no other process writes parts of this output at the same time. Then features are written where
            they will lie in the store, see ``stores.append``, if it has one output and they are no ids.

    Attributes:
        folder: where parts of this output lie, those of earlier, other runs included; also the place of the lock.
        shared: whether all that write parts of this output must see that folder.
    """

    shared = True

    def __init__(
        self, output: Path, attributes: dict, compression: str = "none", layout: str = "whole", *, alone: bool = False
    ) -> None:
        if layout not in LAYOUTS:
            raise InputError(f"`layout={layout!r}`: choose one of {listing(layout, LAYOUTS)}")
        if layout == "parts" and compression != "none":
            raise InputError(f"`compression={compression!r}` is for `layout='whole'`; parts are never compressed")
        self.output = output
        self.folder = output.with_name(output.name + ".parts")
        self._attributes, self._compression, self._layout, self._alone = attributes, compression, layout, alone
        self._summaries: dict[int, MergeSummary] = {}  # of the parts known to be complete
        meaning = [VERSION, *(attributes[name] for name in ("identity", "source"))]
        self._run_folder = self.folder / digest_bytes([canonical_json(meaning).encode()])

    def absolute(self) -> Parts:
        """The same parts for another process, whose working folder may be another."""
        return Parts(self.output.absolute(), self._attributes, self._compression, self._layout)

    def check_kind(self, kind: str) -> None:
        """Refuse ids that are to stay in the parts: each part numbers its own vocabulary; ``InputError``."""
        if self._layout == "parts" and kind == "ids":
            raise InputError("`layout='parts'` is for vectors; token ids are small, take `layout='whole'`")

    def path(self, number: int) -> Path:
        """Where part ``number``, counted from 0, lies when it is complete."""
        return self._run_folder / f"part-{number:06}.h5"

    def have(self, paths: Iterable[Path]) -> None:
        """See to it that parts that are complete, of whatever process, can be read here; nothing to do on one disk."""

    def leftovers(self) -> list[Path]:
        """Complete parts of other runs for the same output: their features are as good as a store's."""
        return sorted(path for path in self.folder.glob("*/part-*.h5") if path.parent != self._run_folder)

    def is_complete(self, number: int) -> bool:
        """Whether part ``number`` is there and undamaged; a damaged one is to be made again."""
        try:
            with FeatureStore(self.path(number)) as store:
                self._summaries[number] = MergeSummary.of(store)
        except (InputError, FailureError):
            return False
        return True

    def write(self, number: int, block: Block, totals: dict[str, int], times: tuple[float, float, float]) -> None:
        """Write part ``number``: complete and synced, or not at all."""
        extent, place = Extent.of(block), self._next_place(number, block.features)
        attributes = self._attributes | {"totals": totals, "times": times}
        if place is None:
            write_store(self.path(number), [block], extent, attributes)
        else:
            with ThreadPoolExecutor(1) as pool:  # all but the features is written while these are being synced
                synced = pool.submit(append.append, self._run_folder, place.start, *block.features.outputs.values())
                parts = {"files": [], "start": place.start}
                write_store(self.path(number), [block], extent, attributes, parts=parts, before=synced.result)
        words = block.features.vocabulary if isinstance(block.features, IdFeatures) else None
        kind, hashed = block.features.kind, len(block.raw_hashes) == len(RAW_HASHES)
        self._summaries[number] = MergeSummary(kind, extent, totals, words, times[1:], place, hashed)

    def space(self, share: float) -> int:
        """Bytes that are still wanted on the disk after part 0, when the store is ``share`` times as large."""
        size, place = self.path(0).stat().st_size, self._summaries[0].place
        return int(size * (2 * share - 1) + (share - 1) * len(place or ()))

    def summary(self, number: int) -> MergeSummary:
        """Summary of part ``number``, which this process has written."""
        return self._summaries[number]

    def accept(self, number: int, summary: MergeSummary) -> None:
        """Take another process's word, its ``summary``, that it has written part ``number``."""
        self._summaries[number] = summary

    def assemble(self, number_of_parts: int, created: float, totals: dict | None = None) -> dict:
        """Put the parts together as the output, and remove them unless they are its layout; returns the totals.

        Parts that another process wrote, and that were not accepted, are checked byte by byte first.

        Args:
            number_of_parts: they are counted from 0.
            created: when the run began, Unix time.
            totals: of the store, that are no sums over the parts.

        Raises:
            FailureError: if a part is missing or damaged, or the machine refuses the write; the parts are kept then.
        """
        for number in range(number_of_parts):
            if number not in self._summaries and not self.is_complete(number):
                raise FailureError(f"{self.path(number)} is missing or damaged; give the same command again")
        paths = [self.path(number) for number in range(number_of_parts)]
        summaries = [self._summaries[number] for number in range(number_of_parts)]
        attributes = self._attributes | {"times": (created, 0.0, 0.0), "totals": totals or {}}
        options: dict = {"compression": self._compression, "scratch": self._run_folder}
        if self._layout == "parts":
            options["parts"] = {"files": [self._entry(path, s) for path, s in zip(paths, summaries, strict=True)]}
        elif self._compression == "none" and _follow_each_other(summaries):
            options["grown"] = self._run_folder / append.NAME
        rows = max(summary.extent.rows for summary in summaries)
        totals = concatenate(blocks_of(paths, rows), summaries, self.output, attributes, **options)
        if self._layout == "whole":
            shutil.rmtree(self._run_folder, ignore_errors=True)  # what cannot be removed does no harm
        return totals

    def _next_place(self, number: int, features: Features) -> range | None:
        """Where in the growing file the features of part ``number`` go: behind those before; None if not there."""
        plain = self._alone and self._layout == "whole" and self._compression == "none" and len(features.outputs) == 1
        later = any(int(path.stem.removeprefix("part-")) > number for path in self._run_folder.glob("part-*.h5"))
        if not plain or isinstance(features, IdFeatures) or later:  # a later part's features must not be written over
            return None
        before = range(ALIGNMENT) if number == 0 else self._summaries[number - 1].place
        (values,) = features.outputs.values()
        return None if before is None else range(before.stop, before.stop + values.nbytes)

    def _entry(self, path: Path, summary: MergeSummary) -> list:
        """How the index names a part."""
        rows = summary.extent.rows if summary.kind == "pooled" else summary.extent.tokens
        return [path.relative_to(self.output.parent).as_posix(), rows]


def _follow_each_other(summaries: list[MergeSummary]) -> bool:
    """Whether the features of all parts lie in the growing file one after the other, and are not tiny."""
    end = ALIGNMENT
    for summary in summaries:
        if summary.place is None or summary.place.start != end:
            return False
        end = summary.place.stop
    return end - ALIGNMENT >= LEAST_ALIGNED
