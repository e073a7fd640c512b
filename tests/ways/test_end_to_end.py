"""The command line from files to results, on hand-made, synthetic and real input."""

import html
import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from kequn_lab.__main__ import main

RUN_FILES = {
    "labels.csv",
    "labels.meta.json",
    "scorecard.json",
    "report.html",
    "run.json",
}


@pytest.fixture(scope="module")
def bank(tmp_path_factory):
    """Forty customers, two kinds of them, a year of events: as CSV files."""
    folder = tmp_path_factory.mktemp("bank")
    rng = np.random.default_rng(0)
    old = np.arange(40) < 20
    ids = [f"{i:018d}" for i in range(40)]
    pd.DataFrame(
        {"customer_id": ids, "age_years": np.where(old, 70, 25) + rng.integers(0, 5, 40)}
    ).to_csv(folder / "customers.csv", index=False)
    who = rng.integers(0, 40, 2000)
    channel = np.where(old[who], "counter", "mobile")
    other = rng.choice(["atm", "web"], 2000)
    pd.DataFrame(
        {
            "customer_id": np.array(ids)[who],
            "timestamp": pd.Timestamp("2024-01-01")
            + pd.to_timedelta(rng.integers(0, 365 * 24, 2000), "h"),
            "amount_cny": rng.lognormal(4, 1, 2000).round(2),
            "channel": np.where(rng.random(2000) < 0.8, channel, other),
        }
    ).to_csv(folder / "events.csv", index=False)
    return folder


def run(*args) -> int:
    return main([str(a) for a in args])


def run_bank(bank, out, *more, events="events.csv", customers="customers.csv") -> int:
    return run(
        "run", "--events", bank / events, "--customers", bank / customers,
        "--as-of", "2024-12-31", "--k", 2, "--stability", 0, "--out", out, "--quiet", *more,
    )  # fmt: skip


def test_run_on_files_writes_labels_that_keep_18_digit_ids(bank, tmp_path, capsys):
    names = "0=elderly,1=low_mid_income"  # too few features for a signature: a person names them
    assert run_bank(bank, tmp_path / "out", "--names", names) == 0
    out = tmp_path / "out"
    assert {p.name for p in out.iterdir()} >= RUN_FILES
    assert list((out / "figures").glob("*.png"))
    labels = pd.read_csv(out / "labels.csv", dtype={"customer_id": str}, encoding="utf-8-sig")
    assert (out / "labels.csv").read_bytes().startswith(b"\xef\xbb\xbf")
    assert labels["customer_id"].tolist() == [f"{i:018d}" for i in range(40)]
    assert labels.groupby("cluster")["customer_id"].apply(set).tolist() in (
        [set(labels["customer_id"][:20]), set(labels["customer_id"][20:])],
        [set(labels["customer_id"][20:]), set(labels["customer_id"][:20])],
    )
    record = json.loads((out / "run.json").read_text(encoding="utf-8"))
    assert [f["rows"] for f in record["inputs"]] == [40, 2000]
    assert all(len(f["sha256"]) == 64 for f in record["inputs"])
    assert record["rows"] == {"customers": 40}
    assert record["features"]["left_out"]["cash_share"] == "no type in events"
    assert "40 customers" in capsys.readouterr().out


def test_synthetic_run_says_synthetic_everywhere(tmp_path, capsys):
    assert run("run", "--synthetic", 400, "--out", tmp_path / "out", "--quiet") == 0
    assert "(synthetic)" in capsys.readouterr().out
    record = json.loads((tmp_path / "out" / "run.json").read_text(encoding="utf-8"))
    sidecar = json.loads((tmp_path / "out" / "labels.meta.json").read_text(encoding="utf-8"))
    assert record["synthetic"] is True
    assert sidecar["synthetic"] is True
    from PIL import Image

    for picture in (tmp_path / "out" / "figures").glob("*.png"):
        assert "synthetic" in " ".join(map(str, Image.open(picture).info.values())).lower()


def test_scorecard_of_a_run_labels_the_same_customers_the_same(bank, tmp_path):
    assert run_bank(bank, tmp_path / "out") == 0
    card = tmp_path / "out" / "scorecard.json"
    code = run(
        "score", "--scorecard", card, "--events", bank / "events.csv",
        "--customers", bank / "customers.csv", "--as-of", "2024-12-31", "--out", tmp_path / "next",
    )  # fmt: skip
    assert code == 0
    made, scored = (
        pd.read_csv(tmp_path / f / "labels.csv", dtype={"customer_id": str})
        for f in ("out", "next")
    )
    assert scored["customer_id"].tolist() == made["customer_id"].tolist()
    assert scored["cluster"].tolist() == made["cluster"].tolist()


