"""Charts as data: where marks lie on the paper, which numbers stand at the axes, and that texts do no harm."""

import re
import xml.etree.ElementTree as ET
from types import SimpleNamespace

import numpy as np
import pytest

from classify.analysis.comparison import Interval
from classify.reports.figures.cost import cost, name_of
from stores.shared.chart import EDGES, Axis, Bars, Chart, Intervals, Line, Names, Panel, Words, new_chart
from stores.shared.chart_marks import spread
from stores.shared.chart_scale import Scale, scale_of, text_width, ticks_of
from stores.shared.chart_svg import chart_svg
from stores.shared.plot_style import house_style, save

SVG = "{http://www.w3.org/2000/svg}"


def elements(chart, name):
    """The elements of a chart's SVG of this name, in order."""
    return list(ET.fromstring(chart_svg(chart)).iter(SVG + name))


def texts(chart):
    """All texts."""
    return [element.text for element in elements(chart, "text")]


def test_a_scale_is_a_straight_line_between_its_ends():
    """From 0..10 to 100..200 points; what is infinite lies at an edge; on a log scale factors are equally far."""
    assert Scale(0, 10, 100, 200)([0, 2.5, 10, np.inf, -np.inf]).tolist() == [100, 125, 200, 200, 100]
    assert Scale(1, 100, 0, 50, log=True)([1, 10, 100]) == pytest.approx([0, 25, 50])


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0, 1, ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]),
        (0.68, 1.02, ["0.7", "0.8", "0.9", "1.0"]),
        (0, 4825, ["0", "1,000", "2,000", "3,000", "4,000"]),
        (-0.03, 0.02, ["-0.03", "-0.02", "-0.01", "0.00", "0.01", "0.02"]),
    ],
)
def test_round_numbers_stand_at_an_axis(low, high, expected):
    """Steps of 1, 2, 2.5 or 5 times a power of ten, with as many digits as the step has, 40 points apart at least."""
    assert [text for _, text in ticks_of(Axis(), Scale(low, high, 0, 260), 40)] == expected


def test_large_numbers_have_room():
    """Numbers of eight digits stand farther apart than they are wide, and upright."""
    chart, panel = new_chart("finding", "basis")
    panel.add(Bars([(0, 3.2e7)], [(0, 1)]))

    assert [text for text in texts(chart) if text.endswith(",000")] == ["10,000,000", "20,000,000", "30,000,000"]
    assert "rotate" not in chart_svg(chart)


def test_whole_numbers_and_powers_of_ten():
    """Epochs have no halves; a log scale has its powers of ten."""
    assert [text for _, text in ticks_of(Axis(whole=True), Scale(1, 3, 0, 300), 40)] == ["1", "2", "3"]
    assert [place for place, _ in ticks_of(Axis(log=True), Scale(0.5, 5000, 0, 300), 40)] == [1, 10, 100, 1000]


def test_bars_stand_on_the_axis_and_lines_have_a_margin():
    """0 is the lower end of an axis with bars from 0; the range of points grows by a twentieth on either side."""
    panel = Panel(marks=[Bars([(0, 10)], [(1, 2)])])
    assert (scale_of(panel.x, panel, 0, 1).low, scale_of(panel.x, panel, 0, 1).high) == (0, 10.5)
    panel = Panel(marks=[Line((2, 4), (1, 1)), Line(EDGES, (1, 1))])
    assert (scale_of(panel.x, panel, 0, 1).low, scale_of(panel.x, panel, 0, 1).high) == (1.9, 4.1)


def test_marks_lie_where_their_numbers_are():
    """Between the frame's ends a bar from 0 to half of the axis is half as wide, and a dot at its end lies there."""
    chart, panel = new_chart("finding", "basis")
    panel.add(Bars([(0, 5)], [(-0.4, 0.4)], "#123456"), Line([5], [0], "#654321", 0, marker="o"))
    panel.x.low, panel.x.high = 0, 10
    box = next(e for e in elements(chart, "clipPath")[0])
    left, width = float(box.get("x")), float(box.get("width"))
    (bar,) = [e for e in elements(chart, "rect") if e.get("fill") == "#123456"]
    (dot,) = [e for e in elements(chart, "path") if e.get("fill") == "#654321"]

    assert float(bar.get("x")) == left and float(bar.get("width")) == pytest.approx(width / 2, abs=0.1)
    assert float(re.match(r"M([\d.]+),", dot.get("d"))[1]) == pytest.approx(left + width / 2, abs=0.1)


