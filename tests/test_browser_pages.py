"""Reports and comparisons in a real browser: sorting, paper, phones, the dark, contrast."""

import re

import numpy as np
import pytest
from helpers.report_pages import PHONE

pytestmark = pytest.mark.slow
NAMES = "[...document.querySelectorAll('svg, canvas')].map((node) => node.getAttribute('aria-label') || '')"
NAMELESS = """[...document.querySelectorAll("input, select, button")].filter((node) =>
  !node.labels?.length && !node.getAttribute("aria-label") && !node.textContent.trim()).length"""
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


def change(page, field, value):
    """Set a field of the filters of the list."""
    page.value(f"(() => {{ const field = document.querySelector('.filters {field}'); field.value = {value!r};"
               " field.dispatchEvent(new Event('input', {bubbles: true})); })()")  # fmt: skip


def test_lists_sort_and_filter(browser, report_file):
    """By a press on a header up and down; by text, class and length, with a count of what is left."""
    page = browser.open(report_file)
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


def test_lists_are_narrowed_on_a_phone_too(browser, report_file):
    """A row that does not fit takes no room, though rows are blocks there; a field sorts in place of the headers."""
    page = browser.open(report_file, **PHONE)
    before = page.value("document.querySelector('#rows-table').offsetHeight")
    change(page, "[type=search]", "no text has this")
    assert page.value("document.querySelector('#rows-table').offsetHeight") < 5 < before
    assert page.value("document.querySelector('.narrow select').checkVisibility()")


def test_runs_of_a_comparison_sort(browser, report_folder):
    """One row a run; by seconds the slowest is first, then last."""
    page = browser.open(report_folder / "compared/compare.html")
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
def test_nothing_hangs_over_the_edge(browser, report_folder, report_file, labels_report, window):
    """No page scrolls to the side, on a phone of 390 pixels and on narrower ones; long words are broken."""
    for path in (report_file, labels_report, report_folder / "compared/compare.html"):
        page = browser.open(path, **window)
        assert page.value("document.documentElement.scrollWidth") <= window["width"]


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_letters_and_lines_can_be_told_from_the_paper(browser, report_folder, report_file, labels_report, dark):
    """WCAG 2 AA: 4.5 to 1 for texts, measured as the browser computes the colours; 3 to 1 for the marks of figures."""
    for path in (report_file, labels_report, report_folder / "compared/compare.html"):
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


def test_two_classes_take_fewer_than_five_sheets(browser, report_file, report_folder):
    """On A4; the map is printed, in the colours of paper even where the screen is dark."""
    for dark in (False, True):
        page = browser.open(report_file, dark=dark)
        printed = page.pdf()
        assert 1 <= len(re.findall(rb"/Type\s*/Page\b", printed)) < 5
    assert len(re.findall(rb"/Type\s*/Page\b", browser.open(report_folder / "compared/compare.html").pdf())) < 5


def test_paper_is_white_in_the_dark(browser, report_file):
    """While a dark page is printed its colours are those of the light one, and afterwards they are back."""
    page = browser.open(report_file, dark=True)
    color = "getComputedStyle(document.documentElement).getPropertyValue('--s0').trim()"
    dark = page.value(color)
    page.value("window.dispatchEvent(new Event('beforeprint'))")
    printed = page.value(color)
    page.value("window.dispatchEvent(new Event('afterprint'))")

    assert dark == page.value(color) != printed
    assert printed == browser.open(report_file).value(color)


def test_names_in_the_cost_figure_do_not_overlap(browser, report_folder):
    """With the letters that this machine has, as the browser measures them."""
    page = browser.open(report_folder / "compared/compare.html")
    overlaps = page.value("""(() => {
      const boxes = [...document.querySelectorAll("#cost svg text")].map((node) => node.getBoundingClientRect());
      let count = 0;
      boxes.forEach((a, i) => boxes.slice(i + 1).forEach((b) => {
        count += a.left < b.right && b.left < a.right && a.top + 1 < b.bottom && b.top + 1 < a.bottom; }));
      return [boxes.length, count];
    })()""")
    assert overlaps[0] > 5 and overlaps[1] == 0


def test_every_picture_has_words(browser, report_folder, report_file, labels_report):
    """Each drawing and the map have an accessible name; so have all fields."""
    for path in (report_file, labels_report, report_folder / "compared/compare.html"):
        page = browser.open(path)
        names = page.value(NAMES)
        assert names and all(len(name) > 20 for name in names)
        assert page.value(NAMELESS) == 0
