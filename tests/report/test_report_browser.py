"""The report in a real browser: quiet, alone, not too wide, and all of it drawn."""

import re
import shutil

import pytest
from test_report import EVIL, RUN, bank, picture

from kequn_lab import catalogue
from kequn_lab.report.page import write_report

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


@pytest.fixture(scope="module")
def browser():
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("no chromium on this machine (Debian: apt install chromium)")
    with playwright.sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield opened
        opened.close()


@pytest.fixture(scope="module", params=["zh", "en"])
def page(request, browser, tmp_path_factory):
    """A report of nine segments by forty variables, opened from disk; what it said and asked."""
    path = tmp_path_factory.mktemp("report") / "report.html"
    segments = [*catalogue.segments()["segment_id"], "cluster_1"]
    write_report(
        path,
        tables=bank(segments, 40),
        run=RUN,
        figures={"sizes": picture(section="profiles"), "plain": picture()},
        language=request.param,
    )
    opened = browser.new_page(viewport={"width": 1280, "height": 900})
    opened.said, opened.asked = [], []
    opened.on("console", lambda message: opened.said.append(message.text))
    opened.on("pageerror", lambda error: opened.said.append(str(error)))
    opened.on("request", lambda request_: opened.asked.append(request_.url))
    opened.goto(path.as_uri(), wait_until="load")
    opened.language = request.param
    yield opened
    opened.close()


def test_console_is_silent_and_nothing_is_fetched(page):
    assert page.said == []
    assert [url for url in page.asked if not url.startswith(("file:", "data:"))] == []
    assert sum(url.startswith("file:") for url in page.asked) == 1


def test_no_horizontal_scroll_at_1280(page):
    assert page.evaluate("document.documentElement.scrollWidth") <= 1280
    inner = "[...document.querySelectorAll('.table')].map(e => e.scrollWidth - e.clientWidth)"
    assert max(page.evaluate(inner)) <= 1


#: Cells whose text is wider than they are, or that break a number over lines.
CUT = """() => [...document.querySelectorAll('td, th')].filter(cell => {
    const style = getComputedStyle(cell);
    if (style.display === 'none' || !cell.textContent.trim()) return false;
    const words = document.createRange();
    words.selectNodeContents(cell);
    const lines = new Set([...words.getClientRects()].map(box => Math.round(box.top / 6)));
    const number = /^[★\\s\\d.,%−+]+$/.test(cell.textContent);
    return cell.scrollWidth > cell.clientWidth + 1 || (number && lines.size > 2);
}).map(cell => cell.textContent.trim())"""


def test_a_phone_shows_whole_digits_and_scrolls_tables_only(page):
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.evaluate(CUT) == []
    heads = page.evaluate(
        "[...document.querySelectorAll('.profile th')].map(th => [th.textContent, th.clientWidth])"
    )
    assert all(width >= 60 for text, width in heads if text)  # not two letters a line
    box = page.query_selector(".profile")
    assert box.evaluate("e => e.scrollWidth > e.clientWidth")  # the rest is a swipe away
    box.evaluate("e => { e.scrollLeft = 200 }")
    first = "e => e.querySelector('tbody tr:nth-child(2) td').getBoundingClientRect().left"
    assert box.evaluate(first) >= 0  # the variable stays in sight
    page.set_viewport_size({"width": 1280, "height": 900})


def test_pictures_are_drawn_and_described(page):
    for image in page.query_selector_all("img"):
        assert image.evaluate("e => e.complete && e.naturalWidth > 100")
        assert image.get_attribute("alt").strip()


def test_chinese_is_drawn_with_the_font_inside(page):
    """Where the machine has no Chinese font, the report brings the glyphs itself."""
    assert page.evaluate("document.fonts.ready.then(() => document.fonts.size)") == 1
    assert page.evaluate(
        "document.fonts.load('16px \"Kequn Sans SC\"', '客群').then(f => f.length)"
    )


def test_users_text_runs_nothing(page):
    assert page.query_selector("script") is None
    assert EVIL in page.inner_text("main")


def test_print_fits_the_page(page):
    """A4 without its margins is 703 pixels wide."""
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 703, "height": 1000})
    assert page.evaluate("document.documentElement.scrollWidth") <= 703
    assert not page.is_visible("nav")
    assert page.evaluate(CUT) == []
    columns = page.evaluate("getComputedStyle(document.querySelector('.cards')).columnCount")
    assert columns == "2"
    page.emulate_media(media="screen")
    page.set_viewport_size({"width": 1280, "height": 900})


def test_print_has_few_pages(page):
    """Nine cards, nine by forty cells: headings, cards and tables fill the pages they have."""
    page.emulate_media(media="print")
    pdf = page.pdf(prefer_css_page_size=True)
    assert max(map(int, re.findall(rb"/Count (\d+)", pdf))) <= 8
    page.emulate_media(media="screen")
