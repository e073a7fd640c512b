"""From a chapter's source to its notebook, in one language, with or without solutions.

A source (``notebooks/py``) is one Python file. A code cell is written once and is in both
languages; a text cell says its language: ``# %% [markdown] lang="zh"``. Cells tagged ``solution``
replace those tagged ``exercise`` in a notebook with solutions and are left out of the others.
"""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

__all__: list[str] = []

LANGUAGES = ("zh", "en")
_KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
#: The line of a source that says in which language figures and messages speak.
_LANG = re.compile(r'^LANG = "(zh|en)"', flags=re.MULTILINE)


def source_folder() -> Path:
    """The folder of the sources: inside an installed package, or ``notebooks/py`` of a checkout."""
    package = Path(__file__).resolve().parents[1]
    installed = package / "_chapters"
    return installed if installed.is_dir() else package.parent / "notebooks" / "py"


def sources(folder: Path | None = None) -> list[Path]:
    """All sources, in the order of the course."""
    return sorted((folder or source_folder()).glob("*.py"))


def build(source: Path, language: str, *, solutions: bool = False) -> Any:
    """The notebook of a source: no outputs, the same cell ids every time and in each language.

    Raises
    ------
    ValueError
        There is code inside a text cell (a ``# %%`` was forgotten).
    """
    import jupytext
    import nbformat

    _refuse_swallowed_code(source)
    notebook = jupytext.read(source, fmt="py:percent")
    cells = []
    for number, cell in enumerate(notebook.cells):
        tags = set(cell.metadata.get("tags", []))
        left_out = "exercise" if solutions else "solution"
        if left_out in tags or cell.metadata.get("lang", language) != language:
            continue
        cell["id"] = f"{source.stem}-{number:03d}"
        cell.metadata = {"tags": sorted(tags)} if tags else {}
        if cell.cell_type == "code":
            cell.source = _LANG.sub(f'LANG = "{language}"', cell.source)
            cell.outputs, cell.execution_count = [], None
        cells.append(cell)
    notebook.cells = cells
    notebook.metadata = {"kernelspec": _KERNEL, "language_info": {"name": "python"}}
    notebook.metadata["kequn_lab"] = {"cells_sha256": cells_sha256(notebook)}
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


def cells_sha256(notebook: Any) -> str:
    """Of what people type: outputs, counts and empty cells (Jupyter adds one) say nothing."""
    cells = [(c.cell_type, c.source.strip()) for c in notebook.cells if c.source.strip()]
    return hashlib.sha256(json.dumps(cells).encode()).hexdigest()


def text_of(notebook: Any) -> str:
    """The file of a notebook."""
    import nbformat

    return nbformat.writes(notebook, indent=1) + "\n"


def write(notebook: Any, path: Path, *, fresh: bool = False) -> str:
    """Write a built notebook, unless somebody edited the one that is there.

    Returns
    -------
    str
        ``written``; ``as it is`` where the cells are those already; ``edited`` where nothing was
        written. With ``fresh`` it is always written, and an edited one renamed first.
    """
    there, want = _cells(path), cells_sha256(notebook)
    if there == (want, want) and not fresh:
        return "as it is"
    if there and there[0] not in (there[1], want):
        if not fresh:
            return "edited"
        set_aside(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text_of(notebook), encoding="utf-8", newline="\n")
    return "written"


def _cells(path: Path) -> tuple[str, str] | None:
    """The hash of a notebook's cells, and as they were built; None where there is no file."""
    import nbformat

    try:
        notebook = nbformat.read(path, as_version=4)
        built = notebook.metadata.get("kequn_lab", {}).get("cells_sha256", "unknown")
        return cells_sha256(notebook), built
    except FileNotFoundError:
        return None
    except Exception:  # not a notebook any more: somebody's all the more
        return "unreadable", "unknown"


def set_aside(path: Path) -> Path:
    """Rename a notebook to the first free ``.old1``, ``.old2`` …; its new path."""
    number = 1
    while (old := path.with_suffix(f".old{number}.ipynb")).exists():
        number += 1
    return path.rename(old)