def test_names_carry_on_from_the_previous_run(bank, tmp_path):
    assert run_bank(bank, tmp_path / "may", "--names", "0=elderly,1=young_adult") == 0
    may = pd.read_csv(tmp_path / "may" / "labels.csv", dtype=str).set_index("customer_id")
    # Fewer of the first cluster's customers: the other one becomes the larger, cluster 0.
    gone = may.index[may["segment_id"] == "elderly"][:5]
    for name in ("customers.csv", "events.csv"):
        table = pd.read_csv(bank / name, dtype=str)
        table[~table["customer_id"].isin(gone)].to_csv(tmp_path / name, index=False)
    assert run_bank(tmp_path, tmp_path / "june", "--previous", tmp_path / "may") == 0
    june = pd.read_csv(tmp_path / "june" / "labels.csv", dtype=str).set_index("customer_id")
    assert set(june.loc[june["segment_id"] == "elderly", "cluster"]) == {"1"}
    assert june["segment_id"].equals(may.loc[june.index, "segment_id"])
    migration = pd.read_csv(tmp_path / "june" / "tables" / "migration.csv")
    assert migration.loc[migration["segment_after"] == "(left)", "customers"].tolist() == [5]


def test_range_of_k_is_weighed_and_the_rule_is_recorded(bank, tmp_path):
    args = ["--k", "2:4", "--stability", 4]
    assert run_bank(bank, tmp_path / "out", *args) == 0
    record = json.loads((tmp_path / "out" / "run.json").read_text(encoding="utf-8"))
    assert record["parameters"]["ks"] == [2, 3, 4]
    assert record["parameters"]["n_clusters"] == 2  # forty customers of two kinds
    why = record["parameters"]["k_why_en"]
    report = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "silhouette" in why and html.escape(why, quote=False) in report
    assert pd.read_csv(tmp_path / "out" / "tables" / "scores.csv")["k"].tolist() == [2, 3, 4]
    verdict = pd.read_csv(tmp_path / "out" / "tables" / "segment_stability.csv")
    assert verdict["chance_separation"].notna().all()  # read against data without segments


def test_same_input_and_seed_give_the_same_labels(bank, tmp_path):
    for name in ("a", "b"):
        assert run_bank(bank, tmp_path / name) == 0
    assert (tmp_path / "a" / "labels.csv").read_bytes() == (
        tmp_path / "b" / "labels.csv"
    ).read_bytes()


def _events(**changes):
    def write(folder):
        table = pd.read_csv(folder / "events.csv", dtype={"customer_id": str})
        for column, value in changes.items():
            if value is None:
                table = table.drop(columns=column)
            else:
                table[column] = table[column].astype(object)
                table.loc[6, column] = value
        table.to_csv(folder / "wrong.csv", index=False)

    return write


@pytest.mark.parametrize(
    ("write", "says"),
    [
        (_events(timestamp=None), "missing column"),
        (_events(amount_cny=-3), "line 8, column 'amount_cny': must be >= 0; found -3"),
        (_events(amount_cny=""), "line 8, column 'amount_cny': missing value"),
        (_events(timestamp="yesterday"), "line 8, column 'timestamp': not a date"),
        (_events(channel="fax"), "line 8, column 'channel': not one of"),
        (_events(customer_id="77"), "line 8, column 'customer_id': not in the customer table"),
        (lambda f: (f / "wrong.csv").write_bytes(b""), "wrong.csv: 1 violation"),
        (lambda f: (f / "wrong.csv").mkdir(), "is a folder"),
        (lambda f: None, "does not exist"),
    ],
)
def test_wrong_events_stop_the_run_and_nothing_is_written(bank, tmp_path, capsys, write, says):
    for name in ("events.csv", "customers.csv"):
        (tmp_path / name).write_bytes((bank / name).read_bytes())
    write(tmp_path)
    before = {p.name for p in tmp_path.iterdir()}
    assert run_bank(tmp_path, tmp_path / "out", events="wrong.csv") == 1
    assert says in capsys.readouterr().err
    assert {p.name for p in tmp_path.iterdir()} == before


