"""The course: notebooks agree with their sources, run without a word on stderr, stay short."""

import ast
import io
import os
import re
import runpy
import subprocess
import sys
from contextlib import redirect_stdout
from itertools import chain
from pathlib import Path
from string import Formatter

import jupytext
import nbformat
import pytest

from kequn_lab.workshop import building

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = ROOT / "notebooks"
BUILD = runpy.run_path(str(NOTEBOOKS / "build.py"), run_name="build")
SOURCES = building.sources(NOTEBOOKS / "py")
BUILT = {t: (s, lang) for s in SOURCES for t, lang in BUILD["targets"](s).items()}
LANGUAGES = building.LANGUAGES

#: Chapters whose prose is still one text for both languages.
ONE_TEXT: set[str] = set()
#: What reaches the network, and what a notebook of this course has no need of.
FORBIDDEN = {"requests", "urllib", "http", "httpx", "socket", "ftplib", "subprocess", "aiohttp"}
CHINESE = re.compile(r"[\u4e00-\u9fff]")


def read(path):
    return nbformat.read(path, as_version=4)


def code_cells(source):
    return [c for c in building.build(source, "en").cells if c.cell_type == "code"]


def nodes(cell):
    return ast.walk(ast.parse(re.sub(r"^%.*$", "", cell.source, flags=re.MULTILINE)))


def prose(source, language):
    cells = building.build(source, language).cells
    return [c.source for c in cells if c.cell_type == "markdown"]


def named(paths):
    return pytest.mark.parametrize("path", paths, ids=lambda p: f"{p.parent.name}/{p.stem}")


def test_notebooks_agree_with_their_sources():
    with redirect_stdout(io.StringIO()) as said:
        assert BUILD["main"](["--check"]) == 0, said.getvalue()
    lost = set(NOTEBOOKS.rglob("*.ipynb")) - set(BUILT)
    assert not [p for p in lost if ".ipynb_checkpoints" not in p.parts]


def test_check_sees_a_difference(tmp_path):
    """The test above can fail: a changed source is not what its notebook says."""
    source = NOTEBOOKS / "py" / "01_article.py"
    copy = tmp_path / source.name
    copy.write_text(source.read_text(encoding="utf-8") + "\n# %%\n1 + 1\n", encoding="utf-8")
    before, after = (building.text_of(building.build(s, "zh")) for s in (source, copy))
    assert before != after


@pytest.fixture
def course(tmp_path, monkeypatch):
    """A course of one chapter, built; its folder."""
    monkeypatch.setitem(BUILD["main"].__globals__, "HERE", tmp_path)
    (tmp_path / "py").mkdir(parents=True)
    (tmp_path / "py" / "04_a.py").write_text("# %% [markdown]\n# Think.\n\n# %%\n1 + 1\n")
    assert BUILD["main"]([]) == 0
    return tmp_path


def change(path, cell=-1, **values):
    notebook = read(path)
    notebook.cells[cell].update(values)
    nbformat.write(notebook, path)
    return path.read_bytes()


def test_an_edited_notebook_is_never_overwritten_and_the_way_to_a_fresh_one_is_said(course, capsys):
    typed = change(course / "zh/04_a.ipynb", source="answer = 2")
    (course / "py" / "04_a.py").write_text("# %%\n2 + 2\n")
    assert BUILD["main"]([]) == 0
    assert (course / "zh/04_a.ipynb").read_bytes() == typed
    assert read(course / "en/04_a.ipynb").cells[-1].source == "2 + 2"
    fresh = "build.py --fresh zh/04_a\n"
    assert fresh in capsys.readouterr().out
    BUILD["main"](fresh.split()[1:])
    assert read(course / "zh/04_a.ipynb").cells[-1].source == "2 + 2"
    assert (course / "zh/04_a.old1.ipynb").read_bytes() == typed
    assert "edited" not in capsys.readouterr().out


def test_outputs_and_empty_cells_are_no_edits_and_stay_until_the_source_changes(course, capsys):
    chapter = course / "en/04_a.ipynb"
    output = nbformat.v4.new_output("stream", text="2")
    ran = change(chapter, execution_count=1, outputs=[output])
    notebook = read(chapter)
    notebook.cells.append(nbformat.v4.new_code_cell(""))
    nbformat.write(notebook, chapter)
    ran = chapter.read_bytes()
    assert BUILD["main"]([]) == 0
    assert chapter.read_bytes() == ran
    assert BUILD["main"](["--check"]) == 1  # a notebook to commit holds no outputs
    (course / "py" / "04_a.py").write_text("# %%\n3 + 3\n")
    assert BUILD["main"]([]) == 0
    assert [c.source for c in read(chapter).cells] == ["3 + 3"]
    assert "edited" not in capsys.readouterr().out


def test_a_file_that_is_no_notebook_any_more_is_left_alone(course, capsys):
    (course / "zh/04_a.ipynb").write_text("mine")
    assert BUILD["main"]([]) == 0
    assert (course / "zh/04_a.ipynb").read_text() == "mine"
    assert "zh/04_a.ipynb was edited" in capsys.readouterr().out