def test_lines_leave_out_what_is_no_number():
    """A NaN in the middle parts a line in two; no coordinate is written as nan."""
    chart, panel = new_chart("finding", "basis")
    panel.add(Line(np.arange(5.0), [1, 2, np.nan, 3, 4], "#123456"), Intervals([1.0], [np.nan], [2.0]))
    (line,) = [e.get("d") for e in elements(chart, "path") if e.get("stroke") == "#123456"]

    assert (line.count("M"), line.count("L")) == (2, 2)
    assert "nan" not in chart_svg(chart)


def test_what_lies_beyond_the_axes_is_cut_off():
    """A line that leaves the panel is in a group with its clip path, one that stays inside is not."""
    chart, panel = new_chart("finding", "basis")
    panel.add(Line((0, 1), (0, 5), "#111111"), Line((0, 1), (0, 1), "#222222"))
    panel.y.low, panel.y.high = 0, 1
    cut = [group for group in elements(chart, "g") if group.get("clip-path")]
    clipped = [path.get("stroke") for group in cut for path in group.iter(SVG + "path")]

    assert clipped == ["#111111"]


def test_texts_of_strangers_stay_texts():
    """Titles, labels and names may hold anything; the SVG stays well-formed and has no element of theirs."""
    evil = "<script>alert('1')</script> & ]]> \x00\x1b \u202e"
    chart, panel = new_chart(evil, evil, evil, evil)
    panel.add(Line((0, 1), (0, 1), label=evil), Words([0.5], [0.5], [evil]))
    panel.y.ticks = [(0.5, evil)]

    assert not elements(chart, "script")
    assert sum("alert('1')" in text for text in texts(chart)) == 7


def test_long_names_below_are_turned():
    """Three short names stand upright, eleven long ones are turned by 45 degrees."""
    short, panel = new_chart("finding", "basis")
    panel.add(Bars([(i, i + 1) for i in range(3)], [(0, 1)] * 3))
    panel.x.ticks = [(i + 0.5, "abc") for i in range(3)]
    long, panel = new_chart("finding", "basis")
    panel.add(Bars([(i, i + 1) for i in range(11)], [(0, 1)] * 11))
    panel.x.ticks = [(i + 0.5, "512-1023") for i in range(11)]

    assert "rotate(-45)" not in chart_svg(short) and chart_svg(long).count("rotate(-45)") == 11


@pytest.mark.slow
def test_charts_are_drawn_as_pixels_too(tmp_path):
    """Every kind of mark as PNG and PDF by matplotlib, twice the same bytes."""
    upper, lower = Panel(share=3), Panel(Axis("x"), Axis("rows", log=True), frame=False)
    upper.add(
        Line((0, 1), (0, 1), "#0072b2", marker="s", hollow=True, label="_one"),
        Bars([(0.2, 0.4)], [EDGES], "#59636e", 0.2),
        Intervals([0.5], [0.1], [0.9]), Intervals([0.5], [0.1], [0.9], across=True), Words([0.5], [0.5], ["here"]),
    )  # fmt: skip
    upper.level(0.3, "#000000")
    upper.upright(0.3, "#000000", label="there")
    lower.add(Bars([(0, 1)], [(1, 100)], ["#d8dee4"], edge="#59636e", hatched=True))
    with house_style():
        for name in ("a.png", "b.png", "a.pdf", "a.svg"):
            save(Chart("finding", "basis", panels=[upper, lower]), tmp_path / name)

    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    assert (tmp_path / "a.pdf").read_bytes()[:5] == b"%PDF-" and (tmp_path / "a.svg").read_text().startswith("<svg")


def boxes(chart):
    """Left, top, right and lower side of every text that is not turned, in points."""
    found = []
    for element in elements(chart, "text"):
        if element.get("transform") or element.text is None:
            continue
        size = float(element.get("font-size") or 9.5)
        x, y, wide = float(element.get("x")), float(element.get("y")), text_width(element.text, size)
        x -= {"middle": wide / 2, "end": wide}.get(element.get("text-anchor"), 0)
        found.append((x, y - 0.8 * size, x + wide, y + 0.2 * size, element.text))
    return found


def overlapping(found):
    """Pairs of texts that share a place."""
    pairs = ((a, b) for i, a in enumerate(found) for b in found[i + 1 :])
    return [(a[4], b[4]) for a, b in pairs if a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]]


