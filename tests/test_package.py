"""The package as a whole: what it exports, which room may use which, what it installs."""

import ast
import re
import subprocess
import sys
import tomllib
from importlib import import_module
from pathlib import Path

import pytest

import kequn_lab

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "kequn_lab"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

#: The rooms from the ground up. A room may use those on lower storeys only.
STOREYS = [
    {"_files", "_intervals", "_json", "_notes", "_signals", "_words"},
    {"_folder", "contract", "features", "plots"},
    {"catalogue", "segments", "profiles", "compare", "export", "report"},
    {"synth", "choosing", "products", "monitor", "spark"},
    {"run"},
    {"commands"},
    {"__main__"},
]


def tracked(pattern: str = "") -> list[Path]:
    """Files of the repository, or all files where there is no git."""
    done = subprocess.run(["git", "ls-files", pattern], cwd=ROOT, capture_output=True, text=True)
    return [ROOT / name for name in done.stdout.splitlines() if (ROOT / name).is_file()]


def imports_of(file: Path) -> set[str]:
    """Rooms of the package that a file imports, wherever in the file."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("kequn_lab"):
            inside = node.module.split(".")[1:]
            found |= {inside[0]} if inside else {a.name for a in node.names}
        elif isinstance(node, ast.Import):
            found |= {a.name.split(".")[1] for a in node.names if a.name.startswith("kequn_lab.")}
    return found - {"__version__"}


def rooms() -> dict[str, list[Path]]:
    """Every room and its files: a module, or a folder of modules."""
    modules = {p.stem: [p] for p in PACKAGE.glob("*.py") if p.stem != "__init__"}
    folders = {
        p.name: sorted(p.glob("*.py")) for p in PACKAGE.iterdir() if (p / "__init__.py").exists()
    }
    return {**modules, **folders}


def test_arrows_run_one_way():
    storey = {room: i for i, rooms_ in enumerate(STOREYS) for room in rooms_}
    assert set(storey) == set(rooms()), "every room stands on one storey"
    for room, files in rooms().items():
        for used in set().union(*map(imports_of, files)) - {room}:
            assert storey[used] < storey[room], f"{room} may not use {used}"


MODULES = sorted(
    ".".join(p.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    for files in rooms().values()
    for p in files
)


@pytest.mark.parametrize("name", MODULES)
def test_every_module_says_what_it_is_and_exports_what_it_has(name):
    module = import_module(name)
    assert module.__doc__
    for name in getattr(module, "__all__", ()):
        assert getattr(module, name).__doc__ or isinstance(getattr(module, name), tuple | dict)


def test_rooms_are_small():
    long = {
        f"{p.relative_to(PACKAGE)}": n
        for p in PACKAGE.rglob("*.py")
        if (n := len(p.read_text(encoding="utf-8").splitlines())) > 420
    }
    assert not long


def test_import_is_light():
    code = "import kequn_lab, sys; print([m for m in ('pandas', 'sklearn', 'matplotlib', 'duckdb') if m in sys.modules])"  # noqa: E501
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_unknown_room_is_named():
    with pytest.raises(AttributeError, match="no attribute 'kitchen'; there are .*rooms: "):
        _ = kequn_lab.kitchen


def test_version_is_the_same_everywhere():
    assert PROJECT["version"] == kequn_lab.__version__


def test_environment_agrees_with_pyproject():
    text = (ROOT / "environment.yml").read_text(encoding="utf-8")
    assert f"python{PROJECT['requires-python']}" in text
    extras = re.search(r"-e \.\[(.+)\]", text).group(1).split(",")
    assert set(extras) <= set(PROJECT["optional-dependencies"])
    entries = re.findall(r"^ +- (.+)$", text, flags=re.MULTILINE)
    known = {"conda-forge", f"python{PROJECT['requires-python']}", "pip", "pip:"}
    assert [e for e in entries if e not in known] == ["-c constraints.txt", f"-e .[{extras[0]}]"]


def test_every_dependency_is_pinned_and_the_pin_is_allowed():
    from packaging.requirements import Requirement

    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").split()
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.+!]+", line) for line in lines)
    pins = dict(line.lower().replace("_", "-").split("==") for line in lines)
    wanted = PROJECT["dependencies"] + PROJECT["optional-dependencies"]["test"]
    for text in wanted:
        need = Requirement(text)
        assert need.specifier.contains(pins[need.name.lower()]), text


def test_top_level_holds_only_the_agreed_names():
    agreed = {
        "notebooks", "kequn_lab", "data", "environment.yml", "README.md", "README.zh-CN.md",
        "pyproject.toml", "constraints.txt", "Makefile", "LICENSE", "CITATION.cff", "tests",
        "benchmarks", ".ci", ".gitignore", ".gitattributes",
    }  # fmt: skip
    top = {p.relative_to(ROOT).parts[0] for p in tracked()}
    assert top <= agreed


def test_no_machine_paths_and_no_large_files():
    for file in tracked():
        assert file.stat().st_size < 3 * 2**20, file
        if file.suffix in {".py", ".md", ".toml", ".csv", ".ipynb", ".yml", ".txt", ""}:
            text = file.read_text(encoding="utf-8")
            assert str(ROOT.parent) + "/" not in text, file


@pytest.fixture(scope="module")
def wheel_python(tmp_path_factory):
    """A fresh venv with the wheel, over the packages that are installed here."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT]
    subprocess.run(build, check=True, capture_output=True)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder / "venv"], check=True)
    site = next((folder / "venv").glob("lib/python*/site-packages"))
    import zipfile

    with zipfile.ZipFile(next(folder.glob("*.whl"))) as wheel:
        wheel.extractall(site)
    here = Path(import_module("pandas").__file__).parents[1]
    # The dependencies, after the wheel: the checkout itself is not on the path.
    (site / "dependencies.pth").write_text(f"{here}\n")
    return folder / "venv" / "bin" / "python"


def test_wheel_finds_its_catalogue_and_font_and_runs(wheel_python, tmp_path):
    def run(*args):
        return subprocess.run(
            [wheel_python, *args], cwd=tmp_path, capture_output=True, text=True, check=True
        ).stdout

    where = run("-c", "import kequn_lab; print(kequn_lab.__file__)")
    assert str(PACKAGE) not in where
    assert "elderly" in run("-c", "from kequn_lab import catalogue; print(catalogue.segments())")
    assert "--events" in run("-m", "kequn_lab", "run", "--help")
    run("-m", "kequn_lab", "run", "--synthetic", "200", "--out", "out", "--quiet")
    assert (tmp_path / "out" / "labels.csv").stat().st_size > 1000
