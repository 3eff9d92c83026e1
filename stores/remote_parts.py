"""Parts that lie in object storage: each goes there when it is complete, and the store that names them at the end."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from stores.block import Block
from stores.parts import Parts
from stores.shared.mirror import Mirror


class RemoteParts(Parts):
    """Parts whose files here are copies. See ``Parts``.

    Args:
        mirror: of the output.
        attributes: see ``Parts``.
    """

    shared = False

    def __init__(self, mirror: Mirror, attributes: dict) -> None:
        super().__init__(mirror.output, attributes, layout="parts")
        self._mirror = mirror

    def absolute(self) -> Parts:
        """The same parts for another process, also of another machine."""
        return RemoteParts(self._mirror, self._attributes)

    def have(self, paths: Iterable[Path]) -> None:
        """Bring parts here that another machine has made."""
        names = {path.relative_to(self.output.parent).as_posix() for path in paths if not path.is_file()}
        if names:
            self._mirror.fetch(names.__contains__)

    def write(self, number: int, block: Block, totals: dict[str, int], times: tuple[float, float, float]) -> None:
        """Write part ``number``, and put it where it belongs."""
        super().write(number, block, totals, times)
        self._mirror.put([self.path(number)])

    def space(self, share: float) -> int:
        """See ``Parts``."""
        self.have([self.path(0)])
        return super().space(share)

    def assemble(self, number_of_parts: int, created: float, totals: dict | None = None) -> dict:
        """See ``Parts``; the store goes there when all of its parts are there."""
        paths = [self.path(number) for number in range(number_of_parts)]
        self.have(paths)
        made = super().assemble(number_of_parts, created, totals)
        self._mirror.put([*paths, self.output])
        return made
