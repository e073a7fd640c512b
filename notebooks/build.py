"""Build the notebooks from their sources in ``py/``; run them; check that they agree.

``python notebooks/build.py``               writes the notebooks, without outputs
``python notebooks/build.py --fresh NAME``  the same for one that somebody edited; keeps the old
``python notebooks/build.py --check``       says which notebook differs from its source
``python notebooks/build.py --execute``     runs them into ``data/output/notebooks``

The sources are what people review and edit. One way only, source to notebook: a tool that
syncs both ways by file time keeps stale outputs. An exercise is its solution without the
cells tagged ``solution``.

A notebook in which somebody typed is never overwritten: each carries the hash of its cells as
they were built. Outputs are no edits: a notebook whose cells are those of its source is left
as it is, outputs and all.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from pathlib import Path

import jupytext
import nbformat
from nbclient import NotebookClient
from tqdm.auto import tqdm

HERE = Path(__file__).resolve().parent
OUTPUT = HERE.parent / "data" / "output" / "notebooks"
KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}


def sources() -> list[Path]:
    """All sources, in the order of the course."""
    return sorted((HERE / "py").rglob("*.py"))


def targets(source: Path) -> dict[Path, bool]:
    """The notebooks made of a source, and whether solutions are cut out of it."""
    inside = source.relative_to(HERE / "py").with_suffix(".ipynb")
    if inside.parts[0] == "solutions":
        return {HERE / inside: False, HERE / "exercises" / inside.name: True}
    return {HERE / inside: False}


def build(source: Path, *, without_solutions: bool = False) -> nbformat.NotebookNode:
    """The notebook of a source: no outputs, the same cell ids every time."""
    _refuse_swallowed_code(source)
    notebook = jupytext.read(source, fmt="py:percent")
    cells = []
    for number, cell in enumerate(notebook.cells):
        tags = cell.metadata.get("tags", [])
        if without_solutions and "solution" in tags:
            if cell.cell_type == "code":
                cells.append(nbformat.v4.new_code_cell("# 你的代码 / your code here\n"))
                cells[-1]["id"] = f"{source.stem}-{number:02d}"
            continue
        cell["id"] = f"{source.stem}-{number:02d}"
        cell.metadata = {"tags": tags} if tags else {}
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
        cells.append(cell)
    notebook.cells = cells
    notebook.metadata = {"kernelspec": KERNEL, "language_info": {"name": "python"}}
    notebook.metadata["kequn_lab"] = {"cells_sha256": _cells_sha256(notebook)}
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    nbformat.validate(notebook)
    return notebook


def _refuse_swallowed_code(source: Path) -> None:
    """A forgotten ``# %%`` would turn code into prose without a word."""
    in_text = False
    for number, line in enumerate(source.read_text(encoding="utf-8").splitlines(), start=1):
        if line.startswith("# %%"):
            in_text = "[markdown]" in line
        elif in_text and line.strip() and not line.startswith("#"):
            raise ValueError(f"{source.name}, line {number}: code inside a text cell: {line!r}")


def execute(notebook: nbformat.NotebookNode, *, timeout: int = 300) -> nbformat.NotebookNode:
    """Run a notebook from top to bottom, in the folder ``notebooks``."""
    client = NotebookClient(notebook, timeout=timeout, kernel_name="python3")
    return client.execute(cwd=str(HERE))


def _cells_sha256(notebook: nbformat.NotebookNode) -> str:
    """Of what people type: outputs, counts and empty cells (Jupyter adds one) say nothing."""
    cells = [(c.cell_type, c.source.strip()) for c in notebook.cells if c.source.strip()]
    return hashlib.sha256(json.dumps(cells).encode()).hexdigest()


def _cells(path: Path) -> tuple[str, str] | None:
    """The hash of a notebook's cells, and as they were built; None where there is no file."""
    try:
        notebook = nbformat.read(path, as_version=4)
        built = notebook.metadata.get("kequn_lab", {}).get("cells_sha256", "unknown")
        return _cells_sha256(notebook), built
    except FileNotFoundError:
        return None
    except Exception:  # not a notebook any more: somebody's all the more
        return "unreadable", "unknown"


def write(notebook: nbformat.NotebookNode, path: Path, *, fresh: bool = False) -> str:
    """Write a built notebook, unless somebody edited the one that is there.

    Returns
    -------
    str
        ``written``; ``as it is`` where the cells are those already; ``edited`` where nothing was
        written. With ``fresh`` it is always written, and an edited one renamed first.
    """
    there, want = _cells(path), _cells_sha256(notebook)
    if there == (want, want) and not fresh:
        return "as it is"
    if there and there[0] not in (there[1], want):
        if not fresh:
            return "edited"
        _set_aside(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(_text(notebook), encoding="utf-8")
    return "written"


def _text(notebook: nbformat.NotebookNode) -> str:
    return nbformat.writes(notebook, indent=1) + "\n"


def _set_aside(path: Path) -> None:
    number = 1
    while (old := path.with_suffix(f".old{number}.ipynb")).exists():
        number += 1
    path.rename(old)


def _name(target: Path) -> str:
    return target.relative_to(HERE).with_suffix("").as_posix()


def main(argv: list[str] | None = None) -> int:
    """Build, check or run; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--check", action="store_true", help="compare, write nothing")
    what.add_argument("--execute", action="store_true", help="run into data/output/notebooks")
    what.add_argument("--fresh", action="store_true", help="also those that somebody edited")
    parser.add_argument("names", nargs="*", help="only notebooks that start so: 05 exercises/05")
    args = parser.parse_args(argv)
    if args.fresh and not args.names:
        parser.error("--fresh needs the names of the notebooks to write afresh")
    chosen = [(s, *t) for s in sources() for t in targets(s).items()]
    chosen = [c for c in chosen if not args.names or _name(c[1]).startswith(tuple(args.names))]
    if not chosen:
        parser.error(f"no notebook starts with {' or '.join(args.names)}")
    wrong, edited = [], []
    for source, target, cut in tqdm(chosen, disable=not args.execute):
        notebook = build(source, without_solutions=cut)
        if args.check:
            if not target.exists() or target.read_text(encoding="utf-8") != _text(notebook):
                wrong.append(_name(target))
        elif args.execute and not cut:
            done = OUTPUT / target.relative_to(HERE)
            done.parent.mkdir(parents=True, exist_ok=True)
            done.write_text(_text(execute(notebook)), encoding="utf-8")
        elif not args.execute and write(notebook, target, fresh=args.fresh) == "edited":
            edited.append(_name(target))
    if wrong:
        print(f"not as their sources say: {', '.join(wrong)}; run notebooks/build.py --fresh NAME")
    for name in edited:
        print(
            f"notebooks/{name}.ipynb was edited and stays as it is; for a fresh copy (yours is "
            f"renamed, not lost): python notebooks/build.py --fresh {name}"
        )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
