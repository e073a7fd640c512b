"""The table of benchmarks: its clock, its peers, and what the texts quote from it."""

import json
import os
import sys
from pathlib import Path

import pandas as pd
import pytest

ROOT = Path(__file__).resolve().parents[2]
BENCH = ROOT / "benchmarks"


@pytest.fixture(scope="module", autouse=True)
def modules():
    """The scripts import each other by name, as they do where they are run."""
    before = list(sys.path)
    sys.path.insert(0, str(BENCH))
    yield
    sys.path[:] = before


def spin(n: int) -> list[str]:
    return [sys.executable, "-c", f"sum(i * i for i in range({n}))"]


def test_a_command_is_as_fast_as_itself_and_a_longer_one_is_not():
    import timing

    calls = {n: (lambda i, n=n: timing.run(spin(n), cores=1)) for n in (3_000_000, 12_000_000)}
    runs = timing.in_turns(calls, 5)
    short, long = runs.values()
    assert all(r.cpu_s > 0.05 and r.clock_s >= 0.9 * r.cpu_s and r.peak_mb > 3 for r in short)
    assert timing.spread(timing.noise(short, "cpu_s"))["median"] == pytest.approx(1, abs=0.4)
    found = timing.ratios(short, long, "cpu_s")
    assert len(found) == 5 and max(found) < 0.8


def test_turns_alternate_and_ratios_are_run_by_run():
    import timing

    order = []

    def call(name, seconds):
        def one(i):
            order.append(name)
            return timing.Run(seconds[i], 1, 1, {"inertia": [seconds[i], 1]})

        return one

    runs = timing.in_turns({"a": call("a", [1, 4, 9]), "b": call("b", [2, 2, 3])}, 3)
    assert order == ["a", "b", "b", "a", "a", "b"]
    assert timing.ratios(*runs.values(), "cpu_s") == [0.5, 2, 3]
    assert timing.ratios(*runs.values(), "inertia") == [0.5, 1, 2, 1, 3, 1]
    assert timing.noise(runs["a"], "cpu_s") == [1 / 4, 4 / 9, 9]
    assert timing.spread([3, 1, 2]) == {"median": 2, "least": 1, "largest": 3}


def test_a_workload_can_say_what_its_work_alone_used(tmp_path):
    import timing

    code = (
        "import timing\nx = bytearray(60_000_000)\nfor i in range(0, 60_000_000, 4096): x[i] = 1\n"
        "sum(range(5_000_000))\nwith timing.measured(customers=7): pass"
    )
    file = tmp_path / "work.py"
    file.write_text(code, encoding="utf-8")
    run = timing.run([sys.executable, str(file)], env={"PYTHONPATH": str(BENCH)})
    assert run.clock_s < 0.05 and run.facts == {"customers": 7} and run.peak_mb > 55


@pytest.mark.parametrize("part", ["duckdb", "pandas"])
def test_a_script_of_the_whole_job_labels_every_customer(tmp_path, part):
    import timing

    script = str(BENCH / "workloads" / "whole_job.py")
    paths = os.pathsep.join([str(ROOT), str(BENCH)])
    for step in ("prepare", part):
        command = [sys.executable, script, step, str(tmp_path), "customers=100"]
        timing.run(command, env={"PYTHONPATH": paths})
    assert len(pd.read_csv(tmp_path / f"{part}.csv")) == 100


def test_a_failing_command_says_what_and_why():
    import timing

    with pytest.raises(timing.CommandFailed, match=r"exit code 1: (.|\n)*KeyError: 'segment'"):
        timing.run([sys.executable, "-c", "{}['segment']"])
    with pytest.raises(timing.CommandFailed, match="ended after 0 s"):
        timing.run([sys.executable, "-c", "import time; time.sleep(60)"], limit_s=0.3)
    with pytest.raises(timing.CommandFailed, match="no-such-program cannot be started"):
        timing.run(["no-such-program"])


def test_a_peer_that_is_not_here_is_said_and_not_dropped(monkeypatch):
    import environments
    import table
    from tasks import Goal, Peer, Task

    def absent():
        raise environments.NotHere("R is not here")

    monkeypatch.setattr(environments, "rscript", absent)
    task = Task("toy", "toy", "玩具", "imports.py", {}, None, "cpu_s",
                (Peer("R", "R", "toy.R"), Peer("itself", "ours", "ours")),
                (Goal("ratio:cpu_s", 100, peer="itself"), Goal("ratio:cpu_s", 1, peer="R")),
                prepare="")  # fmt: skip
    row = table.measure(task, quick=False, rounds=2)
    assert row["peers"][0] == {"name": "R", "name_zh": "R", "not_run": "R is not here"}
    assert row["peers"][1]["ratio"]["cpu_s"]["median"] == pytest.approx(1, abs=0.5)
    assert [(g["found"] is None, g["met"]) for g in row["goals"]] == [(False, True), (True, None)]
    assert "not run: R is not here" in "\n".join(table._markdown_row(row))


