"""The map of a report in a real browser: pointing, zooming, keys, fingers, colours."""

import re

import numpy as np
import pytest
from helpers.report_pages import EVIL, PHONE

pytestmark = pytest.mark.slow
LEGEND = "document.querySelector('.legend').textContent"


def canvas(page):
    """Where the map is in the window, after it was scrolled to: x, y, width and height."""
    page.value("document.querySelector('canvas').scrollIntoView({block: 'center'})")
    box = page.value("(({x, y, width, height}) => [x, y, width, height])"
                     "(document.querySelector('canvas').getBoundingClientRect())")  # fmt: skip
    return box


def spot(page, line):
    """The place in the window of the row on this line, as the script would draw it before any zoom."""
    x, y, wide, high = canvas(page)
    places = page.value(f"""(() => {{
      const data = JSON.parse(document.getElementById("map-data").textContent), i = data.line.indexOf({line});
      const numbers = (name) => new Uint16Array(Uint8Array.from(atob(data[name]), (c) => c.charCodeAt(0)).buffer);
      return [numbers("x")[i] / 65535, numbers("y")[i] / 65535];
    }})()""")
    return x + 14 + places[0] * (wide - 28), y + high - 14 - places[1] * (high - 28)


def told(page):
    """What stands below the map of the chosen row."""
    return page.value("document.getElementById('spot').textContent")


def farthest(page):
    """The line of the row that is farthest to the right: nothing hides it."""
    return page.value("""(() => {
      const data = JSON.parse(document.getElementById("map-data").textContent);
      const x = [...new Uint16Array(Uint8Array.from(atob(data.x), (c) => c.charCodeAt(0)).buffer)];
      return data.line[x.indexOf(Math.max(...x))];
    })()""")


def test_nothing_is_fetched_and_no_text_runs(browser, report_folder, report_file, labels_report):
    """No request, no message, no error on any page; the title is ours, whatever the texts hold."""
    for path in (report_file, labels_report, report_folder / "compared/compare.html"):
        page = browser.open(path)
        assert page.faults == []
        assert "owned" not in page.value("document.title")
        assert page.value("document.querySelectorAll('img').length") == 0


def test_pointing_shows_the_text(browser, report_file):
    """A mouse over a row shows its line, classes and text beside it; away from all rows it goes."""
    page = browser.open(report_file)
    line = farthest(page)
    x, y = spot(page, line)
    page.mouse("mouseMoved", x, y)
    tip = page.value("(({hidden, textContent}) => hidden ? '' : textContent)(document.querySelector('.tip'))")
    left, top, *_ = canvas(page)
    page.mouse("mouseMoved", left + 2, top + 2)

    assert tip.startswith(f"line {line}: ") and len(tip) > 30
    assert page.value("document.querySelector('.tip').hidden")


def test_a_click_keeps_the_text_and_a_wheel_zooms_then(browser, report_file):
    """Before the click the wheel scrolls the page; the place under the mouse stays where it is."""
    page = browser.open(report_file)
    line = farthest(page)
    x, y = spot(page, line)
    page.mouse("mouseWheel", x, y, deltaX=0, deltaY=-200)
    before = page.value("document.querySelector('canvas').dataset.zoom")
    x, y = spot(page, line)
    page.click(x, y)
    chosen = told(page)
    page.mouse("mouseWheel", x, y, deltaX=0, deltaY=-400)
    zoom = float(page.value("document.querySelector('canvas').dataset.zoom"))
    page.mouse("mouseMoved", x + 1, y)
    tip = page.value("document.querySelector('.tip').textContent")

    assert before == "1.00" and zoom == pytest.approx(np.e, abs=0.01)
    assert chosen.startswith(f"line {line}: ") and tip.startswith(f"line {line}: ")


def test_keys_do_all_that_a_mouse_does(browser, report_file):
    """Arrows go from row to row, + zooms, 0 shows all, Escape lets go; Tab reaches the map."""
    page = browser.open(report_file)
    canvas(page)
    page.value("document.querySelector('canvas').focus()")
    page.key("ArrowRight")
    first = told(page)
    page.key("ArrowRight")
    second = told(page)
    page.key("+", "+")
    zoom = page.value("document.querySelector('canvas').dataset.zoom")
    page.key("0", "0")
    whole = page.value("document.querySelector('canvas').dataset.zoom")
    page.key("Escape")

    assert first.startswith("line ") and second.startswith("line ") and first != second
    assert (zoom, whole) == ("1.50", "1.00")
    assert told(page).startswith("Point at a row")
    assert page.value("document.querySelector('canvas').tabIndex") == 0


def test_a_tap_on_a_phone(browser, report_file):
    """A finger near a row reads it, though it hits none exactly."""
    page = browser.open(report_file, **PHONE)
    line = farthest(page)
    x, y = spot(page, line)
    page.tap(x - 6, y - 9)

    assert told(page).startswith(f"line {line}: ")


def test_two_fingers_zoom(browser, report_file):
    """By as much as they part, about the place between them: the row that is nearest to it stays the nearest."""
    page = browser.open(report_file, **PHONE)
    left, top, wide, high = canvas(page)
    middle = left + wide / 2, top + high / 2
    page.tap(*middle)
    before = told(page)
    page.key("Escape")
    between = told(page)
    page.pinch(*middle, 60, 120)
    zoom = page.value("document.querySelector('canvas').dataset.zoom")
    page.tap(*middle)

    assert zoom == "2.00"
    assert before.startswith("line ") and not between.startswith("line ") and told(page) == before


def ink(page):
    """How many pixels of the map are painted, and a sum of their colours."""
    return page.value("""(() => {
      const canvas = document.querySelector("canvas");
      const data = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
      let painted = 0, sum = 0;
      for (let i = 0; i < data.length; i += 4) if (data[i + 3]) {
        painted++; sum += data[i] + 2 * data[i + 1] + 3 * data[i + 2]; }
      return [painted, sum];
    })()""")


def choose(page, name, value):
    """Set a field of the map."""
    page.value(f"(() => {{ const field = document.querySelector('.map [name={name}]'); field.value = {value!r};"
               " field.dispatchEvent(new Event('input', {bubbles: true})); })()")  # fmt: skip


def test_colours_legends_and_filters(browser, report_file):
    """Each way to colour draws another picture with its own legend; a filter leaves the rows it names."""
    page, seen = browser.open(report_file), {}
    for way in ("truth", "predicted", "error", "sure"):
        choose(page, "color", way)
        seen[way] = tuple(ink(page)), page.value(LEGEND)
    assert len({picture for picture, _ in seen.values()}) == 4
    assert "ham (200)" in seen["truth"][1] and "spam (100)" in seen["truth"][1]
    assert re.search(r"right \(\d+\).*wrong \(\d+\)", seen["error"][1])
    assert "unsure" in seen["sure"][1]
    choose(page, "color", "truth")
    choose(page, "only", "class:spam")
    assert "ham (0)" in page.value(LEGEND) and "spam (100)" in page.value(LEGEND)
    choose(page, "only", "all")
    choose(page, "find", "OWNED")
    left = sum(int(number) for number in re.findall(r"\((\d+)\)", page.value(LEGEND)))
    assert left == sum("owned" in EVIL[i % 5] for i in range(0, 300, 7))
