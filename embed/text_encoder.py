"""A frozen encoder as a transformer of scikit-learn, which encodes each text once in its life."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.exceptions import NotFittedError

from embed.encoders import REGISTRY
from embed.known_texts import KnownTexts
from embed.machine_stores import default_folder
from embed.reading.frame_columns import list_of_texts
from embed.recipe import Recipe
from stores.features import Features, PooledFeatures
from stores.shared.errors import InputError
from stores.shared.estimator_options import EstimatorOptions
from stores.shared.registry import parse_spec

LOADED = 4  # recipes that stay in memory, as clones of one transformer share them


class TextEncoder(EstimatorOptions, TransformerMixin, BaseEstimator):
    """Texts to vectors, for pipelines of scikit-learn: ``make_pipeline(TextEncoder("bert", model=...), Ridge())``.

    There is nothing to learn: ``fit`` loads the encoder. Vectors are taken from the stores of this machine where these
    have them, wherever they lie, and new ones are kept; so a grid search or a second run encodes nothing again.

    Args:
        encoder: its name, or ``name:option=value,...``; ``embed.encoder_names()`` lists them. It must give one vector
            a text.
        dtype: ``float32`` or ``float16``; ``float32`` if None.
        clean: the steps of the cleaning with commas, see ``embed.cleaning``.
        store: folder of stores that are asked first and where new vectors are kept, without their texts; that in the
            cache folder of ``tk`` if None.
        options: of the encoder, such as ``model`` and ``pooling``; in a grid ``textencoder__pooling``.

    Attributes:
        recipe_: the loaded ``embed.Recipe``, once fitted.
        n_features_out_: D, columns of the result, once fitted.
    """

    own = ("encoder", "dtype", "clean", "store")

    def __init__(
        self,
        encoder: str = "static",
        *,
        dtype: str | None = None,
        clean: str = "none",
        store: str | Path | None = None,
        **options: Any,  # noqa: ANN401
    ) -> None:
        self.encoder, self.dtype, self.clean, self.store = encoder, dtype, clean, store
        self._options = options

    def fit(self, X: Iterable[str], y: object = None) -> Self:
        """Load the encoder; ``X`` is looked at as in ``transform``.

        Raises:
            InputError: for a wrong option, an encoder that gives no vector a text, or a single text.
        """
        texts = list_of_texts(X)
        self.recipe_ = self._load()
        self.n_features_out_ = self._matrix(texts[:1] or [""]).shape[1]
        return self

    def fit_transform(self, X: Iterable[str], y: object = None, **params: object) -> np.ndarray:
        """As ``fit`` and then ``transform``."""
        texts = list_of_texts(X)
        if not texts:
            return self.fit(texts)._matrix(texts)
        self.recipe_ = self._load()
        vectors = self._matrix(texts)
        self.n_features_out_ = vectors.shape[1]
        return vectors

    def transform(self, X: Iterable[str]) -> np.ndarray:
        """The vectors of texts.

        Args:
            X: a list, array or Series of n texts, or a frame with one column; None or NaN is an empty text.

        Returns:
            float ``[n, D]`` of type ``dtype``; several outputs of an encoder side by side. With ``set_output`` a frame.

        Raises:
            InputError: for a single text, or what holds no texts.
            NotFittedError: before ``fit``.
        """
        if not hasattr(self, "recipe_"):
            raise NotFittedError("this TextEncoder is not fitted yet; call fit")
        return self._matrix(list_of_texts(X))

    def get_feature_names_out(self, input_features: object = None) -> np.ndarray:
        """Names of the columns: ``static0``, ``static1``, ...; object ``[D]``."""
        if not hasattr(self, "recipe_"):
            raise NotFittedError("this TextEncoder is not fitted yet; call fit")
        name = self.recipe_.encoder.name
        return np.array([f"{name}{number}" for number in range(self.n_features_out_)], object)

    def _check_options(self, name: str, options: dict[str, Any]) -> None:
        if name in REGISTRY.names():
            REGISTRY.options(name, options)

    def __getstate__(self) -> dict[str, Any]:
        state = dict(super().__getstate__())
        if state.pop("recipe_", None) is not None:  # weights do not travel: they are loaded where they are used
            state["is_fitted"] = True
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        fitted = state.pop("is_fitted", False)
        super().__setstate__(state)
        if fitted:
            self.recipe_ = self._load()

    def __sklearn_tags__(self) -> Any:  # noqa: ANN401
        tags = super().__sklearn_tags__()
        tags.input_tags.string, tags.input_tags.one_d_array, tags.input_tags.two_d_array = True, True, False
        tags.requires_fit = True
        return tags

    def _load(self) -> Recipe:
        name, options = parse_spec(self.encoder)
        options |= self._options
        recipe = _loaded(name, self.dtype, self.clean, json.dumps(options, sort_keys=True, default=str))
        if recipe.encoder.kind != "pooled":
            advice = "in scikit-learn take its TfidfVectorizer" if name == "words" else "pool them: `pooling='mean'`"
            raise InputError(f"`encoder={self.encoder!r}` gives {recipe.encoder.kind}, not one vector a text; {advice}")
        return recipe

    def _matrix(self, texts: list[str]) -> np.ndarray:
        recipe = self.recipe_
        if not texts:
            return np.empty((0, self.n_features_out_), recipe.dtype)
        folder = default_folder() if self.store is None else Path(self.store)
        known = _known(recipe, folder)
        features = known.encode(recipe.clean(texts), keep=not known.is_cheap(len(texts)))
        return side_by_side(features)


def side_by_side(features: Features) -> np.ndarray:
    """Pooled features as one array ``[n, D]``, several outputs in the order of their names."""
    assert isinstance(features, PooledFeatures)  # noqa: S101 (the encoder says so)
    outputs = [features.outputs[name] for name in sorted(features.outputs)]
    return outputs[0] if len(outputs) == 1 else np.hstack(outputs)


_LOADING = threading.Lock()


def _loaded(name: str, dtype: str | None, clean: str, options: str) -> Recipe:
    with _LOADING:  # not by two threads at once
        return _load_once(name, dtype, clean, options)


@lru_cache(LOADED)
def _load_once(name: str, dtype: str | None, clean: str, options: str) -> Recipe:
    return Recipe.of(name, dtype, clean, **json.loads(options))


_KNOWN: dict[tuple[int, Path], KnownTexts] = {}


def _known(recipe: Recipe, folder: Path) -> KnownTexts:
    """What is known of texts in a folder; clones of one transformer ask the same."""
    key = id(recipe), folder.absolute()
    known = _KNOWN.get(key)
    if known is None or known.recipe is not recipe:
        known = _KNOWN[key] = KnownTexts(recipe, folder)
        for old in list(_KNOWN)[: -2 * LOADED]:
            _KNOWN.pop(old, None)
    return known
