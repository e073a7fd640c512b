"""Random small tables through the commands: each comes to an end, with results or with a reason.

``KEQUN_FUZZ=300`` tries that many tables instead of a few.
"""

import os
import signal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from kequn_lab.__main__ import main

pytestmark = pytest.mark.usefixtures("few_pictures")

SECONDS = 60
MANY = int(os.environ.get("KEQUN_FUZZ", "16"))


def column(rng, n: int) -> tuple[str, list]:
    """One column as a person or a machine may have written it."""
    kinds = {
        "normal": lambda: rng.normal(size=n).round(3),
        "money": lambda: rng.lognormal(9, 1.5, n).round(2),
        "thousands": lambda: [f"{v:,.2f}" for v in rng.lognormal(9, 1, n)],
        "yuan": lambda: [f"¥{v:,.2f}" for v in rng.lognormal(9, 1, n)],
        "percent": lambda: [f"{v:.1f}%" for v in rng.random(n) * 100],
        "flag": lambda: rng.integers(0, 2, n),
        "yesno": lambda: rng.choice(["是", "否"], n),
        "constant": lambda: np.full(n, 7),
        "few": lambda: rng.integers(0, 3, n),
        "huge": lambda: rng.normal(size=n) * 1e12,
        "tiny": lambda: rng.normal(size=n) * 1e-9,
        "gaps": lambda: np.where(rng.random(n) < 0.6, "", rng.integers(0, 90, n).astype(str)),
        "empty": lambda: [""] * n,
        "word": lambda: rng.choice(["北京", "上海", "Zürich"], n),
        "date": lambda: [f"2024-{1 + i % 12:02d}-{1 + i % 28:02d}" for i in range(n)],
        "dirty": lambda: [str(v) if v > 2 else "abc" for v in rng.integers(0, 90, n)],
        "outlier": lambda: np.r_[rng.normal(size=n - 1), 1e9],
        "code": lambda: rng.choice([101, 102, 205], n),
    }
    kind = rng.choice(list(kinds))
    return kind, list(kinds[kind]())


def table(seed: int) -> tuple[pd.DataFrame, str, str]:
    """A table, the encoding and the separator to write it in."""
    rng = np.random.default_rng(seed)
    n = int(rng.choice([1, 2, 3, 5, 12, 40, 90]))
    ids = {
        "zeros": [f"{i:05d}" for i in range(n)],
        "long": [f"62284800{i:010d}" for i in range(n)],
        "twice": [f"{i // 2}" for i in range(n)],
        "nan": ["nan" if i == 0 else f"{i}" for i in range(n)],
        "plain": [str(i) for i in range(n)],
        "total": ["合计" if i == n - 1 else f"{i}" for i in range(n)],
    }
    kind = rng.choice(list(ids), p=[0.25, 0.25, 0.1, 0.1, 0.2, 0.1])
    out = {"客户号": ids[kind]}
    for i in range(int(rng.integers(1, 7))):
        name, values = column(rng, n)
        out[f"{name}_{i}"] = values
    df = pd.DataFrame(out)
    if rng.random() < 0.3:
        df = pd.concat([df, df.iloc[:, 1:].add_prefix("copy_")], axis=1)
    encoding = str(rng.choice(["utf-8", "utf-8-sig", "gb18030", "utf-16"]))
    return df, encoding, str(rng.choice([",", ";", "\t"]))


@pytest.fixture
def limited():
    """End a command that takes too long, as a failure that says so."""
    if not hasattr(signal, "SIGALRM"):
        yield
        return

    def over(*_):
        raise AssertionError(f"still running after {SECONDS} s")

    before = signal.signal(signal.SIGALRM, over)
    signal.alarm(SECONDS)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize("seed", range(MANY))
def test_any_table_ends_in_labels_for_everybody_or_in_a_reason(
    seed, tmp_path, monkeypatch, capsys, limited
):
    monkeypatch.chdir(tmp_path)
    df, encoding, separator = table(seed)
    df.to_csv("t.csv", index=False, encoding=encoding, sep=separator)
    given = ["--features", "t.csv", "--id", "客户号"]
    quick = ["--stability", "3", "--starts", "3", "--quiet"]
    k = str(np.random.default_rng(seed).choice([1, 2, 3, 8]))
    code = main(["run", *given, "--k", k, *quick, "--out", "o"])
    text = capsys.readouterr()
    assert "Traceback" not in text.err and "fault of kequn" not in text.err, text.err
    if code == 0:
        labels = pd.read_csv("o/labels.csv", dtype={"customer_id": "str"})
        assert sorted(labels["customer_id"]) == sorted(df["客户号"])
        assert not labels["segment_id"].isna().any()
    else:
        assert code == 1 and text.err.strip() and not Path("o").exists()
        assert len(text.err) < 5_000
    verdict = main(["check", *given])
    assert verdict == code or "k" in text.err, "check and run agree about the table"
    if code == 0:
        score = ["score", "--scorecard", "o/scorecard.json", *given, "--out", "s"]
        assert main(score) == 0
        again = pd.read_csv("s/labels.csv", dtype={"customer_id": "str"})
        both = labels.merge(again, on="customer_id")
        assert len(both) == len(labels) and (both["cluster_x"] == both["cluster_y"]).all()
    assert not list(Path().rglob(".*")), "nothing is left over"
