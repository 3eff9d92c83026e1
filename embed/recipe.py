"""How a text becomes features: the encoder, its options and the type of the numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from embed.cleaning import clean, parse_steps
from embed.encoders import build, load
from embed.encoders.base import Encoder
from embed.known_texts import KnownTexts, several_texts
from embed.models.resolve import remembered
from embed.models.trust import Trust, is_publisher
from stores.features import Features
from stores.pooling import VIEW, pool
from stores.shared.errors import FailureError, InputError
from stores.shared.fingerprint import identity_digest
from stores.shared.reporter import Reporter
from stores.shared.suggest import listing

DTYPES = ("float32", "float16")


@dataclass(frozen=True)
class Recipe:
    """An encoder with all that decides what it makes of a text.

    Attributes:
        encoder: the loaded encoder.
        options: the options it was loaded with; a model that is a path is an absolute one.
        dtype: ``float32`` or ``float16``, of pooled and token features; ids are always int32.
        cleaning: names of the steps that each text goes through first, see ``embed.cleaning``.
        joined: how many columns the texts were put together from, and the separator; None: a text is one cell.
        view: how the vectors of tokens become one a text, see ``stores.pooled_view``; None: they stay as they are.
    """

    encoder: Encoder
    options: dict
    dtype: str = "float32"
    cleaning: tuple[str, ...] = ()
    joined: tuple[int, str] | None = None
    view: str | None = None

    @classmethod
    def of(
        cls,
        encoder: str,
        dtype: str | None = None,
        clean: str = "none",
        *,
        reporter: Reporter | None = None,
        trust: Trust = Trust.USER,
        **options: object,
    ) -> Recipe:
        """The recipe of an encoder that is loaded with ``options``.

        Args:
            encoder: its name.
            dtype: ``float32`` or ``float16``; None: ``float16`` for token features, since there are many of them, and
                ``float32`` for all others.
            clean: the steps of the cleaning with commas, see ``embed.cleaning``.
            reporter: told what the encoder says; None: stderr.
            trust: who named the model, see ``embed.models.trust``.
            options: of the encoder.

        Raises:
            InputError: for an unknown name, option, type or step.
        """
        if dtype not in (None, *DTYPES):
            raise InputError(f"`dtype={dtype!r}`: choose one of {listing(str(dtype), DTYPES)}")
        for option in {"model", "preprocessor"} & options.keys():
            options[option] = remembered(str(options[option]))
        loaded = load(encoder, reporter=reporter, trust=trust, **options)
        default = "float16" if loaded.kind == "tokens" else "float32"
        return cls(loaded, options | loaded.pinned(), dtype or default, parse_steps(clean))

    @classmethod
    def from_dict(
        cls,
        recipe: dict,
        digest: str,
        model: str | None = None,
        *,
        trust_model: bool = False,
        reporter: Reporter | None = None,
    ) -> Recipe:
        """The recipe that a store or run was made with, from its ``as_dict`` and identity digest.

        Args:
            recipe, digest: as kept.
            model: where the encoder's model is now; None: where it was.
            trust_model: whether a program that the recipe names may run, and be fetched, see ``embed.models.trust``.
            reporter: told what the encoder says; None: stderr.

        Raises:
            InputError: for a recipe of several encoders; if it names a program, or something to be fetched, that was
                never used here.
            FailureError: if the encoder of this installation is not the same any more (other weights or version).
        """
        if "encoder" not in recipe:
            raise InputError("the recipe is one of several encoders; `embed.load_recipes` takes each of them")
        if recipe.get("given"):
            raise InputError(
                f"the run was trained on vectors that were made elsewhere, by {recipe['encoder']};"
                " give those of the new texts as `vectors`"
            )
        named = [str(recipe["options"][name]) for name in ("model", "preprocessor") if recipe["options"].get(name)]
        named = named[1:] if model and "model" in recipe["options"] else named  # the user's own choice instead
        trust = Trust.GIVEN if trust_model else Trust.USER if all(map(is_publisher, named)) else Trust.NONE
        options = recipe["options"] | ({"model": model} if model else {})
        if taken := {"encoder", "dtype", "clean", "reporter", "trust"} & options.keys():
            raise FailureError(f"the recipe has options that no encoder has: {', '.join(sorted(taken))}; train again")
        clean = ",".join(recipe["cleaning"]) or "none"
        columns = recipe.get("text_columns")
        joined = (columns["count"], columns["separator"]) if columns else None
        made = cls.of(recipe["encoder"], recipe["dtype"], clean, reporter=reporter, trust=trust, **options)
        again = replace(made, joined=joined, view=recipe.get(VIEW))
        if again.encoder.stateful:
            raise InputError(
                "the run was trained on features that depend on the texts before (`stateful=True`), so new texts have"
                " none; embed without it and train again"
            )
        if identity_digest(again.identity()) != digest:
            name = recipe["encoder"]
            raise FailureError(
                f"encoder {name} of this installation gives other features than the one the run was trained on"
                f" (identity {identity_digest(again.identity())[:8]}, not {digest[:8]});"
                f" install the versions in the run's recipe.json, or embed and train again"
            )
        return again

    @cached_property
    def _known(self) -> KnownTexts:
        return KnownTexts(self)

    @property
    def ingredients(self) -> tuple[type[Encoder], tuple]:
        """What another process makes the same recipe of, with ``from_ingredients``; nothing that is loaded travels."""
        return type(self.encoder), (self.options, self.dtype, self.cleaning, self.joined, self.view)

    @classmethod
    def from_ingredients(cls, kind: type[Encoder], rest: tuple) -> Recipe:
        """The recipe, with an encoder that is loaded in this process."""
        return cls(build(kind, rest[0]), *rest)

    def as_dict(self) -> dict:
        """The recipe as a JSON-able mapping; where it was computed is no part of it."""
        options = {name: value for name, value in self.options.items() if name != "device"}
        made = {"encoder": self.encoder.name, "options": options, "dtype": self.dtype}
        licence = {"licence": self.encoder.licence} if self.encoder.licence else {}
        return made | {"cleaning": list(self.cleaning)} | self._columns() | licence | self._view()

    def identity(self) -> dict:
        """Everything that the features depend on beside the text, as a JSON-able mapping."""
        dtype = "int32" if self.encoder.kind == "ids" else self.dtype
        made = {**self.encoder.identity(), "dtype": dtype, "cleaning": list(self.cleaning), **self._columns()}
        return made | self._view()

    def _view(self) -> dict:
        return {VIEW: self.view} if self.view else {}

    def _columns(self) -> dict:
        return {"text_columns": dict(zip(("count", "separator"), self.joined, strict=True))} if self.joined else {}

    def clean(self, texts: list[str]) -> list[str]:
        """The texts as the encoder is to see them."""
        return clean(texts, self.cleaning)

    def encode(self, texts: Sequence[str], *, reuse: bool = True) -> Features:
        """Features of ``texts``, which are clean already, in the recipe's type.

        Args:
            texts: a list of them.
            reuse: whether features are taken from the stores of this machine where these have them; see
                ``embed.known_texts``.

        Raises:
            InputError: for a single text.
        """
        texts = several_texts(texts)
        if reuse and texts:
            return self._known.encode(texts)
        return self._in_type(self.encoder.encode(texts))

    def prepare(self, texts: list[str]) -> Any:  # noqa: ANN401
        """The first half of ``encode`` without reuse, see ``embed.encoders.base.Encoder.prepare``."""
        return self.encoder.prepare(texts) if self._has_halves else texts

    def encode_prepared(self, prepared: Any) -> Features:  # noqa: ANN401
        """The second half of ``encode`` without reuse."""
        return self._in_type(
            self.encoder.encode_prepared(prepared) if self._has_halves else self.encoder.encode(prepared)
        )

    @property
    def _has_halves(self) -> bool:
        """Whether the halves make what ``encode`` does: not where somebody has replaced ``encode`` alone."""
        holders = (vars(self.encoder), *map(vars, type(self.encoder).__mro__))
        return "encode_prepared" in next(names for names in holders if {"encode", "encode_prepared"} & names.keys())

    def _in_type(self, features: Features) -> Features:
        if self.encoder.kind != "ids":
            outputs = {name: np.asarray(values, self.dtype) for name, values in features.outputs.items()}
            features = replace(features, outputs=outputs)
        return pool(features, self.view) if self.view else features
