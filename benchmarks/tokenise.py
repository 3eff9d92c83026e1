"""Word pieces by TensorFlow Text (``embed.tokenise.wordpiece``) and by ``tokenizers``: processor time, and equal ids.

Usage: python benchmarks/tokenise.py VOCABULARY TABLE ...     (vocab.txt of an uncased BERT; medians of five, by turns)
"""

from __future__ import annotations

import argparse
import resource
import sys
import time
from itertools import pairwise
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).parents[1]))
from embed import read_table
from embed.tokenise.vocabularies import word_piece
from embed.tokenise.wordpiece import WordPiece

ROUNDS = 5


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("vocabulary", type=Path)
    parser.add_argument("tables", nargs="+", type=Path)
    arguments = parser.parse_args()
    pieces = arguments.vocabulary.read_text(encoding="utf-8").removesuffix("\n").split("\n")
    ours, theirs = WordPiece(pieces, lower_case=True, longest=100), word_piece(pieces, lower_case=True)
    ways = {
        "TensorFlow Text": lambda texts: [
            tokens.ids[a:b].tolist() for tokens in [ours(texts)] for a, b in pairwise(tokens.offsets)
        ],
        "tokenizers": lambda texts: [found.ids for found in theirs.encode_batch_fast(texts, add_special_tokens=False)],
    }
    for table in arguments.tables:
        texts = [text for block in read_table(table).blocks(8192) for text in block.texts]
        seconds, ids = {name: [] for name in ways}, {}
        for _ in range(ROUNDS):
            for name, cut in ways.items():
                start, wall = _processor(), time.perf_counter()
                ids[name] = cut(texts)
                seconds[name].append((_processor() - start, time.perf_counter() - wall))
        first, second = (median(processor for processor, _ in seconds[name]) for name in ways)
        count = sum(map(len, ids["tokenizers"]))
        differ = sum(a != b for a, b in zip(*ids.values(), strict=True))
        print(f"{table.name}: {len(texts):,} texts, {count:,} pieces, {differ} texts differ;", end=" ")
        print(f"TensorFlow Text {first:.3f} s of the processor, tokenizers {second:.3f} s ({second / first:.1f} times)")


def _processor():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
