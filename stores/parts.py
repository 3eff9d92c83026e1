"""A store in the making: parts that are each complete and synced before they count, then put together.

The parts of ``features/spam.elmo.h5`` lie in ``features/spam.elmo.h5.parts/<key>/part-000000.h5`` and so on. Each is
a store of its own, of some consecutive rows. The key is a digest of everything that decides what the parts hold, so
parts of another data file or encoder are never taken for these.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from stores.errors import FailureError, InputError
from stores.identity import canonical_json, digest_bytes
from stores.merge import Summary, concatenate
from stores.writer import Block, Extent, write_store


class Parts:
    """The parts of one output.

    Args:
        output: path of the store that they become.
        attributes: the root attributes that are the same for the parts and for the whole: identity,
            identity_digest, recipe, source, versions, command.
        compression: of the features of the whole (parts are never compressed), see ``stores.columns.Column``.

    Attributes:
        folder: where parts of this output lie, those of earlier, other runs included; also the place of the lock.
    """

    def __init__(self, output: Path, attributes: dict, compression: str = "none") -> None:
        self.output = output
        self.folder = output.with_name(output.name + ".parts")
        self._attributes, self._compression = attributes, compression
        self._summaries: dict[int, Summary] = {}  # of the parts known to be complete
        meaning = [attributes[name] for name in ("identity", "source")]
        self._own = self.folder / digest_bytes([canonical_json(meaning).encode()])

    def path(self, number: int) -> Path:
        """Where part ``number``, counted from 0, lies when it is complete."""
        return self._own / f"part-{number:06}.h5"

    def leftovers(self) -> list[Path]:
        """Complete parts of other runs for the same output: their features are as good as a store's."""
        return sorted(path for path in self.folder.glob("*/part-*.h5") if path.parent != self._own)

    def is_complete(self, number: int) -> bool:
        """Whether part ``number`` is there and undamaged; a damaged one is to be made again."""
        try:
            self._summaries[number] = Summary.of(self.path(number))
        except (InputError, FailureError):
            return False
        return True

    def write(self, number: int, block: Block, totals: dict[str, int], times: tuple[float, float]) -> None:
        """Write part ``number``: complete and synced, or not at all."""
        extent = Extent.of(block)
        write_store(self.path(number), [block], extent, self._attributes | {"totals": totals, "times": times})
        self._summaries[number] = Summary(extent, totals, block.features.vocabulary, times[1])

    def assemble(self, number_of_parts: int, created: float) -> dict[str, int]:
        """Put the parts together as the output and remove them; returns the totals.

        Parts that another process wrote are checked byte by byte first.

        Raises:
            FailureError: if a part is missing or damaged, or the machine refuses the write; the parts are kept then.
        """
        for number in range(number_of_parts):
            if number not in self._summaries and not self.is_complete(number):
                raise FailureError(f"{self.path(number)} is missing or damaged; give the same command again")
        paths = [self.path(number) for number in range(number_of_parts)]
        summaries = [self._summaries[number] for number in range(number_of_parts)]
        attributes = self._attributes | {"times": (created, 0.0)}
        options = {"compression": self._compression, "scratch": self._own}
        totals = concatenate(paths, summaries, self.output, attributes, **options)
        shutil.rmtree(self._own, ignore_errors=True)  # what cannot be removed does no harm
        return totals
