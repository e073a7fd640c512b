"""A participant's folder: nothing of theirs is overwritten, nothing of the teacher's lies there."""

import json
import os
import re
from pathlib import Path

import nbformat
import pytest

from kequn_lab.__main__ import main
from kequn_lab.workshop import building, folder

ROOT = Path(__file__).resolve().parents[2]


def kequn(*words) -> int:
    return main(["workshop", *map(str, words)])


@pytest.fixture
def laid(tmp_path, capsys):
    """A folder in Chinese."""
    assert kequn("start", tmp_path / "班", "--language", "zh", "--no-lab") == 0
    assert "章和小银行已就绪" in capsys.readouterr().out
    return tmp_path / "班"


def type_into(path: Path, text: str) -> bytes:
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[-1].source += text
    nbformat.write(notebook, path)
    return path.read_bytes()


def test_a_folder_holds_the_chapters_and_the_bank_and_no_solution(laid):
    there = {p.relative_to(laid).as_posix() for p in laid.rglob("*") if p.is_file()}
    chapters = {f"{source.stem}.ipynb" for source in building.sources()}
    assert {name for name in there if name.endswith(".ipynb")} == chapters
    assert {name for name in there if name.endswith(".py")} == set()
    for file in (ROOT / "data" / "sample").iterdir():
        assert (laid / "data" / "sample" / file.name).read_bytes() == file.read_bytes()
    for path in laid.glob("*.ipynb"):
        cells = nbformat.read(path, as_version=4).cells
        assert not [c for c in cells if "solution" in c.metadata.get("tags", [])]


@pytest.mark.parametrize("language", building.LANGUAGES)
def test_links_between_chapters_work_within_the_folder(tmp_path, language):
    folder.lay_out(tmp_path, language)
    for source in building.sources():
        folder.add_solution(tmp_path, source.stem.partition("_")[0])
    for path in tmp_path.rglob("*.ipynb"):
        text = "\n".join(c.source for c in nbformat.read(path, as_version=4).cells)
        for link in re.findall(r"\]\(([^)#]+)\)", text):
            assert link.startswith("https://") or (path.parent / link).exists(), (path.name, link)


def test_starting_again_overwrites_nothing_and_brings_what_is_missing(laid, capsys):
    mine = type_into(laid / "04_segments.ipynb", "\n我的答案")
    (laid / "data" / "sample" / "customers.csv").write_text("mine")
    (laid / "05_choosing.ipynb").unlink()
    assert kequn("start", laid, "--no-lab") == 0
    assert "新增：05_choosing.ipynb\n" in capsys.readouterr().out
    assert (laid / "04_segments.ipynb").read_bytes() == mine
    assert (laid / "data" / "sample" / "customers.csv").read_text() == "mine"
    assert kequn("start", laid, "--language", "en", "--no-lab") == 1
    assert "holds the workshop in zh" in capsys.readouterr().err


def test_reset_renames_what_was_typed_and_leaves_other_chapters(laid, capsys):
    mine = type_into(laid / "04_segments.ipynb", "\n我的答案")
    other = type_into(laid / "05_choosing.ipynb", "\n也是")
    fresh = (laid / "03_features.ipynb").read_bytes()
    assert kequn("reset", laid, "4") == 0
    assert "04_segments.ipynb：已换成新的；您的那份现名 04_segments.old1.ipynb" in (
        capsys.readouterr().out
    )
    assert (laid / "04_segments.old1.ipynb").read_bytes() == mine
    assert "我的答案" not in (laid / "04_segments.ipynb").read_text(encoding="utf-8")
    assert (laid / "05_choosing.ipynb").read_bytes() == other
    assert kequn("reset", laid) == 0
    assert (laid / "05_choosing.old1.ipynb").read_bytes() == other
    assert (laid / "03_features.ipynb").read_bytes() == fresh
    assert not (laid / "03_features.old1.ipynb").exists()


def test_release_adds_one_solution_and_never_overwrites_notes_in_it(laid, capsys):
    assert kequn("release", laid, "04") == 0
    [path] = (laid / "solutions").iterdir()
    assert path.name == "04_segments.ipynb" and str(path) in capsys.readouterr().out
    mine = type_into(path, "\n批注")
    assert kequn("release", laid, "04") == 0
    assert path.read_bytes() == mine and "保持原样" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["reset", "{dir}", "99"], 1, "there is no chapter 99; there are 00, 01"),
        (["reset", "nowhere"], 1, "holds no workshop; lay it out with `kequn workshop start`"),
        (["release", "{dir}"], 2, "release needs the chapter"),
        (["start", "{dir}", "04"], 2, "start lays out all chapters"),
        (["start", "{dir}/00_start_here.ipynb"], 1, "is a file"),
    ],
)
def test_wrong_words_are_told(laid, capsys, words, code, says):
    try:
        found = kequn(*(word.format(dir=laid) for word in words))
    except SystemExit as stop:
        found = stop.code
    assert found == code and says in capsys.readouterr().err


def test_jupyterlab_serves_this_machine_with_options_of_the_folder(laid, monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    environment = folder.lab_environment(laid)
    assert environment["OMP_NUM_THREADS"] == "1" and environment["PATH"] == os.environ["PATH"]
    settings = Path(environment["JUPYTERLAB_SETTINGS_DIR"]) / "@jupyterlab"
    news = settings / "apputils-extension" / "notification.jupyterlab-settings"
    assert json.loads(news.read_text()) == {"fetchNews": "false", "checkForUpdates": False}
    command = folder.lab_command(laid)
    assert "--ServerApp.ip=127.0.0.1" in command
    assert "--LabApp.default_url=/lab/tree/00_start_here.ipynb" in command
