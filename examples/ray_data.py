"""Vectors of a table in object storage by Ray Data, kept as Parquet; a run that is cut short goes on.

    python examples/ray_data.py --data s3://bucket/reviews/ --out s3://bucket/vectors/ --encoder static --workers 1:8
    tk features import vectors --key text --data reviews.parquet --name static --out features/reviews.h5

Reads Parquet files with a column of texts, encodes in a pool of actors that grows with the work, and writes Parquet
files with the columns ``text`` and ``vector``, each file whole or not there. Give the same command again after a
failure: texts that are in the output are not encoded again. How it compares with ``tk embed --engine ray`` is in
docs/how-to/use-ray-data.md.
"""

import argparse

import numpy as np
import pyarrow as pa
import ray
from pyarrow import fs

from embed import Recipe
from embed.engines.worker import keep_to_cores
from stores.shared.remote import list_files, open_filesystem, scheme_of


class Encode:
    """An actor: a batch of texts becomes a batch of texts and vectors."""

    def __init__(self, encoder, options):
        keep_to_cores(1)
        self.recipe = Recipe.of(encoder, **options)

    def __call__(self, batch):
        """Vectors, float32 ``[n, D]``, beside the texts."""
        texts = batch["text"].fill_null("").to_pylist()
        vectors = self.recipe.encode(self.recipe.clean(texts), reuse=False).outputs["pooled"]
        return pa.table({"text": texts, "vector": list(np.asarray(vectors, np.float32))})


def place(address):
    """The file system of a folder, and its path there."""
    if scheme_of(address):
        return open_filesystem(address)
    return fs.LocalFileSystem(), address


def finished(out):
    """The texts that the output has already."""
    import pyarrow.parquet as pq

    system, path = place(out)
    files = list_files(out)[1] if scheme_of(out) else system.get_file_info(fs.FileSelector(path, allow_not_found=True))
    done = set()
    for info in files:
        if info.path.endswith(".parquet"):
            done.update(pq.read_table(info.path, columns=["text"], filesystem=system)["text"].to_pylist())
    return done


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, help="folder or address of Parquet files")
    parser.add_argument("--out", required=True, help="folder or address of the vectors")
    parser.add_argument("--text-column", default="text")
    parser.add_argument("--encoder", default="static")
    parser.add_argument("--model")
    parser.add_argument("--workers", default="1:4", help="the fewest and the most actors")
    parser.add_argument("--batch", type=int, default=2048, help="texts that are encoded together")
    given = parser.parse_args()
    least, _, most = given.workers.partition(":")
    options = {"model": given.model} if given.model else {}

    system, path = place(given.data)
    rows = ray.data.read_parquet(path, filesystem=system)
    if given.text_column not in rows.columns():
        raise SystemExit(f"{given.data} has no column {given.text_column!r}, but {rows.columns()}; give --text-column")
    rows = rows.select_columns([given.text_column])
    rows = rows.rename_columns({given.text_column: "text"}) if given.text_column != "text" else rows
    if done := finished(given.out):
        here = ray.put(done)
        rows = rows.filter(lambda row: row["text"] not in ray.get(here))
    vectors = rows.map_batches(
        Encode, fn_constructor_args=(given.encoder, options), batch_format="pyarrow", batch_size=given.batch,
        compute=ray.data.ActorPoolStrategy(min_size=int(least), max_size=int(most or least)), num_cpus=1,
    )  # fmt: skip
    system, path = place(given.out)
    vectors.write_parquet(path, filesystem=system)
    print(f"{len(finished(given.out)):,} different texts in {given.out}")


if __name__ == "__main__":
    main()
