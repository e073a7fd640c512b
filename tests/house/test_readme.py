"""What the READMEs and the headers of the mappings show is run, word for word, on small data."""

import re
import shlex
import tomllib
from contextlib import chdir
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from kequn_lab.__main__ import main
from kequn_lab.commands.parser import parser

ROOT = Path(__file__).resolve().parents[2]
READMES = ["README.md", "README.zh-CN.md"]
MAPPINGS = sorted(p.name for p in (ROOT / "data" / "mappings").glob("*.toml"))

#: Commands that are shown and not run here, and why.
NOT_RUN = {
    "make demo": "sets up an environment from the network, then `kequn run`",
    "make test": "this is part of it",
    "make lab": "sets up an environment and starts JupyterLab",
    "python -m venv .venv": "sets up an environment",
    ".venv/bin/pip install": "takes packages from the network",
    "conda env create": "sets up an environment",
}
#: What the shown commands are given besides, so that they take little time.
SHORT = {
    "run": ["--k", "3", "--stability", "0", "--starts", "2", "--quiet"],
    "workshop start": ["--no-lab"],
}


def blocks(readme: str) -> list[tuple[str, str]]:
    """Fenced blocks: language and text."""
    text = (ROOT / readme).read_text(encoding="utf-8")
    return re.findall(r"^```(\w*)\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)


def of_language(readme: str, language: str) -> list[str]:
    return [text for tag, text in blocks(readme) if tag == language]


def lines(script: str) -> list[str]:
    """Commands of a block: continued lines joined, comments off."""
    joined = script.replace("\\\n", " ").splitlines()
    return [c for line in joined if (c := re.split(r"(?:^|\s)#", line)[0].strip())]


def events_for(mapping: dict, as_of: str) -> pd.DataFrame:
    """Events of sixty customers in the words of a bank, as its mapping says them."""
    rng, n, m = np.random.default_rng(0), 1200, mapping["events"]
    days = pd.Timestamp(as_of) - pd.to_timedelta(rng.integers(0, 100, n), "D")
    ours = {
        "customer_id": np.char.add("00", (100 + rng.integers(0, 60, n)).astype(str)),
        "timestamp": days.strftime(m.get("date_format", "%Y-%m-%d")),
        "amount_cny": rng.lognormal(4, 1, n).round(2),
        "balance_cny": rng.lognormal(8, 1, n).round(2),
    }
    table = {}
    for name, theirs in m["columns"].items():
        codes = [c for c in m.get("codes", {}).get(name, {}) if c not in ("", "*")]
        table[theirs] = ours[name] if name in ours else rng.choice(codes or ["a", "b", "c"], n)
    return pd.DataFrame(table)


def run(command: str, folder: Path) -> None:
    """Run a command of this package in a folder."""
    name, *words = shlex.split(command)
    assert name == "kequn"
    more = SHORT.get(words[0], []) + SHORT.get(" ".join(words[:2]), [])
    with chdir(folder):
        assert main([*words, *more]) == 0, command


def option(command: str, name: str) -> str | None:
    words = shlex.split(command)
    return words[words.index(name) + 1] if name in words else None


def customers() -> pd.DataFrame:
    """Sixty customers as a bank's Excel export has them."""
    rng, n = np.random.default_rng(0), 60
    return pd.DataFrame(
        {
            "客户编号": [f"{i:018d}" for i in range(n)],
            "姓名": "张三",
            "年龄": rng.integers(18, 90, n),
            "金融资产": [f"{x:,.2f}" for x in rng.lognormal(9, 1, n)],
            "柜台笔数": rng.poisson(3, n),
            "是否有贷款": rng.choice(["是", "否"], n),
        }
    )


def lay_inputs(command: str, folder: Path, mapping: dict) -> None:
    """Write the files that a command reads, unless an earlier command made them."""
    words = shlex.split(command)
    given = [w for w in words[2:3] if not w.startswith("-")] + [option(command, "--events")]
    for name in (name for name in given if name and not (folder / name).exists()):
        if name.endswith(".xlsx"):
            customers().to_excel(folder / name, index=False)
        elif "." in name:
            as_of = option(command, "--as-of") or "2024-12-31"
            events_for(mapping, as_of).to_csv(folder / name, index=False)


def test_both_readmes_show_the_same():
    """The same headings, blocks, commands, pictures, rows of tables and items of lists."""
    english, chinese = map(outline, READMES)
    assert len(english) > 45 and {kind for kind, *_ in english} >= {"bash", "python", "picture"}
    for one, other in zip(english, chinese):
        assert one == other
    assert len(english) == len(chinese)


@pytest.mark.parametrize("readme", READMES)
def test_every_block_says_its_language(readme):
    assert {tag for tag, _ in blocks(readme)} <= {"bash", "toml", "python", "text"}


def outline(readme: str) -> list[tuple]:
    """What it contains, in order: headings, commands of blocks, pictures, tables, lists."""
    text = (ROOT / readme).read_text(encoding="utf-8")
    found: list[tuple] = []
    parts = r"^```(\w+)\n(.*?)^```$|^(?!```)([^\n]+)$"
    for tag, block, other in re.findall(parts, text, flags=re.MULTILINE | re.DOTALL):
        if tag:
            said = [c.split()[:2] for c in lines(block)] if tag == "bash" else block.count("\n")
            found.append((tag, said))
        elif other.startswith("#"):
            found.append(("heading", len(other) - len(other.lstrip("#"))))
        elif picture := re.match(r"!\[.+\]\((.+)\)", other):
            found.append(("picture", picture[1].replace("_zh.", ".")))
        elif other.startswith("|"):
            first = re.findall(r"`[^`]+`", other.split("|")[1])
            found.append(("row", tuple(first), other.count("|")))
        elif other.startswith("- "):
            found.append(("item",))
    return found


@pytest.mark.parametrize("readme", READMES)
def test_commands_of_a_readme_run_in_their_order(readme, tmp_path):
    shown = [c for block in of_language(readme, "bash") for c in lines(block)]
    mapping = {}
    for text in of_language(readme, "toml"):
        mapping |= tomllib.loads(text)
    for command in shown:
        if any(command.startswith(c) for c in NOT_RUN):
            continue
        lay_inputs(command, tmp_path, mapping)
        run(command, tmp_path)
        if command.startswith("kequn init"):  # the mapping that is shown takes its place
            (tmp_path / "mapping.toml").write_text(
                "".join(of_language(readme, "toml")), encoding="utf-8"
            )
    assert "kequn compare" in command  # all of them came to their end


@pytest.mark.parametrize("readme", READMES)
def test_python_of_a_readme_runs(readme, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    known = {"table": customers()}
    for text in of_language(readme, "python"):
        exec(text.replace("k=5", "k=3, stability=0, starts=2, quiet=True"), known)
    assert len(known["result"].labels) == 60
    assert {p.suffix for p in tmp_path.iterdir()} == {".html", ".xlsx"}


@pytest.mark.parametrize("readme", READMES)
def test_commands_and_options_within_the_text_exist(readme):
    text = (ROOT / readme).read_text(encoding="utf-8")
    spans = re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL))
    commands = parser().commands
    known = {o for c in commands.values() for o in c._option_string_actions}
    for span in spans:
        if span.startswith("kequn "):
            assert span.split()[1] in commands, span
        if "kequn " in span or span.startswith("-"):
            assert set(re.findall(r"(?<!\S)--[a-z-]+", span)) <= known, span
        if span.startswith("make "):
            makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
            assert re.search(rf"^(\w+ )*{span.split()[1]}( \w+)*:", makefile, flags=re.MULTILINE), (
                span
            )


