"""The course: notebooks agree with their sources, run without a word on stderr, stay short."""

import ast
import io
import re
import runpy
from contextlib import redirect_stdout
from pathlib import Path

import nbformat
import pytest

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
BUILD = runpy.run_path(str(NOTEBOOKS / "build.py"), run_name="build")
SOURCES = BUILD["sources"]()
BUILT = {target: source for source in SOURCES for target in BUILD["targets"](source)}
CHAPTERS = [source for source in SOURCES if source.parent.name == "py"]

#: What reaches the network, and what a notebook of this course has no need of.
FORBIDDEN = {"requests", "urllib", "http", "httpx", "socket", "ftplib", "subprocess", "aiohttp"}


def read(path):
    return nbformat.read(path, as_version=4)


def code_cells(source):
    return [c for c in BUILD["build"](source).cells if c.cell_type == "code"]


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
    assert BUILD["_text"](BUILD["build"](copy)) != BUILD["_text"](BUILD["build"](source))


@pytest.fixture
def course(tmp_path, monkeypatch):
    """A course of one chapter and one exercise, built; its folder."""
    monkeypatch.setitem(BUILD["main"].__globals__, "HERE", tmp_path)
    (tmp_path / "py" / "solutions").mkdir(parents=True)
    for name in ("04_a.py", "solutions/04_a.py"):
        (tmp_path / "py" / name).write_text("# %% [markdown]\n# Think.\n\n# %%\n1 + 1\n")
    assert BUILD["main"]([]) == 0
    return tmp_path


def change(path, cell=-1, **values):
    notebook = read(path)
    notebook.cells[cell].update(values)
    nbformat.write(notebook, path)
    return path.read_bytes()


def test_an_edited_notebook_is_never_overwritten_and_the_way_to_a_fresh_one_is_said(course, capsys):
    for name in ("04_a.ipynb", "exercises/04_a.ipynb"):
        typed = change(course / name, source="answer = 2")
        (course / "py" / "solutions" / "04_a.py").write_text("# %%\n2 + 2\n")
        assert BUILD["main"]([]) == 0
        assert (course / name).read_bytes() == typed
        fresh = f"build.py --fresh {name.removesuffix('.ipynb')}\n"
        assert fresh in capsys.readouterr().out
        BUILD["main"](fresh.split()[1:])
        assert read(course / name).cells[-1].source == ("1 + 1" if name[0] == "0" else "2 + 2")
        assert (course / name).with_suffix(".old1.ipynb").read_bytes() == typed
        assert "edited" not in capsys.readouterr().out


def test_outputs_and_empty_cells_are_no_edits_and_stay_until_the_source_changes(course, capsys):
    chapter = course / "04_a.ipynb"
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
    (course / "04_a.ipynb").write_text("mine")
    assert BUILD["main"]([]) == 0
    assert (course / "04_a.ipynb").read_text() == "mine"
    assert "04_a.ipynb was edited" in capsys.readouterr().out


def test_code_swallowed_by_prose_is_refused(tmp_path):
    source = tmp_path / "bad.py"
    source.write_text("# %% [markdown]\n# text\nx = 1\n", encoding="utf-8")
    with pytest.raises(ValueError, match="bad.py, line 3: code inside a text cell: 'x = 1'"):
        BUILD["build"](source)


def test_the_course_is_numbered_and_every_exercise_has_its_chapter():
    numbers = [int(source.stem[:2]) for source in CHAPTERS]
    assert numbers == sorted(set(numbers)) and numbers[0] == 0
    solutions = {source.stem for source in SOURCES if source.parent.name == "solutions"}
    assert len(solutions) >= 2 and solutions <= {source.stem for source in CHAPTERS}


@named(sorted(BUILT))
def test_notebook_holds_no_outputs_and_stable_ids(path):
    notebook = read(path)
    ids = [cell["id"] for cell in notebook.cells]
    assert len(ids) == len(set(ids))
    assert all(re.fullmatch(r"[a-z0-9_-]+-\d\d", i) for i in ids)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert cell.outputs == [] and cell.execution_count is None
    assert set(notebook.metadata) == {"kernelspec", "language_info", "kequn_lab"}


@named(SOURCES)
def test_code_cells_are_short_and_stay_off_the_network(path):
    for cell in code_cells(path):
        lines = [line for line in cell.source.splitlines() if line.strip()]
        assert len(lines) <= 15, cell.source
        assert not re.search(r"https?://|^\s*[!]", cell.source, flags=re.MULTILINE), cell.source
        tree = ast.parse(re.sub(r"^%.*$", "", cell.source, flags=re.MULTILINE))
        used = {
            alias.name.split(".")[0]
            for node in ast.walk(tree)
            if isinstance(node, ast.Import | ast.ImportFrom)
            for alias in [
                *node.names,
                *([ast.alias(node.module)] if hasattr(node, "module") else []),
            ]
        }
        assert not used & FORBIDDEN


@named(CHAPTERS)
def test_chapter_says_synthetic_and_ends_with_what_it_does_not_show(path):
    text = [c.source for c in BUILD["build"](path).cells if c.cell_type == "markdown"]
    assert text[0].startswith(f"# {path.stem[:2]} ")
    assert re.search(r"[\u4e00-\u9fff]", text[0].splitlines()[0]), "a title in Chinese, too"
    assert any("synthetic" in t and "合成" in t for t in text)
    assert text[-1].startswith("## 这一章没有说明什么 · What this does not show")
    assert text[-1].count("\n# -") == 0 and text[-1].count("\n- ") >= 2


@named(SOURCES)
def test_links_lead_somewhere(path):
    for target in BUILD["targets"](path):
        for cell in read(target).cells:
            for link in re.findall(r"\]\(([^)#]+)\)", cell.source):
                assert link.startswith("https://") or (target.parent / link).exists(), link


@named([s for s in SOURCES if s.parent.name != "py" or s in CHAPTERS])
def test_notebook_runs_from_top_to_bottom(path):
    notebook = BUILD["execute"](BUILD["build"](path), timeout=300)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert cell.execution_count, f"not run: {cell.source}"
            said = [o for o in cell.outputs if o.output_type == "stream" and o.name == "stderr"]
            assert not said, f"{cell.source}\n{said[0].text}"
            assert not [o for o in cell.outputs if o.output_type == "error"]