def runs_at(places, name="run {}"):
    """A comparison of runs that took so many seconds and have such a score, best first; the others are no better."""
    runs = []
    for i, (seconds, score) in enumerate(sorted(places, key=lambda place: -place[1])):
        runs.append(SimpleNamespace(
            name=name.format(i), cost=SimpleNamespace(seconds=seconds), distinguishable=False,
            frontier=all(seconds < run.cost.seconds for run in runs), scores={"f1_macro": Interval(score, None, None)},
        ))  # fmt: skip
    return SimpleNamespace(runs=runs, best=runs[0].name, cheapest=runs[0].name, by="f1_macro", problem="binary",
                           rows=SimpleNamespace(compared=1000))  # fmt: skip


LONG = "tweets.transformer.sentence-transformers-all-MiniLM-L6-v2.logistic:C=0.0{}"
CROWDS = {
    "apart": lambda n: [(10.0 ** (i / 5), 0.5 + i / 100) for i in range(n)],
    "at one place": lambda n: [(3.0, 0.9)] * n,
    "one score": lambda n: [(1.0 + i, 0.9) for i in range(n)],
    "one time": lambda n: [(2.0, 0.9 + i / 1e4) for i in range(n)],
    "two heaps": lambda n: [(0.001 if i % 2 else 5000.0, 0.1 + 0.8 * (i % 2)) for i in range(n)],
    "no time at all": lambda n: [(0.0, 0.5)] * n,
}


@pytest.mark.parametrize("name", ["{}", "run {}", LONG], ids=["short", "usual", "long"])
@pytest.mark.parametrize("crowd", CROWDS)
def test_names_of_runs_never_lie_on_each_other(crowd, name):
    """From 2 to 30 runs, wherever they are: no two texts of the cost figure overlap, and all lie on the paper."""
    for number in (2, 3, 8, 17, 30):
        chart = cost(runs_at(CROWDS[crowd](number), name))
        found = boxes(chart)
        wide, high = (float(side) for side in ET.fromstring(chart_svg(chart)).get("viewBox").split()[2:])

        assert not overlapping(found)
        assert all(x0 >= 0 and y0 >= 0 and x1 <= wide and y1 <= high for x0, y0, x1, y1, _ in found)
        assert len({text for *_, text in found} & {name_of(name.format(i)) for i in range(number)}) == number


def test_long_names_keep_their_ends():
    """Runs of one encoder differ in the end of their names."""
    assert name_of(LONG.format(3)) == "tweets.trans\u2026stic:C=0.03" and len(name_of(LONG.format(3))) <= 24


def test_crowded_names_move_as_little_as_they_can():
    """The least squares solution by scipy, for random places, with room and just enough of it."""
    from scipy.optimize import minimize

    rng = np.random.default_rng(5)
    for size, high in ((2, 40), (5, 100), (8, 85)):
        places = np.sort(rng.uniform(0, high, size))
        apart = [{"type": "ineq", "fun": lambda p, i=i: p[i + 1] - p[i] - 12} for i in range(size - 1)]
        best = minimize(lambda p, own=places: ((p - own) ** 2).sum(), np.linspace(0, high, size), constraints=apart,
                        bounds=[(0, high)] * size, method="SLSQP", options={"ftol": 1e-12})  # fmt: skip

        assert spread(places, 12, 0, high) == pytest.approx(best.x, abs=1e-3)
    assert spread([30.0, 10.0, 10.0], 12, 0, 100).tolist() == [30.0, 4.0, 16.0]


def test_every_name_is_joined_to_its_point():
    """A line begins at each point, and ends at the height of its name."""
    chart, panel = new_chart("finding", "basis")
    panel.add(Line([1, 2, 3], [1, 2, 2], "#654321", 0, marker="o"), Names([1, 2, 3], [1, 2, 2], ["a", "b", "c"]))
    (dots,) = [e.get("d") for e in elements(chart, "path") if e.get("fill") == "#654321"]
    (joins,) = [e.get("d") for e in elements(chart, "path") if e.get("stroke-width") == "0.5"]
    heights = {e.text: float(e.get("y")) for e in elements(chart, "text") if e.text in ("a", "b", "c")}
    points = re.findall(r"M([\d.]+,[\d.]+)m", dots)
    lines = re.findall(r"M([\d.]+,[\d.]+)L[\d.]+,([\d.]+)H", joins)

    assert [start for start, _ in lines] == points
    assert [float(end) for _, end in lines] == pytest.approx([heights[name] - 3.15 for name in "abc"], abs=0.1)