def test_pins_of_peers_are_versions_alone_and_agree_with_the_kit():
    from tasks import TASKS

    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").split()
    kit = dict(line.lower().split("==") for line in lines)
    for file in (BENCH / "peers").glob("*.txt"):
        pins = dict(line.lower().split("==") for line in file.read_text(encoding="utf-8").split())
        if file.stem in ("tables", "learn", "faiss"):
            assert {n: v for n, v in pins.items() if n in kit and kit[n] != v} == {}, file.name
    wanted = {p.env for t in TASKS for p in t.peers} - {"ours", "former", "R"}
    assert wanted <= {file.stem for file in (BENCH / "peers").glob("*.txt")}
    for task in TASKS:
        assert task.rounds >= 5 and task.quick_rounds >= 5, task.name
        assert (BENCH / "workloads" / task.script).exists(), task.name


def test_texts_quote_the_results():
    """Whoever edits the figures of a text, or the results, alone is told to run `--readme`."""
    import table

    results = json.loads(table.RESULTS.read_text(encoding="utf-8"))
    written = table.RESULTS.with_suffix(".md").read_text(encoding="utf-8")
    assert written == table.markdown(results), "python benchmarks/table.py --readme"
    for language, readme in table.READMES.items():
        found = table.BLOCK.search(readme.read_text(encoding="utf-8"))
        assert found, f"{readme.name} has no block of the benchmarks"
        assert found[0] == found[1] + table.readme_block(results, language) + found[2], readme.name


def test_a_size_that_is_measured_again_leaves_the_other_rows_of_growth_and_texts_quote_them():
    import growth

    rows = json.loads(growth.ROWS.read_text(encoding="utf-8"))
    new = {**rows[0], "cpu_s": 1.0}
    assert growth.merged(rows, [new]) == [new, *rows[1:]]
    other = {**new, "customers": 1}
    assert growth.merged(rows, [other]) == [other, *rows]
    other = {**new, "command": "sort"}
    assert growth.merged(rows, [other]) == [*rows, other]
    assert growth.TEXT.read_text(encoding="utf-8").endswith("\n\n" + growth.table(rows, "en"))
    for language, readme in growth.READMES.items():
        found = growth.BLOCK.search(readme.read_text(encoding="utf-8"))
        assert found[0] == found[1] + growth.table(rows, language) + found[2], readme.name


def test_readmes_quote_the_table_of_spark():
    import spark

    lines = spark.rows_of(spark.TABLE.read_text(encoding="utf-8"))
    assert lines
    for language, readme in spark.READMES.items():
        found = spark.BLOCK.search(readme.read_text(encoding="utf-8"))
        assert found[0] == found[1] + spark.table(lines, language) + found[2], readme.name


def test_a_feature_and_a_label_that_spark_finds_otherwise_are_counted(tmp_path):
    import spark

    for name, value, label in (("one", 3.0, 1), ("two", 3.0 * (1 + 1e-6), 2)):
        (tmp_path / name).mkdir()
        table = pd.DataFrame({"customer_id": ["a", "b"], "x": [value, None], "cluster": [label, 0]})
        for file, column in (("features", "x"), ("labels", "cluster")):
            table[["customer_id", column]].to_parquet(tmp_path / name / f"{file}.parquet")
    gap, wrong = spark.differences(tmp_path / "one", tmp_path / "two")
    assert gap == pytest.approx(1e-6, rel=1e-3) and wrong == 1


def test_where_we_lose_comes_from_the_rows():
    import table

    results = json.loads(table.RESULTS.read_text(encoding="utf-8"))
    kind = "full" if "full" in results else "quick"
    for part in [*results]:
        if part != kind:
            del results[part]
    row = next(r for r in results[kind]["rows"] if any("ratio" in p for p in r["peers"]))
    peer = next(p for p in row["peers"] if "ratio" in p)
    peer["ratio"][row["measure"]] = {"median": 77.0, "least": 70.0, "largest": 80.0}
    peer["name"] = "somebody"
    row["goals"] = [{"target": "≤ 1", "found": 77.0, "met": False}]
    text = table.readme_block(results, "en")
    assert f"\n- {row['en']}: ≤ 1: 77; 77 of somebody" in text
