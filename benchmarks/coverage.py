"""How many words of tables a file of word vectors knows: the table of coverage in ``benchmarks/README.md``.

    python benchmarks/coverage.py --model glove.6B.50d.txt TABLE...

A table is what ``tk embed --data`` takes. Tokens are counted as they stand in all rows, words once. The last columns
say how many tokens would have a vector from ``--unknown parts`` or ``characters``, and stay unknown in the counts.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from embed import load_encoder, read_table
from embed.encoders.glove import GloveEncoder

ROWS = 8192  # that are counted at once


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True, help="a file of word vectors, as `tk embed --encoder glove` takes it")
    parser.add_argument("tables", nargs="+", type=Path)
    options = parser.parse_args()
    skip, parts, characters = (
        load_encoder("glove", model=options.model, unknown=unknown) for unknown in ("skip", "parts", "characters")
    )
    print("| table | rows | tokens | unknown | different words | unknown | tokens left by parts | by characters |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for path in options.tables:
        rows = [rows.texts for rows in read_table(str(path)).blocks(ROWS)]
        tokens, unknown, types, unknown_types = count(skip, [text for texts in rows for text in texts])
        left = [lacking(encoder, rows) for encoder in (parts, characters)]
        cells = [f"{unknown / tokens:.2%}", f"{types:,}", f"{unknown_types / types:.1%}"]
        cells += [f"{number / tokens:.2%}" for number in left]
        print(f"| {path.name} | {sum(map(len, rows)):,} | {tokens:,} | {' | '.join(cells)} |")


def count(encoder: GloveEncoder, texts: list[str]) -> list[int]:
    """Tokens, unknown tokens, different words, unknown ones."""
    words = encoder.numbered(texts)
    often = np.bincount(words.ids, minlength=len(words.vocabulary))
    unknown = encoder.find(words.vocabulary) < 0
    return [int(often.sum()), int(often[unknown].sum()), len(often), int(unknown.sum())]


def lacking(encoder: GloveEncoder, blocks: list[list[str]]) -> int:
    """Tokens without a vector, also from what stands for unknown ones."""
    total = 0
    for texts in blocks:
        words = encoder.numbered(texts)
        has_none = np.array([not rows for rows in encoder.rows_of(words.vocabulary)[0]], bool)
        total += int(has_none[words.ids].sum())
    return total


if __name__ == "__main__":
    main()