@pytest.mark.parametrize("readme", READMES)
def test_links_and_rooms_of_a_readme_are_there(readme):
    text = (ROOT / readme).read_text(encoding="utf-8")
    for link in re.findall(r"\]\(([^)#]+)\)", text):
        assert link.startswith("https://") or (ROOT / link).exists(), link
    rooms = {p.stem for p in (ROOT / "kequn_lab").glob("[!_]*") if p.name != "fonts"}
    if table := re.findall(r"^\| ((?:`\w+` )+)\|.*\|(.*)\|$", text, flags=re.MULTILINE):
        named = {r: inside for cell, inside in table for r in re.findall(r"`(\w+)`", cell)}
        assert set(named) == rooms
        for room, inside in named.items():
            for module in re.findall(r"`(\w+)`", inside):
                assert list((ROOT / "kequn_lab").glob(f"**/{module}.py")), f"{room}: {module}"


@pytest.mark.parametrize("name", MAPPINGS)
def test_command_in_the_header_of_a_mapping_runs(name, tmp_path):
    text = (ROOT / "data" / "mappings" / name).read_text(encoding="utf-8")
    [command] = re.findall(r"^# (kequn .*)$", text, flags=re.MULTILINE)
    (tmp_path / name).write_text(text, encoding="utf-8")
    lay_inputs(command, tmp_path, tomllib.loads(text))
    run(command, tmp_path)
    assert (tmp_path / option(command, "--out") / "labels.csv").exists()
