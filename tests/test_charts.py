"""Charts as data: where marks lie on the paper, which numbers stand at the axes, and that texts do no harm."""

import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest

from stores.shared.chart import EDGES, Axis, Bars, Chart, Intervals, Line, Panel, Words, new_chart
from stores.shared.chart_scale import Scale, scale_of, ticks_of
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