def test_duplicate_customer_is_named_with_both_lines(bank, tmp_path, capsys):
    (tmp_path / "events.csv").write_bytes((bank / "events.csv").read_bytes())
    table = pd.read_csv(bank / "customers.csv", dtype=str)
    pd.concat([table, table.head(1)]).to_csv(tmp_path / "customers.csv", index=False)
    assert run_bank(tmp_path, tmp_path / "out") == 1
    error = capsys.readouterr().err
    assert "line 2, column 'customer_id': not unique" in error
    assert "line 42, column 'customer_id': not unique" in error


def test_bad_rows_can_be_set_aside_into_a_file(bank, tmp_path):
    (tmp_path / "customers.csv").write_bytes((bank / "customers.csv").read_bytes())
    text = (bank / "events.csv").read_text().splitlines()
    text[4] = "torn"
    text[9] = text[9].replace("2024-", "soon-", 1)
    text.append("999,2024-02-02 10:00:00,5,web")
    (tmp_path / "events.csv").write_text("\n".join(text))
    assert run_bank(tmp_path, tmp_path / "out", "--skip-bad-rows") == 0
    refused = pd.read_csv(tmp_path / "out" / "tables" / "refused_events.csv")
    assert refused["refused_line"].tolist() == [5, 10, 2002]
    assert refused["customer_id"].tolist()[0] == "torn"
    record = json.loads((tmp_path / "out" / "run.json").read_text(encoding="utf-8"))
    assert record["inputs"][1]["rows"] == 1998
    assert record["inputs"][1]["refused"] == 3


def test_fewer_customers_than_clusters(bank, tmp_path, capsys):
    assert run_bank(bank, tmp_path / "out", "--k", 41) == 1
    assert "40 customers cannot form 41 clusters" in capsys.readouterr().err


@pytest.fixture
def flags(tmp_path):
    """A run of 400 customers whom three yes/no columns tell apart."""
    rows = np.random.default_rng(0).integers(0, 2, (400, 3))
    pd.DataFrame(rows, columns=["web", "loan", "card"]).rename_axis("customer_id").to_csv(
        tmp_path / "flags.csv"
    )
    return ["run", "--features", tmp_path / "flags.csv", "--starts", 3, "--stability", 0, "--quiet"]


@pytest.mark.parametrize("more", [["--k", 4], ["--k", 8, "--stability", 2], ["--k", 1]])
def test_eight_kinds_of_customers_are_enough_to_run(tmp_path, flags, more):
    assert run(*flags, "--out", tmp_path / "out", *more) == 0
    labels = pd.read_csv(tmp_path / "out" / "labels.csv")
    assert (len(labels), labels["cluster"].nunique()) == (400, more[1])


@pytest.mark.parametrize(
    ("k", "says"), [("9", "8 distinct rows, at most 8"), ("2:9", "8 distinct rows of X: at most 8")]
)
def test_more_clusters_than_kinds_of_customers(tmp_path, capsys, flags, k, says):
    assert run(*flags, "--out", tmp_path / "out", "--k", k, "--stability", 2) == 1
    assert says in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_values_too_large_to_square_are_refused(tmp_path, capsys):
    table = tmp_path / "t.csv"
    pd.DataFrame({"customer_id": range(40), "a": [1e200, -1e200] * 20, "b": range(40)}).to_csv(
        table, index=False
    )
    assert run("run", "--features", table, "--k", 3, "--out", tmp_path / "out", "--quiet") == 1
    assert "first line 3, column 'a': must be " in capsys.readouterr().err


def test_columns_that_tell_no_customers_apart_are_left_out_by_name(tmp_path, capsys):
    table = pd.DataFrame({"customer_id": list("abcdef"), "x": range(6), "y": 1})
    table["z"] = list("uvwxyz")
    table["half"] = [1, 2, *[None] * 4]
    table.to_csv(tmp_path / "t.csv", index=False)
    args = ["run", "--features", tmp_path / "t.csv", "--k", 2, "--out", tmp_path / "out", "--quiet"]
    assert run(*args) == 0
    said = "".join(capsys.readouterr())
    assert "Left out, as text: z ('u')" in said
    assert "Left out of the model: y (constant), half (missing for 67 % of customers)" in said
    record = json.loads((tmp_path / "out" / "run.json").read_text(encoding="utf-8"))
    assert record["features"]["used"] == ["x"]


