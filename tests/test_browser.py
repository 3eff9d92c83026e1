"""Reports and comparisons in a real browser: pointing, zooming, keys, sorting, paper, phones, the dark, contrast."""

import re
from dataclasses import replace

import numpy as np
import pytest
from helpers.browser import chromium
from helpers.commands import LETTERS
from helpers.stores import make_store, pooled

import stores
from classify import classify, write_report
from classify.analysis.compare import compare
from classify.reports.compare_page import write_comparison

pytestmark = pytest.mark.slow
NAMES = "[...document.querySelectorAll('svg, canvas')].map((node) => node.getAttribute('aria-label') || '')"
NAMELESS = """[...document.querySelectorAll("input, select, button")].filter((node) =>
  !node.labels?.length && !node.getAttribute("aria-label") && !node.textContent.trim()).length"""
LEGEND = "document.querySelector('.legend').textContent"
PHONE = {"width": 390, "height": 844, "phone": True}
EVIL = ["</script><script>document.title='owned'</script>", "\"><img src=x onerror=\"document.title='owned'\">",
        "\u202egnitrevni\u2066 \u2028 a\x00b", "'; document.title = 'owned'; '", "<!--<script>"]  # fmt: skip
CONTRAST = """(() => {
  const parse = (text) => (text.match(/[\\d.]+/g) || []).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((c) => (c /= 255) <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (node) => { for (; node; node = node.parentElement) {
    const color = parse(getComputedStyle(node).backgroundColor);
    if (color.length === 3 || color[3] === 1) return color; }
    return [255, 255, 255]; };
  const found = [];
  for (const node of document.querySelectorAll("body *")) {
    const own = [...node.childNodes].some((part) => part.nodeType === 3 && part.textContent.trim());
    if (!own || node.closest("script, style, noscript, [hidden]") || node.classList.contains("mark")) continue;
    const style = getComputedStyle(node), drawn = node instanceof SVGElement;
    if (!drawn && !node.checkVisibility()) continue;
    const front = light(parse(drawn ? style.fill : style.color));
    const cell = drawn && /^#/.test(node.getAttribute("fill") || "");  // numbers on the blue of a matrix, fixed colours
    if (cell) continue;
    const back = light(behind(drawn ? node.ownerSVGElement.parentElement : node));
    const ratio = (Math.max(front, back) + 0.05) / (Math.min(front, back) + 0.05);
    found.push([ratio, node.textContent.trim().slice(0, 30), node.tagName]);
  }
  return found.sort((a, b) => a[0] - b[0]).slice(0, 5);
})()"""


