"""One notebook in a real JupyterLab, in a real browser, as a reader runs it: Run All, wait, look.

Three things that look like hangs and are none: the splash screen that swallows the first click;
Run All sent while the kernel shows its first, false idle, which is dropped without a word (so
page and server must both say idle, for two seconds, and then the first prompt must change); and
the news that JupyterLab fetches.
"""

import json
import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
NAME = "03_features.ipynb"
SENTINEL = "variance of each column:"  # printed by its last code cell
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


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


@pytest.fixture
def lab(tmp_path):
    """A JupyterLab on a copy of the notebook; its address, its token, its folder."""
    folder = tmp_path / "notebooks"
    folder.mkdir()
    shutil.copy(NOTEBOOKS / "en" / NAME, folder)
    settings = tmp_path / "settings" / "@jupyterlab" / "apputils-extension"
    settings.mkdir(parents=True)
    quiet = {"fetchNews": "false", "checkForUpdates": False}
    (settings / "notification.jupyterlab-settings").write_text(json.dumps(quiet))
    token, port = secrets.token_hex(8), free_port()
    homes = {f"JUPYTER_{k}_DIR": str(tmp_path / k.lower()) for k in ("CONFIG", "DATA", "RUNTIME")}
    homes["JUPYTERLAB_SETTINGS_DIR"] = str(tmp_path / "settings")
    homes["JUPYTERLAB_WORKSPACES_DIR"] = str(tmp_path / "workspaces")
    command = [
        *(sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ip=127.0.0.1"),
        *(f"--port={port}", "--ServerApp.port_retries=0", f"--ServerApp.root_dir={folder}"),
        f"--IdentityProvider.token={token}",
    ]
    with open(tmp_path / "lab.log", "w") as log:
        server = subprocess.Popen(command, env={**os.environ, **homes}, stdout=log, stderr=log)
    url = f"http://127.0.0.1:{port}"

    def kernels():
        try:
            return ask(url, token)
        except OSError:
            return None

    try:
        wait_until(lambda: kernels() is not None, 90, f"JupyterLab at {url}")
        yield url, token, folder
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
    with urllib.request.urlopen(request, timeout=5) as answer:
        return json.load(answer)


def idle_for(page, url, token, seconds: float) -> None:
    """Wait until page and server have both said idle for so long."""
    shown = page.locator(".jp-Notebook-ExecutionIndicator").first
    since = None

    def still():
        nonlocal since
        states = [k["execution_state"] for k in ask(url, token)]
        if states == ["idle"] and shown.get_attribute("data-status") == "idle":
            since = since or time.monotonic()
            return time.monotonic() - since >= seconds
        since = None
        return False

    wait_until(still, 90, "the kernel idle in the page and on the server")


def test_notebook_runs_in_jupyterlab(chromium, lab):
    url, token, folder = lab
    with chromium.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1400, "height": 1000})
        outside, wrong = [], []
        page.on("request", lambda r: outside.append(r.url) if url not in r.url else None)
        page.on("pageerror", lambda e: wrong.append(str(e)))
        page.goto(f"{url}/lab/tree/{NAME}?token={token}&reset")
        page.locator("#jupyterlab-splash").wait_for(state="detached", timeout=90_000)
        page.locator(".jp-Notebook .jp-Cell").first.wait_for(timeout=60_000)
        assert page.title().startswith(NAME[:8]) or NAME in page.content()
        idle_for(page, url, token, 2)

        prompts = page.locator(".jp-CodeCell .jp-InputPrompt")
        assert set(prompts.all_text_contents()) <= {"[ ]:", ""}
        page.get_by_role("menuitem", name="Run", exact=True).first.click()
        page.get_by_role("menuitem", name=re.compile("^Run All Cells")).first.click()
        ran = re.compile(r"\[(\*|\d+)\]")
        wait_until(
            lambda: ran.search(" ".join(prompts.all_text_contents())), 30, "the prompts change"
        )
        last = page.locator(".jp-OutputArea-output", has_text=SENTINEL)
        wait_until(lambda: last.count() or _to_the_end(page), 240, "the last cell's text")
        idle_for(page, url, token, 2)

        assert page.locator(".jp-OutputArea-output[data-mime-type*=stderr]").count() == 0
        page.keyboard.press("Control+s")
        done = wait_until(lambda: _saved(folder / NAME), 30, "the notebook is saved with outputs")
        browser.close()
    outputs = [o for c in done["cells"] if c["cell_type"] == "code" for o in c["outputs"]]
    assert not [o for o in outputs if o["output_type"] == "error"]
    pictures = [o for o in outputs if "image/png" in o.get("data", {})]
    assert len(pictures) == 2
    assert wrong == []
    assert [u for u in outside if not u.startswith(("data:", "blob:"))] == []


def _to_the_end(page) -> bool:
    """JupyterLab draws only the cells in view: go to the last one."""
    page.keyboard.press("Escape")
    page.locator(".jp-WindowedPanel-outer").first.evaluate("e => e.scrollTo(0, e.scrollHeight)")
    return False


def _saved(path: Path) -> dict | None:
    notebook = json.loads(path.read_text(encoding="utf-8"))
    last = [c for c in notebook["cells"] if c["cell_type"] == "code"][-1]
    return notebook if SENTINEL in json.dumps(last["outputs"]) else None
