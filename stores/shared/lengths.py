"""Words a text, in bins of doubling width: counted and drawn."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from stores.shared.plot_style import color, legend_label, new_figure, shown

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DRAWN = 7  # classes; more bars side by side are too thin


def length_histogram(words: np.ndarray, by_class: Mapping[str, np.ndarray]) -> dict[str, list[int]]:
    """Texts a bin, by class.

    Args:
        words: int ``[n]``, words of each text.
        by_class: class -> bool ``[n]``, which texts are of it.
    """
    bins = np.frexp(words)[1]  # 0 -> 0, 1 -> 1, 2 and 3 -> 2, 4 to 7 -> 3
    return {name: np.bincount(bins[rows], minlength=bins.max() + 1).tolist() for name, rows in by_class.items()}


def bin_names(number: int) -> list[str]:
    """``0``, ``1``, ``2-3``, ``4-7``, ...: the first so many bins of a histogram."""
    return ["0", "1", *(f"{2**i}-{2 ** (i + 1) - 1}" for i in range(1, number - 1))][:number]


def draw_lengths(histogram: Mapping[str, list[int]], rows: int) -> Figure:
    """For each class the share of its texts in each bin, the largest classes side by side.

    Args:
        histogram: of ``length_histogram``.
        rows: how many texts there are; with several labels a text is in several classes.
    """
    largest = sorted(histogram, key=lambda name: -sum(histogram[name]))[:DRAWN]
    drawn = [name for name in histogram if name in largest]
    left_out = "" if len(drawn) == len(histogram) else f"; the {DRAWN} largest of {len(histogram)} classes"
    names = bin_names(len(histogram[drawn[0]]))
    figure, axes = new_figure(
        _finding(histogram, drawn, names),
        f"Words a text by class, n = {rows:,}{left_out}",
        "words in the text",
        "share of the texts of the class",
    )
    width = 0.8 / len(drawn)
    for i, name in enumerate(drawn):
        places = np.arange(len(names)) + i * width
        share = np.array(histogram[name]) / sum(histogram[name])
        axes.bar(places, share, width, align="edge", label=legend_label(name), color=color(i))
    axes.yaxis.set_major_formatter(lambda y, _: f"{y:.0%}")
    axes.set_xticks(np.arange(len(names)) + 0.4, names, rotation=45)
    axes.grid(False, axis="x")
    axes.legend()
    return figure


def _finding(histogram: Mapping[str, list[int]], drawn: list[str], names: list[str]) -> str:
    """Of two classes where they differ most, else the lengths that are the most frequent."""
    if len(drawn) != 2:
        return f"Texts of {names[np.sum(list(histogram.values()), axis=0).argmax()]} words are the most frequent"
    share = {name: np.array(histogram[name]) / sum(histogram[name]) for name in drawn}
    i = np.abs(share[drawn[0]] - share[drawn[1]]).argmax()
    less, more = sorted(drawn, key=lambda name: share[name][i])
    of = [f"{share[name][i]:.0%} of '{shown(name)}'" for name in (more, less)]
    return f"{of[0]} are texts of {names[i]} words, {of[1]} are"
