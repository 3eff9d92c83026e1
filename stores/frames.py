"""A store as arrays and frames of other libraries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from stores.shared.errors import InputError
from stores.shared.html_table import html_table

if TYPE_CHECKING:
    import pandas
    import polars
    import pyarrow


class StoreFrames:
    """What a store gives to Arrow, pandas, polars and NumPy; ``stores.reader`` adds it to ``FeatureStore``."""

    def to_arrow(self, output: str | None = None) -> pyarrow.Table:
        """All rows as an Arrow table, as ``stores.export`` writes Parquet.

        Args:
            output: which of several outputs; the first if None.

        Returns:
            Columns ``line``, ``label`` (null where it is missing; of several labels a list), of ``id``, ``split`` and
            ``text`` those that the store has, and ``features``: float32 lists ``[D]``, of tokens lists of these, of ids
            the tokens. ``del table`` gives the memory back; the store may be closed.

        Raises:
            InputError: if there is no such output.
        """
        import pyarrow as pa

        from stores.export import arrow_blocks

        store: Any = self
        if output is not None and output not in store.outputs:
            raise InputError(f"`output={output!r}`: {store.path} has {', '.join(store.outputs)}")
        return pa.concat_tables(arrow_blocks(store, output or store.outputs[0]))

    def to_pandas(self, output: str | None = None) -> pandas.DataFrame:
        """All rows as a frame of pandas, with an array a row in the column ``features``; see ``to_arrow``."""
        return self.to_arrow(output).to_pandas()

    def to_polars(self, output: str | None = None) -> polars.DataFrame:
        """All rows as a frame of polars; see ``to_arrow``."""
        import polars

        frame = polars.from_arrow(self.to_arrow(output))
        assert isinstance(frame, polars.DataFrame)  # noqa: S101
        return frame

    def __repr__(self) -> str:
        store: Any = self
        try:
            return f"FeatureStore({str(store.path)!r}, {len(store):,} rows, {store.kind})"
        except Exception:  # of any type: it is closed, or was never opened
            return f"FeatureStore({str(store.__dict__.get('path'))!r}, closed)"

    def _repr_html_(self) -> str:
        store: Any = self
        rows = [["rows", len(store)], ["kind", store.kind]]
        rows += [[name, f"{list(store.shape_of(name))} {store.dtype_of(name)}"] for name in store.outputs]
        rows += [["encoder", store.recipe.get("encoder", "several")], ["table", store.source.get("file", "several")]]
        if store.has_several_labels:
            rows += [[label, int((store.codes[:, i] == 1).sum())] for i, label in enumerate(store.classes)]
        else:
            rows += [[label, int((store.codes == i).sum())] for i, label in enumerate(store.classes)]
        rows += [["without a label", int((~store.labelled).sum())]]
        return html_table([], rows, f"Store {store.path}")

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:  # noqa: ANN401
        """``np.asarray(store)``: the pooled features ``[N, D]``, see ``FeatureStore.to_numpy``."""
        if copy is False:
            raise ValueError("a store is read into memory; np.asarray(store) does that")
        store: Any = self
        return np.asarray(store.to_numpy(), dtype)
