"""The course as pages and as slides: whole, linked, and without a network."""

import base64
import html
import re
import runpy
import shutil
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
PIXEL = base64.b64encode(
    base64.b64decode(
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
    )
).decode()


@pytest.fixture
def book(monkeypatch):
    """The script, with its neighbours."""
    monkeypatch.setattr(sys, "path", [str(NOTEBOOKS), *sys.path])
    return runpy.run_path(str(NOTEBOOKS / "book.py"), run_name="book")


@pytest.fixture
def chapters(book):
    """Two chapters that were run: a picture, a table, a question that needs widgets elsewhere."""
    widget = {"application/vnd.jupyter.widget-view+json": {"model_id": "1"}, "text/plain": "你猜"}
    outputs = [
        new_output("display_data", data={"image/png": PIXEL, "text/plain": "图"}),
        new_output("execute_result", data={"text/html": "<table><tr><td>7</td></tr></table>"}),
        new_output("display_data", data=widget),
    ]
    first = new_notebook(
        cells=[
            new_markdown_cell("# 00 开始\n\n**目标**：看"),
            new_markdown_cell("## 1 算\n\n想一想。"),
            new_code_cell("1 + 1", outputs=outputs),
            new_markdown_cell("**解释** 说明。\n\n## 2 没有说明什么\n\n下一章 [01](01_b.ipynb)"),
        ]
    )
    second = new_notebook(cells=[new_markdown_cell("# 01 乙\n\n文")])
    return {"00_a": book["plain"](first), "01_b": book["plain"](second)}


def asked_for(folder: Path) -> list[str]:
    """What the pages would load from elsewhere."""
    text = "\n".join(p.read_text(encoding="utf-8") for p in folder.iterdir())
    loads = re.findall(r"""<(?:script|link|img|iframe)[^>]*(?:src|href)=["']?([^"'> ]+)""", text)
    return [address for address in loads if not address.startswith("data:")]


def test_the_book_has_pages_contents_and_pictures(book, chapters, tmp_path):
    book["write_book"](chapters, "zh", tmp_path)
    assert {p.name for p in tmp_path.iterdir()} == {"index.html", "00_a.html", "01_b.html"}
    page = (tmp_path / "00_a.html").read_text(encoding="utf-8")
    assert f"data:image/png;base64,{PIXEL[:40]}" in page and "<td>7</td>" in page
    assert "你猜" in page and "widget-view" not in page
    for path in tmp_path.iterdir():
        for link in re.findall(r'<a[^>]* href="([^"#]+)"', path.read_text(encoding="utf-8")):
            assert (tmp_path / link).exists(), link
    assert 'href="01_b.html"' in page and asked_for(tmp_path) == []
    index = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert '<html lang="zh">' in index and "00 开始" in index and "01 乙" in index


def test_a_slide_is_a_step_with_its_text_and_what_was_shown(book, chapters, tmp_path):
    found = [tuple(map(html.unescape, step)) for step in book["steps"](chapters["00_a"])]
    assert [re.sub("<.*?>", "", heading).strip() for heading, _, _ in found] == [
        "00 开始", "1 算", "2 没有说明什么",
    ]  # fmt: skip
    assert "想一想" in found[1][1] and "说明。" in found[1][1]
    assert PIXEL[:40] in found[1][2] and "<td>7</td>" in found[1][2] and "1 + 1" not in found[1][2]
    book["write_slides"](chapters, "zh", tmp_path)
    assert (tmp_path / "00_a.html").read_text(encoding="utf-8").count("<section") == 3
    assert asked_for(tmp_path) == []


def test_arrow_keys_turn_slides(book, chapters, tmp_path):
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("no chromium on this machine")
    book["write_slides"](chapters, "en", tmp_path)
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page()
        asked = []
        page.on("request", lambda r: asked.append(r.url))
        page.goto((tmp_path / "00_a.html").as_uri())
        shown = [page.locator("section.here").inner_text().split("\n")[0]]
        for _ in range(3):
            page.keyboard.press("ArrowRight")
            shown.append(page.locator("section.here").inner_text().split("\n")[0])
        browser.close()
    assert shown == ["00 开始", "1 算", "2 没有说明什么", "2 没有说明什么"]
    assert all(a.startswith(("file:", "data:")) for a in asked)


def test_a_chapter_that_was_run_is_taken_as_it_is_until_its_source_changes(
    book, tmp_path, monkeypatch
):
    here, runs = book["executed"].__globals__, []
    monkeypatch.setitem(here, "OUTPUT", tmp_path)
    monkeypatch.setitem(here, "execute", lambda notebook, where: runs.append(where.name))
    source = tmp_path / "00_a.py"
    source.write_text("# %% [markdown]\n# # 00\n\n# %%\n1\n", encoding="utf-8")
    for _ in range(2):
        assert isinstance(book["executed"](source, "zh"), nbformat.NotebookNode)
    assert runs == ["zh"]
    source.write_text("# %% [markdown]\n# # 00\n\n# %%\n2\n", encoding="utf-8")
    book["executed"](source, "zh")
    assert runs == ["zh", "zh"]
