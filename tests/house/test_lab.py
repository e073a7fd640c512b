"""A participant's folder in a real JupyterLab, in a real browser, as a participant uses it.

Run All, wait, choose a guess by hand, move a control, type an answer, look. Two things that look
like hangs and are none: the splash screen that swallows the first click; Run All sent while the
kernel shows its first, false idle, which is dropped without a word (so page and server must both
say idle, for two seconds, and then the first prompt must change).
"""

import json
import os
import re
import secrets
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

import nbformat
import pytest

from kequn_lab.workshop import building, folder

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
#: By language: a chapter, an exercise of it, and whether a control of it is moved.
WALKS = {"zh": ("00_start_here", "00.2", False), "en": ("04_segments", "04.2", True)}
#: Pictures of the page are left here, to be looked at.
PICTURES = os.environ.get("KEQUN_PICTURES")


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_until(true, seconds: float, what: str):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := true():
            return found
        time.sleep(0.25)
    raise AssertionError(f"{what}: not within {seconds:.0f} s")


@pytest.fixture
def chromium():
    """Playwright, where it and Debian's Chromium are installed."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("no chromium on this machine (Debian: apt-get install chromium)")
    return playwright


@pytest.fixture(params=building.LANGUAGES)
def lab(request, tmp_path):
    """``kequn workshop start``, without the browser: language, address, token, folder."""
    home, token, port = tmp_path / "class", secrets.token_hex(8), free_port()
    folder.lay_out(home, request.param)
    # not those of whoever runs the test
    homes = {f"JUPYTER_{k}_DIR": str(tmp_path / k.lower()) for k in ("CONFIG", "DATA", "RUNTIME")}
    command = [
        *(*folder.lab_command(home), "--no-browser", f"--ServerApp.port={port}"),
        *("--ServerApp.port_retries=0", f"--IdentityProvider.token={token}"),
    ]
    with open(tmp_path / "lab.log", "w") as log:
        server = subprocess.Popen(
            command, env={**folder.lab_environment(home), **homes}, stdout=log, stderr=log
        )
    url = f"http://127.0.0.1:{port}"

    def kernels():
        try:
            return ask(url, token)
        except OSError:
            return None

    try:
        wait_until(lambda: kernels() is not None, 90, f"JupyterLab at {url}")
        yield request.param, url, token, home
    finally:
        server.terminate()
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()


def ask(url: str, token: str) -> list[dict]:
    """The kernels, as the server sees them."""
    request = urllib.request.Request(
        f"{url}/api/kernels", headers={"Authorization": f"token {token}"}
    )
    for _ in range(5):  # a kernel that is just starting can make the server stumble
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            said = error
            time.sleep(0.5)
    raise said


def idle_for(page, url, token, seconds: float) -> None:
    """Wait until page and server have both said idle for so long."""
    shown = page.locator(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-Notebook-ExecutionIndicator")
    since = None

    def still():
        nonlocal since
        states = {k["execution_state"] for k in ask(url, token)}
        if states == {"idle"} and shown.first.get_attribute("data-status") == "idle":
            since = since or time.monotonic()
            return time.monotonic() - since >= seconds
        since = None
        return False

    wait_until(still, 90, "the kernel idle in the page and on the server")


def solved(chapter: str, exercise: str, language: str) -> str:
    """The code that solves an exercise."""
    [source] = [s for s in building.sources() if s.stem == chapter]
    cells = building.build(source, language, solutions=True).cells
    return next(
        c.source for c in cells
        if "solution" in c.metadata.get("tags", []) and f'check("{exercise}"' in c.source
    )  # fmt: skip


def choose_a_guess(notebook) -> None:
    """The first list of options: once chosen, it is locked."""
    question = notebook.locator(".widget-dropdown select").first
    question.scroll_into_view_if_needed()
    assert question.is_enabled()
    question.select_option(index=1)
    wait_until(question.is_disabled, 20, "the guess is locked")


def move_a_control(notebook) -> None:
    """The picture below the controls is drawn again."""
    slider = notebook.locator(".widget-hslider .noUi-handle").first
    slider.scroll_into_view_if_needed()
    area = notebook.locator(".jp-CodeCell", has=notebook.page.locator(".widget-hslider")).first
    before = area.locator("img").first.get_attribute("src")
    slider.focus()
    notebook.page.keyboard.press("ArrowRight")
    picture = area.locator("img").first
    wait_until(lambda: picture.get_attribute("src") != before, 30, "another picture")


def answer_an_exercise(notebook, exercise: str, code: str) -> None:
    """Type the solution into the cell of the exercise and run it."""
    cell = notebook.locator(".jp-CodeCell", has_text=f'check("{exercise}"').first
    cell.scroll_into_view_if_needed()
    assert "✓" not in cell.inner_text()
    cell.locator(".cm-content").click()
    notebook.page.keyboard.press("ControlOrMeta+a")
    notebook.page.keyboard.insert_text(code)
    notebook.page.keyboard.press("Shift+Enter")
    checked = notebook.locator(".jp-CodeCell", has_text=f'check("{exercise}"').first
    right = checked.locator(".jp-OutputArea", has_text="✓")
    wait_until(right.count, 60, f"{exercise} is checked")


def test_a_participant_runs_guesses_and_answers(chromium, lab):
    language, url, token, home = lab
    chapter, exercise, moves = WALKS[language]
    path = home / f"{chapter}.ipynb"
    last = [c for c in nbformat.read(path, 4).cells if c.cell_type == "code"][-1]["id"]
    with chromium.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1366, "height": 768})
        outside, wrong = [], []
        page.on("request", lambda r: outside.append(r.url) if url not in r.url else None)
        page.on("pageerror", lambda e: wrong.append(str(e)))
        page.goto(f"{url}/?token={token}")
        page.locator("#jupyterlab-splash").wait_for(state="detached", timeout=90_000)
        page.locator(".jp-Notebook .jp-Cell").first.wait_for(timeout=60_000)
        assert page.locator(".lm-TabBar-tab", has_text="00_start_here").count(), "opens itself"
        if not chapter.startswith("00"):
            page.get_by_text(f"{chapter}.ipynb").first.dblclick()
            wait_until(lambda: len(ask(url, token)) == 2, 60, "a kernel for the chapter")
        idle_for(page, url, token, 2)

        notebook = page.locator(".jp-NotebookPanel:not(.lm-mod-hidden)")
        prompts = notebook.locator(".jp-CodeCell .jp-InputPrompt")
        assert set(prompts.all_text_contents()) <= {"[ ]:", ""}
        page.get_by_role("menuitem", name="Run", exact=True).first.click()
        page.get_by_role("menuitem", name=re.compile("^Run All Cells")).first.click()
        ran = re.compile(r"\[(\*|\d+)\]")
        wait_until(
            lambda: ran.search(" ".join(prompts.all_text_contents())), 30, "the prompts change"
        )
        numbers = re.compile(r"^\[\d+\]:$")
        wait_until(lambda: all(map(numbers.match, filter(None, prompts.all_text_contents()))),
                   240, "every cell has run")  # fmt: skip
        idle_for(page, url, token, 1)
        choose_a_guess(notebook)
        if moves:
            move_a_control(notebook)
            if PICTURES:
                page.screenshot(path=Path(PICTURES) / f"control_{language}.png")
        answer_an_exercise(notebook, exercise, solved(chapter, exercise, language))

        assert page.locator(".jp-OutputArea-output[data-mime-type*=stderr]").count() == 0
        assert page.locator(".Toastify__toast").count() == 0, "no box of news"
        if PICTURES:
            page.screenshot(path=Path(PICTURES) / f"lab_{language}.png")
        page.keyboard.press("ControlOrMeta+s")
        done = wait_until(lambda: _saved(path, last), 30, "the notebook is saved with outputs")
        browser.close()
    outputs = [o for c in done["cells"] if c["cell_type"] == "code" for o in c["outputs"]]
    assert not [o for o in outputs if o["output_type"] == "error"]
    assert not [o for o in outputs if o.get("name") == "stderr"]
    assert wrong == []
    assert [u for u in outside if not u.startswith(("data:", "blob:"))] == []


def _saved(path: Path, last: str) -> dict | None:
    notebook = json.loads(path.read_text(encoding="utf-8"))
    [cell] = [c for c in notebook["cells"] if c["id"] == last]
    right = "✓" in json.dumps(notebook, ensure_ascii=False)
    return notebook if cell["execution_count"] and right else None
