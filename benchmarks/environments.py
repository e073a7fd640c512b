"""Environments of the peers: ``benchmarks/.envs/NAME``, from the pins in ``peers/NAME.txt``.

A peer has an environment of its own, so that it runs with the versions it likes, and the kit needs
none of them. An environment is made once for each content of its file.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ENVS = HERE / ".envs"
#: The kit before the work on its speed: what "formerly" means in the table.
FORMER = "8d4cf7e"
#: Peers that do not run on the Python of the kit: the versions they take.
PYTHONS = {"pycaret": ("3.11", "3.10", "3.9")}


class NotHere(RuntimeError):
    """A peer that cannot be run on this machine, and why."""


def python_of(name: str) -> Path:
    """The Python of a peer's environment; makes it where it is missing.

    Raises
    ------
    NotHere
        No fitting Python, or the packages cannot be installed.
    """
    pins = HERE / "peers" / f"{name}.txt"
    folder, stamp = ENVS / name, hashlib.sha256(pins.read_bytes()).hexdigest()
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if (folder / "made").exists() and (folder / "made").read_text() == stamp:
        return python
    shutil.rmtree(folder, ignore_errors=True)
    ENVS.mkdir(exist_ok=True)
    print(f"making the environment of {name}", file=sys.stderr, flush=True)
    base = _base(name)
    if uv := shutil.which("uv"):
        _call(uv, "venv", "--quiet", "--python", base, folder)
        _call(uv, "pip", "install", "--quiet", "--python", python, "-r", pins)
    else:
        _call(base, "-m", "venv", folder)
        _call(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", pins)
    (folder / "made").write_text(stamp)
    return python


def _base(name: str) -> str:
    wanted = PYTHONS.get(name)
    here = f"{sys.version_info.major}.{sys.version_info.minor}"
    if wanted is None or here in wanted:
        return sys.executable
    if shutil.which("uv"):
        return wanted[0]
    for version in wanted:
        if found := shutil.which(f"python{version}"):
            return found
    raise NotHere(f"{name} needs Python {' or '.join(wanted)}, which is not here")


def _call(*command) -> None:
    done = subprocess.run([os.fspath(c) for c in command], capture_output=True, text=True)
    if done.returncode:
        lines = (done.stderr or done.stdout).strip().splitlines() or ["no message"]
        raise NotHere(f"cannot be installed: {lines[-1][:120]}")


def versions(name: str) -> dict[str, str]:
    """Pinned versions by package."""
    lines = (HERE / "peers" / f"{name}.txt").read_text().split()
    return dict(line.split("==") for line in lines)


def former() -> Path:
    """The kit as it was at `FORMER`, as a folder to be put on the path.

    Raises
    ------
    NotHere
        This is not a clone that holds the commit.
    """
    folder = ENVS / f"former-{FORMER}"
    if not (folder / "kequn_lab").is_dir():
        ask = ["git", "-C", str(HERE.parent), "archive", FORMER, "kequn_lab", "data/catalogue"]
        done = subprocess.run(ask, capture_output=True)
        if done.returncode:
            raise NotHere(f"commit {FORMER} is not in this clone")
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run(["tar", "-x", "-C", str(folder)], input=done.stdout, check=True)
    return folder


def rscript() -> str:
    """R with flexclust; it is never installed from here.

    Raises
    ------
    NotHere
        There is no Rscript, or no flexclust in it.
    """
    found = shutil.which("Rscript")
    if not found:
        raise NotHere("R is not here")
    done = subprocess.run([found, "-e", "library(flexclust)"], capture_output=True)
    if done.returncode:
        raise NotHere("R is here, its package flexclust is not")
    return found


def r_versions() -> dict[str, str]:
    """R and flexclust."""
    code = 'cat(as.character(getRversion()), as.character(packageVersion("flexclust")))'
    done = subprocess.run([rscript(), "-e", code], capture_output=True, text=True, check=True)
    return dict(zip(("R", "flexclust"), done.stdout.split()))
