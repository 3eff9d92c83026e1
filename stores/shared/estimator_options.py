"""Estimators of scikit-learn whose parameters include the options of what they stand for."""

from abc import abstractmethod
from typing import Any, ClassVar, Self


class EstimatorOptions:
    """Comes before ``BaseEstimator``, whose parameters are those that the constructor names.

    Attributes:
        own: parameters that the constructor names; the first says what the others are options of, as ``name:option=1``.
    """

    own: ClassVar[tuple[str, ...]]
    _options: dict[str, Any]

    @abstractmethod
    def _check_options(self, name: str, options: dict[str, Any]) -> None:
        """``InputError`` for options that what has this name has not; of a name that there is not, ``fit`` speaks."""

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The parameters, options among them."""
        return {name: getattr(self, name) for name in self.own} | self._options

    def set_params(self, **params: Any) -> Self:  # noqa: ANN401
        """Change parameters or options; ``InputError`` for an option that there is not."""
        own = {name: params.pop(name) for name in self.own if name in params}
        if params:
            spec = own.get(self.own[0], getattr(self, self.own[0]))
            self._check_options(str(spec).partition(":")[0], params)
        for name, value in own.items():
            setattr(self, name, value)
        self._options = self._options | params
        return self

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        options = self.__dict__.get("_options", {})
        if name in options:
            return options[name]
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