def test_code_swallowed_by_prose_is_refused(tmp_path):
    source = tmp_path / "bad.py"
    source.write_text("# %% [markdown]\n# text\nx = 1\n", encoding="utf-8")
    with pytest.raises(ValueError, match="bad.py, line 3: code inside a text cell: 'x = 1'"):
        building.build(source, "en")


def test_one_source_gives_two_languages_and_solutions(tmp_path):
    source = tmp_path / "04_a.py"
    source.write_text(
        '# %% [markdown] lang="zh"\n# 想\n\n# %% [markdown] lang="en"\n# Think.\n\n'
        '# %%\nLANG = "en"\n\n# %% tags=["exercise"]\nx = ...\n\n# %% tags=["solution"]\nx = 1\n',
        encoding="utf-8",
    )
    built = {
        (lang, solved): [c.source for c in building.build(source, lang, solutions=solved).cells]
        for lang in LANGUAGES
        for solved in (False, True)
    }
    assert built["zh", False] == ["想", 'LANG = "zh"', "x = ..."]
    assert built["en", False] == ["Think.", 'LANG = "en"', "x = ..."]
    assert built["zh", True] == ["想", 'LANG = "zh"', "x = 1"]


def test_the_course_is_in_order():
    numbers = [re.fullmatch(r"(\d\d)(b?)_\w+", source.stem).groups() for source in SOURCES]
    assert numbers == sorted(set(numbers)) and numbers[0] == ("00", "")
    assert {source.stem for source in SOURCES} >= ONE_TEXT


@named(SOURCES)
def test_every_text_stands_in_both_languages(path):
    """Chinese first, then English, text by text; the notebooks hold the same code and ids."""
    if path.stem in ONE_TEXT:
        pytest.skip("one text for both languages")
    order = [c.metadata.get("lang") or c.cell_type for c in jupytext.read(path).cells]
    assert re.fullmatch("(code|zhen)+", "".join(order)), f"in the order {order}"
    code = [
        [(c["id"], c.source) for c in building.build(path, lang).cells if c.cell_type == "code"]
        for lang in LANGUAGES
    ]
    differ = [(a, b) for a, b in zip(*code, strict=True) if a != b]
    assert [(i, text.replace('"zh"', '"en"')) for (i, text), _ in differ] == [b for _, b in differ]
    assert len(differ) == 1, "LANG is said in one cell"
    assert all(CHINESE.search(text) for text in prose(path, "zh"))


@named(sorted(BUILT))
def test_notebook_holds_no_outputs_and_stable_ids(path):
    notebook = read(path)
    ids = [cell["id"] for cell in notebook.cells]
    assert len(ids) == len(set(ids))
    assert all(re.fullmatch(r"[a-z0-9_-]+-\d\d\d", i) for i in ids)
    for cell in notebook.cells:
        assert "solution" not in cell.metadata.get("tags", [])
        if cell.cell_type == "code":
            assert cell.outputs == [] and cell.execution_count is None
    assert set(notebook.metadata) == {"kernelspec", "language_info", "kequn_lab"}


@named(SOURCES)
def test_code_cells_are_short_and_stay_off_the_network(path):
    for cell in code_cells(path):
        lines = [line for line in cell.source.splitlines() if line.strip()]
        assert len(lines) <= (15 if path.stem in ONE_TEXT else 12), cell.source
        assert not re.search(r"https?://|^\s*[!]", cell.source, flags=re.MULTILINE), cell.source
        used = {
            alias.name.split(".")[0]
            for node in nodes(cell)
            if isinstance(node, ast.Import | ast.ImportFrom)
            for alias in [
                *node.names,
                *([ast.alias(node.module)] if hasattr(node, "module") else []),
            ]
        }
        assert not used & FORBIDDEN


@named(SOURCES)
@pytest.mark.parametrize("language", LANGUAGES)
def test_chapter_says_synthetic_and_ends_with_what_it_does_not_show(path, language):
    text = prose(path, language)
    synthetic, last = {
        "zh": ("合成", "## 这一章没有说明什么"),
        "en": ("synthetic", "## What this does not show"),
    }[language]
    assert text[0].startswith(f"# {path.stem.partition('_')[0]} ")
    assert any(synthetic in t for t in text)
    assert last.removeprefix("## ") in text[-1]
    assert text[-1].count("\n# -") == 0 and text[-1].count("\n- ") >= 2


@named(SOURCES)
def test_links_lead_somewhere(path):
    for target in BUILD["targets"](path):
        for cell in read(target).cells:
            for link in re.findall(r"\]\(([^)#]+)\)", cell.source):
                assert link.startswith("https://") or (target.parent / link).exists(), link


