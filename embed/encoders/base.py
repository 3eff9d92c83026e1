"""What every encoder is: an identity and one method."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from embed.coverage import Coverage
from embed.models.resolve import resolve
from embed.models.trust import Trust
from stores.features import Features
from stores.shared.reporter import Reporter


@dataclass(frozen=True)
class Published:
    """What is to be known of weights before they are downloaded.

    Attributes:
        model: what ``embed.models.resolve.resolve`` takes; empty where the weights ship with the project.
        size: of the download, for people.
        licence: of the weights.
        source: who published them, and where.
    """

    model: str
    size: str
    licence: str
    source: str


class Encoder(ABC):
    """A frozen function from text to features.

    A subclass lives in a file named as on the command line (``words.py`` holds ``WordsEncoder``) and fills
    ``identity`` and ``encode``. Options are keyword arguments of ``__init__`` with defaults.

    Attributes:
        name: as on the command line.
        kind: ``pooled``, ``tokens`` or ``ids``, see ``stores.features``.
        part_rows: rows that are encoded and committed together; what a crash can lose. Small for slow encoders.
        part_tokens: likewise tokens, by estimate, see ``embed.tables.rows``; None: rows alone count.
        stateful: whether a vector also depends on the texts before its own, so that none can be taken from elsewhere.
        published: the default model; None for an encoder without weights, or whose weights the user must name.
        licence: of the weights in use, where features that are passed on fall under it.
        languages: what its weights are for: ``English``, ``any`` where words are only counted, or ``model`` where the
            model decides.
        needs: packages that it does not work without, beside those that every command needs.
        reporter: told what the user should know, and of each batch; ``load`` sets it before ``__init__``.
        trust: who named the model, and so what may be fetched and run; likewise.
    """

    name: str
    kind: str
    part_rows: int = 8192
    part_tokens: int | None = None
    stateful: bool = False
    published: Published | None = None
    licence: str | None = None
    languages: str = "model"
    needs: tuple[str, ...] = ()
    reporter: Reporter = Reporter()
    trust: Trust = Trust.USER

    def pinned(self) -> dict:
        """Options as they were resolved, which a recipe keeps: a model's commit, a precision that was chosen here."""
        return {}

    @abstractmethod
    def identity(self) -> dict:
        """Everything that a vector depends on beside its text, as a JSON-able mapping (weights by digest)."""

    def coverage(self) -> Coverage:
        """What counts the words of all texts, and which of them the encoder knows, where words have vectors."""
        return Coverage()

    def weights(self) -> dict[str, tuple[Path, list[str] | None]]:
        """What another machine needs of this one: option -> the file or folder that it names, and what is read of it.

        The second is a list of files below the folder, or None for all of them. Empty without weights.
        """
        return {}

    def resolve(self, model: str) -> Path:
        """The folder or file of a model, see ``embed.models.resolve``."""
        return resolve(model, self.reporter, self.trust)

    def load_module(self, path: Path) -> Any:  # noqa: ANN401 (what TensorFlow makes of it has no common type)
        """A SavedModel, see ``embed.models.hub``."""
        from embed.models.hub import load_module

        return load_module(path, self.reporter, self.trust)

    @contextmanager
    def reporting_to(self, reporter: Reporter) -> Iterator[None]:
        """Within the block, ``reporter`` is told what this encoder says."""
        before, self.reporter = self.reporter, reporter
        try:
            yield
        finally:
            self.reporter = before

    def prepare(self, texts: list[str]) -> Any:  # noqa: ANN401 (each encoder has its own)
        """The part of ``encode`` that can go on in another thread while other texts are encoded: cutting into tokens.

        An encoder that overrides it overrides ``encode_prepared`` too, and its ``encode`` is one after the other; of a
        subclass that overrides ``encode`` alone, that is called. The first call may load the model.
        """
        return texts

    def encode_prepared(self, prepared: Any) -> Features:  # noqa: ANN401
        """The rest of ``encode``, of what ``prepare`` made of some texts."""
        return self.encode(prepared)

    @abstractmethod
    def encode(self, texts: list[str]) -> Features:
        """Features of ``texts``, in their order.

        The features of a text depend on that text alone: not on the others, their order or their number.
        """
