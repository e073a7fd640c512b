"""The package as a whole: what it exports, which room may use which, what it installs."""

import ast
import inspect
import io
import os
import re
import subprocess
import sys
import sysconfig
import tokenize
import tomllib
import zipfile
from collections import Counter
from functools import cache
from importlib import import_module
from itertools import chain
from pathlib import Path

import pytest

import kequn_lab

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "kequn_lab"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

#: The rooms from the ground up. A room may use those on lower storeys only.
STOREYS = [
    {
        "_checks",
        "_chunks",
        "_duckdb",
        "_files",
        "_refits",
        "_statistics",
        "_json",
        "_notes",
        "_rules",
        "_signals",
        "_words",
    },
    {"_record", "_processes", "contract", "features", "plots"},
    {"_folder", "catalogue", "segments", "profiles", "compare", "export", "report"},
    {"synth", "validation", "products", "monitor", "spark"},
    {"run"},
    {"workshop"},
    {"commands"},
    {"__main__"},
]

#: What a room may hold at most: lines of code (no blank lines, comments, docstrings), public names.
#: Growth is decided here: raise a number in the commit that needs it, and say why in its message.
MOST = {
    "_checks": (20, 0),
    "_chunks": (10, 0),
    "_duckdb": (15, 0),
    "_files": (80, 0),
    "_statistics": (40, 0),
    "_json": (60, 0),
    "_refits": (40, 0),
    "_notes": (30, 0),
    "_record": (65, 0),
    "_processes": (145, 0),
    "_rules": (290, 0),
    "_signals": (50, 0),
    "_words": (215, 0),
    "_folder": (220, 0),
    "contract": (3_715, 7),
    "features": (1_060, 7),
    "plots": (1_530, 15),
    "catalogue": (180, 10),
    "compare": (960, 10),
    "export": (2_455, 5),
    "profiles": (940, 5),
    "report": (1_070, 1),
    "segments": (1_845, 7),
    "validation": (1_355, 13),
    "monitor": (1_110, 6),
    "products": (480, 8),
    "spark": (325, 3),
    "synth": (1_960, 7),
    "run": (3_060, 5),
    "workshop": (2_335, 6),
    "commands": (1_650, 0),
    "__main__": (35, 0),
}

#: Dependencies that no file imports, and what they do.
TOOLS = {
    "jupyterlab": "make lab",
    "pytest-xdist": "make test",
    "mypy": "make lint",
    "ruff": "make lint",
    "build": "the wheel that a test installs",
    "hatchling": "the wheel that a test installs",
}
#: Names of dependencies and of what is imported, where they differ.
IMPORTED_AS = {
    "scikit-learn": "sklearn",
    "pillow": "PIL",
    "fonttools": "fontTools",
    "ipython": "IPython",
    "faiss-cpu": "faiss",
    "grpcio": "grpc",
}

#: Every public name of every room, one a line: ``make names`` writes it.
NAMES = ROOT / "tests" / "house" / "public_names.txt"


def tracked(pattern: str = ".") -> list[Path]:
    """Files of the repository; git that does not answer is an error, not an empty list."""
    ask = ["git", "ls-files", pattern]
    done = subprocess.run(ask, cwd=ROOT, capture_output=True, text=True, check=True)
    return [ROOT / name for name in done.stdout.splitlines() if (ROOT / name).is_file()]


@cache
def imports(file: Path) -> set[str]:
    """Full names that a file imports, wherever in the file, also by a relative name."""
    package = file.relative_to(ROOT).parent.parts
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            above = package[: len(package) + 1 - node.level] if node.level else ()
            module = [*above, *node.module.split(".")] if node.module else [*above]
            found |= {".".join([*module, alias.name]) for alias in node.names}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "importorskip":
            found.add(ast.literal_eval(node.args[0]))
    return found


def imports_of(file: Path) -> set[str]:
    """Rooms of the package that a file imports."""
    inside = {name.split(".")[1] for name in imports(file) if name.startswith("kequn_lab.")}
    return inside - {"__version__"}


def imported(*patterns: str) -> set[str]:
    """What the files of some folders import from elsewhere, by its first name."""
    found = {n.split(".")[0] for pattern in patterns for f in tracked(pattern) for n in imports(f)}
    own = {f.stem for f in tracked("*.py")} | {"kequn_lab"}
    return found - own - sys.stdlib_module_names


