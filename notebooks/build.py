"""Build the notebooks from their sources in ``py/``; run them; check that they agree.

``python notebooks/build.py``            writes the notebooks, without outputs
``python notebooks/build.py --check``    says which notebook differs from its source
``python notebooks/build.py --execute``  runs them into ``data/output/notebooks``

The sources are what people review and edit. One way only, source to notebook: a tool that
syncs both ways by file time keeps stale outputs. An exercise is its solution without the
cells tagged ``solution``.
"""

from __future__ import annotations

import argparse
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


def _text(notebook: nbformat.NotebookNode) -> str:
    return nbformat.writes(notebook, indent=1) + "\n"


def main(argv: list[str] | None = None) -> int:
    """Build, check or run; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--check", action="store_true", help="compare, write nothing")
    what.add_argument("--execute", action="store_true", help="run into data/output/notebooks")
    parser.add_argument("names", nargs="*", help="only sources whose name starts with one of these")
    args = parser.parse_args(argv)
    chosen = [s for s in sources() if not args.names or s.stem.startswith(tuple(args.names))]
    wrong = []
    for source in tqdm(chosen, disable=args.check):
        for target, cut in targets(source).items():
            notebook = build(source, without_solutions=cut)
            if args.check:
                if not target.exists() or target.read_text(encoding="utf-8") != _text(notebook):
                    wrong.append(str(target.relative_to(HERE)))
            elif args.execute and not cut:
                done = OUTPUT / target.relative_to(HERE)
                done.parent.mkdir(parents=True, exist_ok=True)
                done.write_text(_text(execute(notebook)), encoding="utf-8")
            elif not args.execute:
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_text(_text(notebook), encoding="utf-8")
    if wrong:
        print(f"not as their sources say: {', '.join(wrong)}; run notebooks/build.py")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
