"""The first hour of a new user, from the outside: commands and public calls only."""

from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import kequn_lab as kq
from kequn_lab.__main__ import main

pytestmark = pytest.mark.usefixtures("few_pictures")

QUICK = ["--k", "3", "--stability", "0", "--starts", "2", "--quiet"]


@pytest.fixture(scope="module")
def customers() -> pd.DataFrame:
    """A wide table as a bank's Excel holds it, text columns included."""
    rng = np.random.default_rng(1)
    group = np.arange(150) % 3
    return pd.DataFrame(
        {
            "客户编号": [f"62220000000000{i:04d}" for i in range(150)],
            "姓名": [f"张{i}" for i in range(150)],
            "年龄": (30 + group * 12 + rng.normal(0, 3, 150)).round().astype(int),
            "存款余额": [f"{v:,.2f}" for v in np.exp(9 + group + rng.normal(0, 0.4, 150))],
            "手机银行": rng.choice(["是", "否"], 150),
            "地区": rng.choice(["华东", "华北"], 150),
            "月交易": rng.poisson(3 + 5 * group),
        }
    )


@pytest.fixture
def kequn(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def call(*args) -> str:
        capsys.readouterr()
        assert main([str(a) for a in args]) == 0, "".join(capsys.readouterr())
        return "".join(capsys.readouterr())

    return call


def ids(folder: str) -> list[str]:
    return sorted(pd.read_csv(Path(folder, "labels.csv"), dtype="str")["customer_id"])


def test_an_export_with_a_total_row_becomes_labels_in_one_command(kequn, customers):
    total = pd.DataFrame([{"客户编号": "合计", "存款余额": "9,999,999.00"}])
    table = pd.concat([customers.astype("str"), total])
    table.to_csv("导出.csv", index=False, encoding="gb18030")
    said = kequn("run", "导出.csv", "--skip-bad-rows", *QUICK, "--language", "zh", "--out", "o")
    assert ids("o") == sorted(customers["客户编号"])
    for word in ("GB18030", "合计行", "存款余额", "千位分隔符", "手机银行", "姓名", "地区"):
        assert word in said or word in Path("o/report.html").read_text(encoding="utf-8"), word
    refused = pd.read_csv("o/tables/refused_features.csv", dtype="str")
    assert refused["客户编号"].tolist() == ["合计"]


def test_a_workbook_becomes_labels_in_one_command_without_naming_the_id(kequn, customers):
    customers.to_excel("客户.xlsx", index=False)
    said = kequn("run", "客户.xlsx", *QUICK, "--out", "o")
    assert ids("o") == sorted(customers["客户编号"]) and "客户编号" in said
    assert "姓名" in said and "地区" in said and "Open o/report.html" in said


def test_transactions_become_labels_by_init_and_run(kequn, customers):
    rng = np.random.default_rng(2)
    n = 8 * len(customers)
    days = pd.Timestamp("2024-01-05") + pd.to_timedelta(rng.integers(0, 350, n), "D")
    events = pd.DataFrame(
        {
            "客户号": np.repeat(customers["客户编号"], 8),
            "交易日期": days.strftime("%Y年%m月%d日"),
            "交易金额": [f"{v:,.2f}" for v in np.exp(rng.normal(5, 1, n))],
            "渠道": rng.choice(["手机银行", "柜面"], n),
        }
    )
    events.to_csv("流水.csv", index=False, encoding="gb18030")
    said = kequn("init", "流水.csv")
    command = next(line for line in said.splitlines() if "kequn run" in line).split()
    kequn(*command[1:-2], *QUICK, "--out", "o")
    assert ids("o") == sorted(customers["客户编号"])


def test_frames_with_whole_numbers_as_ids_become_labels_in_one_call(customers):
    table = customers.assign(客户编号=np.arange(150) + 10**15)
    for frame in (table, pl.from_pandas(table), pa.Table.from_pandas(table)):
        result = kq.segment(frame, id="客户编号", k=3, stability=0, starts=2, quiet=True)
        assert result.labels["customer_id"].tolist() == table["客户编号"].tolist()
        said = " ".join(note["text_zh"] for note in result.record["notes"])
        assert "姓名" in said and "存款余额" in said


def test_from_the_folder_on_nothing_is_fitted_again(kequn, customers, monkeypatch):
    customers.to_excel("客户.xlsx", index=False)
    kequn("run", "客户.xlsx", *QUICK, "--out", "o")
    before = ids("o")

    def fit(*args, **kwargs):
        raise AssertionError("fitted again")

    monkeypatch.setattr("kequn_lab.segments.kmeans.KMeansSearch.fit", fit)
    kequn("rename", "o", "1=高净值客户")
    assert ids("o") == before
    assert "高净值客户" in Path("o/report.html").read_text(encoding="utf-8")
    assert "高净值客户" in Path("o/labels.csv").read_text(encoding="utf-8-sig")
    kequn("report", "o", "--language", "zh")
    assert "SELECT" in kequn("sql", "o", "--dialect", "postgresql", "--table", "customers")
    kequn("plot", "o", "sizes")
    assert kequn("compare", "o", "o")