def test_output_place_that_is_a_file(bank, tmp_path, capsys):
    (tmp_path / "out").write_text("mine")
    assert run_bank(bank, tmp_path / "out") == 1
    assert run_bank(bank, tmp_path / "out" / "deeper") == 1
    assert "is a file" in capsys.readouterr().err
    assert (tmp_path / "out").read_text() == "mine"


def test_failure_while_writing_leaves_the_old_results_whole(bank, tmp_path, monkeypatch, capsys):
    assert run_bank(bank, tmp_path / "out") == 0
    before = {p.name: p.read_bytes() for p in (tmp_path / "out").iterdir() if p.is_file()}

    def full(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("kequn_lab.run.results.write_json", full)
    monkeypatch.setattr("kequn_lab.export.write_labels", full)
    assert run_bank(bank, tmp_path / "out", "--seed", 5) == 1
    assert "No space left" in capsys.readouterr().err
    assert {p.name: p.read_bytes() for p in (tmp_path / "out").iterdir() if p.is_file()} == before
    assert {p.name for p in tmp_path.iterdir()} == {"out"}


@pytest.mark.parametrize(
    "args",
    [
        ["run"],
        ["score", "--out", "x", "--scorecard", "s", "--events", "e.csv"],
        ["run", "--out", "x", "--customers", "c.csv"],
        ["run", "--out", "x", "--features", "f.csv", "--events", "e.csv"],
        ["run", "--out", "x", "--as-of", "31/12/2024"],
        ["run", "--out", "x", "--k", "many"],
        ["check"],
        ["dance"],
        [],
    ],
)
def test_wrong_usage_is_exit_code_2(args):
    with pytest.raises(SystemExit) as stop:
        main(args)
    assert stop.value.code == 2


def test_check_lists_findings(bank, tmp_path, capsys):
    assert run("check", "--events", bank / "events.csv", "--customers", bank / "customers.csv") == 0
    assert "2,000 of 2,000 rows are valid" in capsys.readouterr().out
    (tmp_path / "events.csv").write_text(
        "customer_id,timestamp,amount_cny\n1,2024-01-01,5\n1,2024-01-01,-5\n1,no,5\n"
    )
    assert run("check", "--events", tmp_path / "events.csv") == 1
    out = capsys.readouterr().out
    assert "1 of 3 rows are valid" in out
    assert "line 4, column 'timestamp': not a date" in out


def test_module_runs_as_a_program():
    done = subprocess.run(
        [sys.executable, "-m", "kequn_lab", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("kequn_lab ")


@pytest.mark.parametrize(
    ("table", "mapping", "options", "customers", "refused"),
    [
        ("berka/feup/trans_test.csv", "berka_translated", ["--as-of", "1998-12-05"], 177, 0),
        (
            "berka/asc/trans.asc", "berka",
            ["--as-of", "1994-03-31", "--skip-bad-rows"], 1229, 1,
        ),
        (
            "chinese/taidi_supermarket_gbk/task1_1_cleaned_transactions.csv", "supermarket_zh",
            ["--as-of", "2015-04-30", "--months", "4"], 2612, 0,
        ),
    ],
)  # fmt: skip
def test_real_tables_run(shared, tmp_path, table, mapping, options, customers, refused):
    from pathlib import Path

    mappings = Path(__file__).resolve().parents[2] / "data" / "mappings"
    code = run(
        "run", "--events", shared / "data" / table, "--mapping", mappings / f"{mapping}.toml",
        *options, "--k", 4, "--stability", 0, "--out", tmp_path / "out", "--quiet",
    )  # fmt: skip
    assert code == 0
    labels = pd.read_csv(tmp_path / "out" / "labels.csv", dtype=str)
    assert len(labels) == customers
    record = json.loads((tmp_path / "out" / "run.json").read_text(encoding="utf-8"))
    assert record["inputs"][0]["refused"] == refused
    assert record["synthetic"] is None
    assert "counter_share" in record["features"]["left_out"]
    if refused:
        aside = pd.read_csv(tmp_path / "out" / "tables" / "refused_events.csv")
        assert aside["refused_line"].tolist() == [49104]
        assert "PRIJE" in str(aside.iloc[0].tolist())


def test_torn_berka_stops_without_skipping(shared, tmp_path, capsys):
    code = run(
        "run", "--events", shared / "data" / "berka" / "asc" / "trans.asc",
        "--as-of", "1994-03-31", "--out", tmp_path / "out", "--quiet",
    )  # fmt: skip
    assert code == 1
    assert "line 49104" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