def code_lines(file: Path) -> int:
    """Lines of a file that hold code: no blank lines, comments and docstrings."""
    text = file.read_text(encoding="utf-8")
    no_code = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT}
    lines = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in {*no_code, tokenize.ENDMARKER}:
            lines |= set(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(ast.parse(text)):
        documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
        if isinstance(node, documented) and ast.get_docstring(node) is not None:
            lines -= set(range(node.body[0].lineno, node.body[0].end_lineno + 1))
    return len(lines)


def public_names() -> list[str]:
    """The public names of the package and of every room, with the room in front."""
    public = ["kequn_lab", *sorted(f"kequn_lab.{r}" for r in rooms() if not r.startswith("_"))]
    return [f"{room}.{name}" for room in public for name in sorted(import_module(room).__all__)]


def rooms() -> dict[str, list[Path]]:
    """Every room and its files: a module, or a folder of modules."""
    modules = {p.stem: [p] for p in PACKAGE.glob("*.py") if p.stem != "__init__"}
    folders = {
        p.name: sorted(p.rglob("*.py")) for p in PACKAGE.iterdir() if (p / "__init__.py").exists()
    }
    return {**modules, **folders}


def test_arrows_run_one_way():
    storey = {room: i for i, rooms_ in enumerate(STOREYS) for room in rooms_}
    assert set(storey) == set(rooms()), "every room stands on one storey"
    for room, files in rooms().items():
        for used in set().union(*map(imports_of, files)) - {room}:
            assert used in storey, f"{room} imports {used}, which is no room"
            assert storey[used] < storey[room], f"{room} may not use {used}"


@pytest.mark.parametrize(
    "line",
    [
        "import kequn_lab.run.inputs",
        "from kequn_lab import run",
        "from kequn_lab.run import analyse",
        "from .. import run",
        "from ..run import analyse",
        "def f():\n    from ..run.inputs import Inputs",
    ],
)
def test_an_arrow_is_seen_however_it_is_written(line, tmp_path, monkeypatch):
    monkeypatch.setitem(globals(), "ROOT", tmp_path)
    file = tmp_path / "kequn_lab" / "contract" / "cells.py"
    file.parent.mkdir(parents=True)
    file.write_text(line, encoding="utf-8")
    assert imports_of(file) == {"run"}


MODULES = sorted(
    ".".join(p.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    for files in rooms().values()
    for p in files
)


@pytest.mark.parametrize("name", MODULES)
def test_every_module_says_what_it_is_and_exports_what_it_has(name):
    """A module whose own name is private (`_text.py`, `__init__.py` aside) lists nothing."""
    module = import_module(name)
    assert module.__doc__
    private = re.search(r"\._[^_]", name)
    assert private or hasattr(module, "__all__"), f"{name} does not say what is public in it"
    for name in getattr(module, "__all__", ()):
        assert getattr(module, name).__doc__ or isinstance(getattr(module, name), tuple | dict)


def test_modules_are_small():
    long = {
        f"{p.relative_to(PACKAGE)}": n
        for p in PACKAGE.rglob("*.py")
        if (n := len(p.read_text(encoding="utf-8").splitlines())) > 420
    }
    assert not long


def test_rooms_hold_no_more_than_was_decided():
    assert set(MOST) == set(rooms()), "every room has its size in MOST"
    names = Counter(name.split(".")[1] for name in public_names())
    found = {room: (sum(map(code_lines, files)), names[room]) for room, files in rooms().items()}
    grown = {
        room: f"{found[room]}, decided were {MOST[room]} (lines, names)"
        for room in found
        if found[room][0] > MOST[room][0] or found[room][1] > MOST[room][1]
    }
    assert not grown, "see MOST in tests/house/test_package.py"


def test_no_public_name_appears_or_vanishes_unlisted():
    listed = NAMES.read_text(encoding="utf-8").split()
    found = public_names()
    new, gone = sorted({*found} - {*listed}), sorted({*listed} - {*found})
    assert (new, gone) == ([], []), "meant? then `make names` lists it"
    assert listed == found, "`make names` puts them in order"


def test_public_functions_of_two_arguments_describe_them():
    silent = []
    for public in public_names():
        room, name = public.rsplit(".", 1)
        thing = getattr(import_module(room), name)
        if inspect.isfunction(thing) and len(inspect.signature(thing).parameters) > 1:
            silent += [public] * ("\nParameters\n-----" not in inspect.getdoc(thing))
    assert not silent


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


def test_every_dependency_is_used_and_what_is_used_is_a_dependency():
    from packaging.requirements import Requirement

    def names(requirements):
        return {Requirement(text).name for text in requirements}

    def as_imported(requirements):
        return {IMPORTED_AS.get(n, n.replace("-", "_")) for n in names(requirements) - {*TOOLS}}

    extras = PROJECT["optional-dependencies"]
    package, kit = imported("kequn_lab/*.py"), imported("kequn_lab/*.py", "notebooks/*.py")
    assert names(PROJECT["dependencies"] + extras["test"]) >= set(TOOLS)
    assert as_imported(PROJECT["dependencies"]) <= kit, "a dependency that nobody uses"
    assert as_imported({*chain(*extras.values())}) <= imported("*.py")
    own = as_imported(PROJECT["dependencies"]) | {"pydantic_core"}  # a part of pydantic
    assert package <= own | as_imported(extras["sql"] + extras["spark"])
    pins = " ".join(file.read_text() for file in tracked("benchmarks/peers/*.txt")).split()
    peers = as_imported({pin.partition("==")[0] for pin in pins})
    assert imported("*.py") <= own | as_imported({*chain(*extras.values())}) | peers


def test_rooms_are_listed_where_a_reader_looks_for_them():
    public = {room for room in rooms() if not room.startswith("_")}
    in_docstring = re.findall(r"^    (\w+) {2,}\S", kequn_lab.__doc__, flags=re.MULTILINE)
    assert sorted(in_docstring) == sorted(public)
    for readme in ("README.md", "README.zh-CN.md"):
        table = re.findall(r"^\| (`.+?) \| .+ \| (.*)\|$", (ROOT / readme).read_text("utf-8"), re.M)
        listed = {tuple(re.findall(r"`(\w+)`", cell)): inside for cell, inside in table}
        assert sorted(sum(listed, ())) == sorted(public), readme
        for names, inside in listed.items():
            modules = {file.stem for name in names for file in rooms()[name]}
            assert set(re.findall(r"`(\w+)`", inside)) <= modules, (readme, names)


def test_paths_that_texts_name_are_there():
    made = (".venv", "data/output", "data/generated", "tables/", "figures/")
    for text in ("CONTRIBUTING.md", "README.md", "README.zh-CN.md"):
        said = (ROOT / text).read_text(encoding="utf-8")
        paths = re.findall(r"`((?:[\w.-]+/)+[\w.-]*)`|\]\(([\w./-]+)\)", said)
        for path in map("".join, paths):
            made = path.startswith(
                (".venv", "data/output", "data/generated", "tables/", "figures/")
            )
            assert made or (ROOT / path).exists(), f"{text} names {path}"
        for module, name in re.findall(r"`(\w+)` in\s+`(kequn_lab/[\w/]+\.py)`", said):
            code = (ROOT / name).read_text(encoding="utf-8")
            assert re.search(rf"^(def |class )?{module}\b", code, re.M), f"{module} in {name}"


def test_versions_agree_in_habits():
    read = {name: (ROOT / name).read_text(encoding="utf-8") for name in (
        "CITATION.cff", "CHANGELOG.md", ".pre-commit-config.yaml", "constraints.txt",
        ".github/workflows/test.yml",
    )}  # fmt: skip
    assert f"version: {PROJECT['version']}\n" in read["CITATION.cff"]
    assert f"license: {PROJECT['license']}\n" in read["CITATION.cff"]
    assert f"## [{PROJECT['version']}]" in read["CHANGELOG.md"]
    for ruff in re.findall(r"ruff==[\d.]+", read[".pre-commit-config.yaml"]):
        assert f"\n{ruff}\n" in read["constraints.txt"]
    tested = re.findall(r'"(3\.\d+)"', read[".github/workflows/test.yml"])
    said = [c.rpartition(" :: ")[2] for c in PROJECT["classifiers"] if "Python :: 3." in c]
    assert tested == said and PROJECT["requires-python"] == f">={tested[0]}"


def test_what_the_kit_is_built_on_is_asked_for():
    """The five libraries that were agreed; four of them the package itself imports."""
    asked = {re.split(r"[<>=]", d)[0] for d in PROJECT["dependencies"]}
    assert {"jupyterlab", "scikit-learn", "pandas", "matplotlib", "seaborn"} <= asked
    code = "\n".join(f.read_text(encoding="utf-8") for f in sorted(PACKAGE.rglob("*.py")))
    for name in ("sklearn", "pandas", "matplotlib", "seaborn"):
        assert re.search(rf"^\s*(import|from) {name}\b", code, re.MULTILINE), name


def test_top_level_holds_only_the_agreed_names():
    agreed = {
        "notebooks", "kequn_lab", "data", "environment.yml", "README.md", "README.zh-CN.md",
        "pyproject.toml", "constraints.txt", "Makefile", "LICENSE", "CITATION.cff", "tests",
        "CHANGELOG.md", "CONTRIBUTING.md", "benchmarks", ".ci", ".github", ".gitignore",
        ".gitattributes", ".pre-commit-config.yaml",
    }  # fmt: skip
    top = {p.relative_to(ROOT).parts[0] for p in tracked()}
    assert {"kequn_lab", "README.md"} <= top <= agreed


def test_no_machine_paths_and_no_large_files():
    for file in tracked():
        assert file.stat().st_size < 3 * 2**20, file
        if file.suffix in {".py", ".md", ".toml", ".csv", ".ipynb", ".yml", ".txt", ""}:
            text = file.read_text(encoding="utf-8")
            assert str(ROOT.parent) + "/" not in text, file


def test_no_two_files_of_tests_have_one_name():
    """pytest takes the first, and runs none of the tests of the second."""
    names = Counter(file.name for file in tracked() if file.name.startswith("test_"))
    assert [name for name, n in names.items() if n > 1] == []


@pytest.fixture(scope="module")
def wheel_python(tmp_path_factory):
    """A fresh venv with the wheel, over the packages that are installed here."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT]
    subprocess.run(build, check=True, capture_output=True)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder / "venv"], check=True)
    at = sysconfig.get_paths("venv", vars={"base": str(folder / "venv")})
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as wheel:
        wheel.extractall(at["purelib"])
    here = Path(import_module("pandas").__file__).parents[1]
    # The dependencies, after the wheel: the checkout itself is not on the path.
    Path(at["purelib"], "dependencies.pth").write_text(f"{here}\n", encoding="utf-8")
    return Path(at["scripts"], "python")


def test_wheel_finds_its_catalogue_and_font_and_runs(wheel_python, tmp_path):
    alone = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}  # not the checkout

    def run(*args):
        return subprocess.run(
            [wheel_python, *args],
            cwd=tmp_path,
            env=alone,
            capture_output=True,
            text=True,
            check=True,
        ).stdout

    where = run("-c", "import kequn_lab; print(kequn_lab.__file__)")
    assert str(PACKAGE) not in where
    assert "elderly" in run("-c", "from kequn_lab import catalogue; print(catalogue.segments())")
    assert "--events" in run("-m", "kequn_lab", "run", "--help")
    run(
        "-m",
        "kequn_lab",
        "run",
        "--synthetic",
        "200",
        "--stability",
        "0",
        "--out",
        "out",
        "--quiet",
    )
    assert (tmp_path / "out" / "labels.csv").stat().st_size > 1000
    run("-m", "kequn_lab", "workshop", "start", "class", "--language", "zh", "--no-lab")
    sample = ROOT / "data" / "sample"
    laid = {p.name: p.read_bytes() for p in (tmp_path / "class" / "data" / "sample").iterdir()}
    assert laid == {p.name: p.read_bytes() for p in sample.iterdir()}, "drawn as it is committed"
    chapters = {p.name for p in (ROOT / "notebooks" / "zh").glob("*.ipynb")}
    assert {p.name for p in (tmp_path / "class").glob("*.ipynb")} == chapters


if __name__ == "__main__":
    NAMES.write_text("".join(f"{name}\n" for name in public_names()), encoding="utf-8")