@pytest.fixture(scope="module")
def browser():
    """One browser for all tests of this file."""
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A run with a report, on texts some of which are hostile and some long, and a comparison of two runs."""
    made = tmp_path_factory.mktemp("pages")
    rng = np.random.default_rng(3)
    y = np.arange(300) % 3 == 0
    values = rng.normal(size=(300, 5))
    values[:, 0] += 3 * y
    texts = [f"{LETTERS[i % 60]} {EVIL[i % 5] if i % 7 == 0 else 'see you ' * (1 + i % 90)} {LETTERS[i // 5]}"
             for i in range(300)]  # fmt: skip
    store = make_store(made / "separable.h5", pooled(values), ["spam" if v else "ham" for v in y], texts)
    runs = classify(store, ["logistic", "nb", "dense:epochs=2,units=4"], cv=3, out=made / "run")
    write_report(runs[0])
    found = compare(runs)
    timed = [replace(e, cost=replace(e.cost, seconds=10.0**i)) for i, e in enumerate(found.runs)]
    write_comparison(replace(found, runs=timed), made / "compared")
    return made


@pytest.fixture(scope="module")
def report(folder):
    """The page of the first run."""
    return next(folder.glob("run.*logistic*/report.html"))


@pytest.fixture(scope="module")
def several(tmp_path_factory):
    """The report of a run with two labels a row."""
    made = tmp_path_factory.mktemp("labels")
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, (120, 2))
    texts = [f"{LETTERS[i % 60]} {LETTERS[i // 2]}" for i in range(120)]
    vectors = (rng.normal(size=(120, 3)) + 3 * y[:, [0, 1, 1]]).astype(np.float32)
    stores.write(made / "a.h5", vectors, texts, name="made", labels=y, classes=["p", "q"]).close()
    (run,) = classify(made / "a.h5", cv=2, out=made / "run")
    return write_report(run)


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


def test_nothing_is_fetched_and_no_text_runs(browser, folder, report, several):
    """No request, no message, no error on any page; the title is ours, whatever the texts hold."""
    for path in (report, several, folder / "compared/compare.html"):
        page = browser.open(path)
        assert page.faults == []
        assert "owned" not in page.value("document.title")
        assert page.value("document.querySelectorAll('img').length") == 0


def test_pointing_shows_the_text(browser, report):
    """A mouse over a row shows its line, classes and text beside it; away from all rows it goes."""
    page = browser.open(report)
    line = farthest(page)
    x, y = spot(page, line)
    page.mouse("mouseMoved", x, y)
    tip = page.value("(({hidden, textContent}) => hidden ? '' : textContent)(document.querySelector('.tip'))")
    left, top, *_ = canvas(page)
    page.mouse("mouseMoved", left + 2, top + 2)

    assert tip.startswith(f"line {line}: ") and len(tip) > 30
    assert page.value("document.querySelector('.tip').hidden")


def test_a_click_keeps_the_text_and_a_wheel_zooms_then(browser, report):
    """Before the click the wheel scrolls the page; the place under the mouse stays where it is."""
    page = browser.open(report)
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


def test_keys_do_all_that_a_mouse_does(browser, report):
    """Arrows go from row to row, + zooms, 0 shows all, Escape lets go; Tab reaches the map."""
    page = browser.open(report)
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


def test_a_tap_on_a_phone(browser, report):
    """A finger near a row reads it, though it hits none exactly."""
    page = browser.open(report, **PHONE)
    line = farthest(page)
    x, y = spot(page, line)
    page.tap(x - 6, y - 9)

    assert told(page).startswith(f"line {line}: ")


def test_two_fingers_zoom(browser, report):
    """By as much as they part, about the place between them: the row that is nearest to it stays the nearest."""
    page = browser.open(report, **PHONE)
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


def test_colours_legends_and_filters(browser, report):
    """Each way to colour draws another picture with its own legend; a filter leaves the rows it names."""
    page, seen = browser.open(report), {}
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


def change(page, field, value):
    """Set a field of the filters of the list."""
    page.value(f"(() => {{ const field = document.querySelector('.filters {field}'); field.value = {value!r};"
               " field.dispatchEvent(new Event('input', {bubbles: true})); })()")  # fmt: skip


def test_lists_sort_and_filter(browser, report):
    """By a press on a header up and down; by text, class and length, with a count of what is left."""
    page = browser.open(report)
    head = "document.querySelectorAll('#rows-table th')[6]"
    cells = (
        "[...document.querySelectorAll('#rows-table tbody tr')].filter((row) => !row.hidden).map((row) => row.cells[{}]"
    )
    lengths, classes = (f"{cells.format(i)}.textContent)" for i in (6, 1))
    page.value(f"{head}.querySelector('button').click()")
    falling = [int(number) for number in page.value(lengths)]
    page.value(f"{head}.querySelector('button').click()")
    rising = [int(number) for number in page.value(lengths)]

    assert falling == sorted(falling, reverse=True) and rising == sorted(falling)
    assert page.value(f"{head}.getAttribute('aria-sort')") == "ascending"
    limit = rising[len(rising) // 2]
    change(page, "[data-end=high]", limit)
    short = [number for number in rising if number <= limit]
    assert [int(number) for number in page.value(lengths)] == short
    assert page.value("document.querySelector('.filters output').textContent") == f"{len(short)} of {len(rising)} rows"
    change(page, "select", "ham")
    assert set(page.value(classes)) <= {"ham"}
    change(page, "[type=search]", "no text has this")
    assert page.value(classes) == []


def test_lists_are_narrowed_on_a_phone_too(browser, report):
    """A row that does not fit takes no room, though rows are blocks there; a field sorts in place of the headers."""
    page = browser.open(report, **PHONE)
    before = page.value("document.querySelector('#rows-table').offsetHeight")
    change(page, "[type=search]", "no text has this")
    assert page.value("document.querySelector('#rows-table').offsetHeight") < 5 < before
    assert page.value("document.querySelector('.narrow select').checkVisibility()")


def test_runs_of_a_comparison_sort(browser, folder):
    """One row a run; by seconds the slowest is first, then last."""
    page = browser.open(folder / "compared/compare.html")
    names = "[...document.querySelectorAll('#runs-table tbody tr')].map((row) => row.cells[0].textContent)"
    titles = page.value("[...document.querySelectorAll('#runs-table th')].map((head) => head.textContent)")
    press = f"document.querySelectorAll('#runs-table th')[{titles.index('seconds')}].querySelector('button').click()"
    start = page.value(names)
    page.value(press)
    slowest = page.value(names)
    page.value(press)

    assert len(start) == 3 and sorted(start) == sorted(slowest)
    assert page.value(names) == slowest[::-1]
    assert page.value("document.querySelector('main section').id") == "runs"


@pytest.mark.parametrize("window", [PHONE, {"width": 320, "height": 600, "phone": True}, {"width": 900}], ids=str)
def test_nothing_hangs_over_the_edge(browser, folder, report, several, window):
    """No page scrolls to the side, on a phone of 390 pixels and on narrower ones; long words are broken."""
    for path in (report, several, folder / "compared/compare.html"):
        page = browser.open(path, **window)
        assert page.value("document.documentElement.scrollWidth") <= window["width"]


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_letters_and_lines_can_be_told_from_the_paper(browser, folder, report, several, dark):
    """WCAG 2 AA: 4.5 to 1 for texts, measured as the browser computes the colours; 3 to 1 for the marks of figures."""
    for path in (report, several, folder / "compared/compare.html"):
        page = browser.open(path, dark=dark)
        worst = page.value(CONTRAST)
        assert worst[0][0] >= 4.5, worst
    variables = {name: page.value(f"getComputedStyle(document.documentElement).getPropertyValue('--{name}').trim()")
                 for name in ("paper", *(f"s{i}" for i in range(8)))}  # fmt: skip
    paper = luminance(variables.pop("paper"))
    for name, color in variables.items():
        high, low = max(paper, luminance(color)), min(paper, luminance(color))
        assert (high + 0.05) / (low + 0.05) >= 3, (name, color)


def luminance(color):
    """Relative luminance of ``#rrggbb``, as WCAG 2 defines it."""
    parts = np.array([int(color[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    linear = np.where(parts <= 0.03928, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def test_two_classes_take_fewer_than_five_sheets(browser, report, folder):
    """On A4; the map is printed, in the colours of paper even where the screen is dark."""
    for dark in (False, True):
        page = browser.open(report, dark=dark)
        printed = page.pdf()
        assert 1 <= len(re.findall(rb"/Type\s*/Page\b", printed)) < 5
    assert len(re.findall(rb"/Type\s*/Page\b", browser.open(folder / "compared/compare.html").pdf())) < 5


def test_paper_is_white_in_the_dark(browser, report):
    """While a dark page is printed its colours are those of the light one, and afterwards they are back."""
    page = browser.open(report, dark=True)
    color = "getComputedStyle(document.documentElement).getPropertyValue('--s0').trim()"
    dark = page.value(color)
    page.value("window.dispatchEvent(new Event('beforeprint'))")
    printed = page.value(color)
    page.value("window.dispatchEvent(new Event('afterprint'))")

    assert dark == page.value(color) != printed
    assert printed == browser.open(report).value(color)


def test_names_in_the_cost_figure_do_not_overlap(browser, folder):
    """With the letters that this machine has, as the browser measures them."""
    page = browser.open(folder / "compared/compare.html")
    overlaps = page.value("""(() => {
      const boxes = [...document.querySelectorAll("#cost svg text")].map((node) => node.getBoundingClientRect());
      let count = 0;
      boxes.forEach((a, i) => boxes.slice(i + 1).forEach((b) => {
        count += a.left < b.right && b.left < a.right && a.top + 1 < b.bottom && b.top + 1 < a.bottom; }));
      return [boxes.length, count];
    })()""")
    assert overlaps[0] > 5 and overlaps[1] == 0


def test_every_picture_has_words(browser, folder, report, several):
    """Each drawing and the map have an accessible name; so have all fields."""
    for path in (report, several, folder / "compared/compare.html"):
        page = browser.open(path)
        names = page.value(NAMES)
        assert names and all(len(name) > 20 for name in names)
        assert page.value(NAMELESS) == 0
