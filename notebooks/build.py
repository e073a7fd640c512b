"""Build the notebooks from their sources in ``py/``; run them; check that they agree.

``python notebooks/build.py``               writes ``zh/`` and ``en/``, without outputs
``python notebooks/build.py --fresh NAME``  the same for one that somebody edited; keeps the old
``python notebooks/build.py --check``       says which notebook differs from its source
``python notebooks/build.py --solutions``   writes them with solutions: ``data/output/solutions``
``python notebooks/build.py --execute``     runs them into ``data/output/notebooks``

The sources are what people review and edit. One way only, source to notebook: a tool that
syncs both ways by file time keeps stale outputs.

A notebook in which somebody typed is never overwritten: each carries the hash of its cells as
they were built. Outputs are no edits: a notebook whose cells are those of its source is left
as it is, outputs and all.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from tqdm.auto import tqdm

from kequn_lab.workshop import building

HERE = Path(__file__).resolve().parent
OUTPUT = HERE.parent / "data" / "output"


def targets(source: Path) -> dict[Path, str]:
    """The notebooks made of a source, and their languages."""
    return {HERE / lang / f"{source.stem}.ipynb": lang for lang in building.LANGUAGES}


def execute(notebook: nbformat.NotebookNode, where: Path, *, timeout: int = 300):
    """Run a notebook from top to bottom, in a folder."""
    client = NotebookClient(notebook, timeout=timeout, kernel_name="python3")
    return client.execute(cwd=str(where))


def _name(target: Path) -> str:
    return target.relative_to(HERE).with_suffix("").as_posix()


def main(argv: list[str] | None = None) -> int:
    """Build, check or run; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--check", action="store_true", help="compare, write nothing")
    what.add_argument("--execute", action="store_true", help="run into data/output/notebooks")
    what.add_argument("--solutions", action="store_true", help="into data/output/solutions")
    what.add_argument("--fresh", action="store_true", help="also those that somebody edited")
    parser.add_argument("names", nargs="*", help="only notebooks that start so: zh/05 en")
    args = parser.parse_args(argv)
    if args.fresh and not args.names:
        parser.error("--fresh needs the names of the notebooks to write afresh")
    chosen = [(s, *t) for s in building.sources(HERE / "py") for t in targets(s).items()]
    chosen = [c for c in chosen if not args.names or _name(c[1]).startswith(tuple(args.names))]
    if not chosen:
        parser.error(f"no notebook starts with {' or '.join(args.names)}")
    wrong, edited = [], []
    for source, target, language in tqdm(chosen, disable=not args.execute):
        notebook = building.build(source, language, solutions=args.solutions)
        if args.check:
            text = target.read_text(encoding="utf-8") if target.exists() else None
            if text != building.text_of(notebook):
                wrong.append(_name(target))
        elif args.execute or args.solutions:
            done = (
                OUTPUT / ("notebooks" if args.execute else "solutions") / target.relative_to(HERE)
            )
            done.parent.mkdir(parents=True, exist_ok=True)
            if args.execute:
                execute(notebook, target.parent)
            done.write_text(building.text_of(notebook), encoding="utf-8", newline="\n")
        elif building.write(notebook, target, fresh=args.fresh) == "edited":
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
