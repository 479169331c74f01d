"""The report in a real browser: no complaint in the console, every plot really drawn, nothing cut off."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from lockgate_checks.report import render, sample

from tests.checks import headless, png

pytestmark = pytest.mark.skipif(headless.BINARY is None, reason="there is no chromium binary on the PATH")

PLOTS = ("roc", "precision-recall", "calibration", "champion", "bias-post-training-1", "bias-pre-training-1")
PLOTS += ("importance", "drift-1")
WIDTH = 1000
BOXES = """[...document.querySelectorAll('svg.plot')].map(plot => {
  const box = plot.getBoundingClientRect();
  return [plot.id, {x: box.x + scrollX, y: box.y + scrollY, width: box.width, height: box.height}];
})"""


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample page as a file."""
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(render(sample.decision(), sample.bundle()), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[headless.Page]:
    """One browser for all tests."""
    with headless.browser(tmp_path_factory.mktemp("profile")) as opened:
        yield opened


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_plot_is_drawn_and_the_console_stays_silent(browser: headless.Page, page: Path, scheme: str) -> None:
    """Each plot has a size, and its pixels on the screen are more than one colour on an empty ground."""
    browser.complaints.clear()
    browser.show(page, width=WIDTH, prefers_color_scheme=scheme)
    boxes: dict[str, Any] = dict(browser.evaluate(BOXES))
    assert {f"plot-{name}" for name in PLOTS} <= set(boxes)
    for name, box in boxes.items():
        assert min(box["width"], box["height"]) > 80, (name, box)
        picture = png.pixels(browser.screenshot(box))
        assert len(png.colours(picture)) > 8, name
        assert png.drawn_share(picture) > 0.02, name
    assert browser.complaints == []


def test_dark_is_dark_and_light_is_light(browser: headless.Page, page: Path) -> None:
    """The page follows the reader's preference."""
    grounds = []
    for scheme in ("light", "dark"):
        browser.show(page, width=WIDTH, prefers_color_scheme=scheme)
        corner = png.pixels(browser.screenshot({"x": 0, "y": 0, "width": 4, "height": 4}))
        grounds.append(sum(corner[0][0][:3]))
    assert grounds[0] > 700
    assert grounds[1] < 100


def test_nothing_is_cut_off_at_a_width_of_1000_pixels(browser: headless.Page, page: Path) -> None:
    """Nothing is wider than the window, and no text of a plot leaves its plot."""
    browser.show(page, width=WIDTH, prefers_color_scheme="light")
    assert browser.evaluate("document.documentElement.scrollWidth") <= WIDTH
    outside = """[...document.querySelectorAll('svg.plot text')].filter(text => {
      const box = text.getBoundingClientRect(), plot = text.closest('svg').getBoundingClientRect();
      return box.left < plot.left - 1 || box.right > plot.right + 1 || box.bottom > plot.bottom + 1;
    }).map(text => text.textContent)"""
    assert browser.evaluate(outside) == []


def test_long_and_hostile_names_neither_run_nor_widen_the_page(browser: headless.Page, tmp_path: Path) -> None:
    """A column's name of a thousand characters with a script in it stays a name."""
    documents = sample.bundle()
    name = "<img src=x onerror=\"document.title='run'\"><script>document.title='run'</script>" + "w" * 1000
    documents["data_quality"]["features"][0]["name"] = name
    explained = documents["bias"]["explanations"]["kernel_shap"]["label0"]["global_shap_values"]
    explained[name] = 1.0
    path = tmp_path / "hostile.html"
    path.write_text(render(sample.decision(), documents), encoding="utf-8")
    browser.complaints.clear()
    browser.show(path, width=WIDTH, prefers_color_scheme="light")
    assert browser.evaluate("document.title").startswith("Rejected")
    assert browser.evaluate("document.documentElement.scrollWidth") <= WIDTH
    assert browser.complaints == []


def test_a_page_with_a_script_or_an_image_would_be_noticed(browser: headless.Page, page: Path, tmp_path: Path) -> None:
    """The page's own security policy stops both, and the console says so: silence above means something."""
    broken = page.read_text(encoding="utf-8").replace("<main>", "<main><script>1</script><img src='x.png' alt=''>")
    path = tmp_path / "broken.html"
    path.write_text(broken, encoding="utf-8")
    browser.complaints.clear()
    browser.show(path, width=WIDTH, prefers_color_scheme="light")
    assert len(browser.complaints) >= 2


def test_it_prints_on_a_few_pages(browser: headless.Page, page: Path) -> None:
    """Printed on A4 it is a document of several pages, none of them lost to a plot that fills it alone."""
    browser.show(page, width=WIDTH, prefers_color_scheme="dark")
    printed = browser.pdf()
    assert printed.startswith(b"%PDF")
    assert 4 <= printed.count(b"/Type /Page\n") <= 16
