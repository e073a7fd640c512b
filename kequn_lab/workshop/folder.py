"""A participant's folder: chapters, the small bank, JupyterLab's options; and JupyterLab itself."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from kequn_lab.workshop import building
from kequn_lab.workshop.shipped import AS_OF, CUSTOMERS, SEED

__all__: list[str] = []

#: What is ours and no chapter: hidden, so that JupyterLab does not list it.
_OURS = ".kequn"
_RECORD = f"{_OURS}/workshop.json"
_SETTINGS = f"{_OURS}/settings/@jupyterlab"
#: Options of JupyterLab: nothing is fetched, letters for the back row, saved twice a minute.
_OPTIONS: dict[str, dict[str, Any]] = {
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    "apputils-extension/themes": {
        "overrides": {
            "code-font-size": "16px",
            "content-font-size1": "17px",
            "ui-font-size1": "14px",
        }
    },
    "docmanager-extension/plugin": {"autosaveInterval": 30},
}


def lay_out(folder: Path, language: str) -> list[str]:
    """Write what a participant needs, and leave every file that is there as it is.

    Returns
    -------
    list of str
        What was written.

    Raises
    ------
    ValueError
        The folder holds the workshop in the other language.
    """
    if (there := language_of(folder, missing=language)) != language:
        raise ValueError(f"{folder} holds the workshop in {there}; name another folder")
    texts = {_RECORD: json.dumps({"language": language})}
    for name, options in _OPTIONS.items():
        texts[f"{_SETTINGS}/{name}.jupyterlab-settings"] = json.dumps(options, indent=1)
    for source in building.sources():
        if not (folder / f"{source.stem}.ipynb").exists():
            texts[f"{source.stem}.ipynb"] = building.text_of(building.build(source, language))
    new = {name: text for name, text in texts.items() if not (folder / name).exists()}
    for name, text in new.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        with open(folder / name, "x", encoding="utf-8", newline="\n") as file:
            file.write(text)
    written = [name for name in new if not name.startswith(_OURS)]
    return [*written, "data/sample"] if _lay_bank(folder / "data" / "sample") else written


def language_of(folder: Path, *, missing: str | None = None) -> str:
    """The language of a folder that was laid out.

    Raises
    ------
    ValueError
        It was not, and no language is given for that case.
    """
    record = folder / _RECORD
    if record.exists():
        return json.loads(record.read_text(encoding="utf-8"))["language"]
    if missing is None:
        raise ValueError(f"{folder} holds no workshop; lay it out with `kequn workshop start`")
    return missing


def lay_afresh(folder: Path, chapter: str | None = None) -> dict[str, str | None]:
    """Write chapters as they were first; those that differ are renamed, not lost.

    Parameters
    ----------
    folder : Path
        One that was laid out.
    chapter : str, optional
        ``04``; all when None.

    Returns
    -------
    dict of str to str
        Each chapter's file, and what the one that was there is called now, if there was one.
    """
    language, renamed = language_of(folder), {}
    for source in _chosen(chapter):
        path = folder / f"{source.stem}.ipynb"
        text = building.text_of(building.build(source, language))
        if path.exists() and path.read_bytes() == text.encode():
            continue
        renamed[path.name] = building.set_aside(path).name if path.exists() else None
        path.write_text(text, encoding="utf-8", newline="\n")
    return renamed


def add_solution(folder: Path, chapter: str) -> tuple[Path, str]:
    """Write a chapter with its solutions into ``solutions``; its path, and what was done.

    One that somebody edited stays (``edited``).
    """
    language, [source] = language_of(folder), _chosen(chapter)
    notebook = building.build(source, language, solutions=True)
    for cell in notebook.cells:  # the other chapters are one folder up
        cell.source = re.sub(r"\]\((\w+\.ipynb)\)", r"](../\1)", cell.source)
    notebook.metadata["kequn_lab"] = {"cells_sha256": building.cells_sha256(notebook)}
    path = folder / "solutions" / f"{source.stem}.ipynb"
    return path, building.write(notebook, path)


def lab_command(folder: Path) -> list[str]:
    """JupyterLab on this machine alone, with the first chapter open."""
    first = building.sources()[0].stem
    command = [sys.executable, "-m", "jupyterlab", "--ServerApp.ip=127.0.0.1"]
    command += [f"--ServerApp.root_dir={folder.resolve()}", "--ServerApp.answer_yes=True"]
    command += [f"--LabApp.default_url=/lab/tree/{first}.ipynb"]
    if hasattr(os, "geteuid") and os.geteuid() == 0:  # in a container; it serves this machine alone
        command.append("--allow-root")
    return command


def lab_environment(folder: Path) -> dict[str, str]:
    """The environment of JupyterLab: options of this folder, and one thread for each fit.

    The user's own options of JupyterLab are neither read nor changed.
    """
    ours = folder.resolve() / _OURS
    homes = {
        "JUPYTERLAB_SETTINGS_DIR": str(ours / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(ours / "workspaces"),
    }
    return {"OMP_NUM_THREADS": "1", **os.environ, **homes}


def run_lab(folder: Path) -> int:
    """Start JupyterLab and wait for its end; its exit code. Ctrl-C ends it."""
    server = subprocess.Popen(lab_command(folder), env=lab_environment(folder))
    try:
        return server.wait()
    except KeyboardInterrupt:
        server.terminate()
        server.wait(20)
        return 0


def _chosen(chapter: str | None) -> list[Path]:
    numbers = {source.stem.partition("_")[0]: source for source in building.sources()}
    if chapter is None:
        return [*numbers.values()]
    chapter = re.sub(r"^(?=\d(\D|$))", "0", chapter)  # 4 is 04
    if chapter not in numbers:
        raise ValueError(f"there is no chapter {chapter}; there are {', '.join(numbers)}")
    return [numbers[chapter]]


def _lay_bank(folder: Path) -> bool:
    """Copy the small bank of the checkout, or draw it: the files are the same, byte by byte."""
    if folder.exists():
        return False
    folder.parent.mkdir(parents=True, exist_ok=True)
    ours = Path(__file__).resolve().parents[2] / "data" / "sample"
    half = folder.with_name("sample.part")  # renamed when it is whole
    shutil.rmtree(half, ignore_errors=True)
    if (ours / "bank.json").exists():
        shutil.copytree(ours, half)
    else:
        from kequn_lab.synth import write_bank

        recipe: dict[str, Any] = {"n_customers": CUSTOMERS, "random_state": SEED, "as_of": AS_OF}
        write_bank(half, **recipe, format="mixed", progress=False)
    half.rename(folder)
    return True