#: Read by every Python that starts: whoever asks for another machine is refused, and noted.
NO_NETWORK = """
import os, socket

def guarded(own, host_of):
    def ask(*args, **kwargs):
        host = host_of(args)
        if host not in (None, "", "localhost", "127.0.0.1", "::1"):
            with open(os.environ["KEQUN_ASKED"], "a") as file:
                file.write(f"{host}\\n")
            raise OSError(f"no network here: {host}")
        return own(*args, **kwargs)
    return ask

def of_address(args):
    return args[1][0] if isinstance(args[1], tuple) else None

socket.socket.connect = guarded(socket.socket.connect, of_address)
socket.socket.connect_ex = guarded(socket.socket.connect_ex, of_address)
socket.socket.sendto = guarded(socket.socket.sendto, lambda args: of_address(args[-2:]))
socket.getaddrinfo = guarded(socket.getaddrinfo, lambda args: args[0])
"""


@pytest.fixture
def no_network(tmp_path, monkeypatch):
    """Kernels that start now reach this machine alone; the file of what they asked for."""
    (tmp_path / "guard").mkdir()
    (tmp_path / "guard" / "sitecustomize.py").write_text(NO_NETWORK, encoding="utf-8")
    path = [str(tmp_path / "guard"), os.environ.get("PYTHONPATH", "")]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, path)))
    monkeypatch.setenv("KEQUN_ASKED", str(tmp_path / "asked"))
    yield tmp_path / "asked"


@pytest.mark.parametrize(
    "asks",
    [
        "socket.create_connection(('192.0.2.1', 80), timeout=1)",
        "socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'', ('192.0.2.1', 9))",
        "urllib.request.urlopen('http://example.com')",
    ],
)
def test_the_guard_refuses_other_machines_and_notes_them(no_network, asks):
    code = f"import socket, urllib.request\ntry:\n    {asks}\nexcept OSError as e:\n    print(e)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "no network here" in done.stdout and no_network.read_text()


def with_exercises_and_solutions(path, language):
    """A chapter with each exercise and, after it, its solution."""
    notebook, solved = (building.build(path, language, solutions=s) for s in (False, True))
    cells = {c["id"]: c for c in [*notebook.cells, *solved.cells]}
    notebook.cells = [cells[i] for i in sorted(cells)]
    return notebook


def said_by(cell):
    shown = [o.get("text") or o.get("data", {}).get("text/plain", "") for o in cell.outputs]
    return "\n".join(shown)


#: Each chapter is run in one language; in both, the suite would take minutes more.
IN_TURNS = [(path, LANGUAGES[i % 2]) for i, path in enumerate(SOURCES)]


@pytest.mark.parametrize(("path", "language"), IN_TURNS, ids=lambda x: getattr(x, "stem", x))
def test_chapter_runs_no_exercise_is_answered_and_every_solution_is_right(
    path, language, no_network
):
    """From top to bottom: no error, nothing on stderr, nothing asked of the network."""
    notebook = with_exercises_and_solutions(path, language)
    says = {"exercise": {"zh": "还没有作答", "en": "Not yet"}[language], "solution": "✓"}
    for cell in BUILD["execute"](notebook, NOTEBOOKS / language, timeout=300).cells:
        if cell.cell_type == "code":
            assert cell.execution_count, f"not run: {cell.source}"
            said = [o for o in cell.outputs if o.output_type == "stream" and o.name == "stderr"]
            assert not said, f"{cell.source}\n{said[0].text}"
            assert not [o for o in cell.outputs if o.output_type == "error"]
        for tag in says.keys() & {*cell.metadata.get("tags", [])}:
            assert says[tag] in said_by(cell), f"{cell.source}\n{said_by(cell)}"
    assert not no_network.exists(), no_network.read_text()


def test_words_in_two_languages_are_filled_in_with_the_same_values():
    """What a chapter says in the language that it is not run in cannot lack a value."""
    found = 0
    for node in chain.from_iterable(nodes(c) for source in SOURCES for c in code_cells(source)):
        if isinstance(node, ast.Tuple) and len(node.elts) == 2:
            words = [e.value for e in node.elts if isinstance(e, ast.Constant)]
            if len(words) == 2 and CHINESE.search(str(words[0])):
                parts = [Formatter().parse(text) for text in words]
                zh, en = (sorted(p[1] for p in part if p[1] is not None) for part in parts)
                assert zh == en, words
                found += bool(zh)
    assert found > 10


def test_the_index_says_what_the_chapters_say_and_shows_them():
    """``notebooks/README.md`` is as its command writes it; its pictures are small."""
    index = runpy.run_path(str(NOTEBOOKS / "figures" / "index.py"), run_name="index")
    text = (NOTEBOOKS / "README.md").read_text(encoding="utf-8")
    assert text == index["index"](), "run: python notebooks/figures/index.py text"
    pictures = re.findall(r"\]\((figures/[^)]+)\)", text)
    expected = [n for n, (*_, which) in index["CHAPTERS"].items() if which >= 0]
    assert len(pictures) == 2 * len(expected), "run: make index"
    assert all((NOTEBOOKS / p).stat().st_size < 60_000 for p in pictures)
