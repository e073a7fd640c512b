"""Every way out of the house gives the golden rows their labels: PMML, SAS, dbt, a workbook."""

import dataclasses
import json
import os
import re
import shutil
import subprocess

import duckdb
import numpy as np
import pandas as pd
import pytest
from jinja2 import Environment, StrictUndefined
from openpyxl import load_workbook
from xlsxwriter.worksheet import Worksheet

from kequn_lab.export._records import fact
from kequn_lab.export.golden import disagreements
from kequn_lab.export.scorecard import Scorecard, ScorecardFeature, ScorecardSegment
from kequn_lab.export.workbook import write_workbook

OFFICE = shutil.which("soffice")


@pytest.fixture
def small():
    """Two segments, one feature that nothing fills."""
    age = ScorecardFeature("age", "years", None, 18, 90, False, 44, 15, 0, (), (1,))
    centres = ((0, "young_adult", -1.0), (1, "elderly", 1.0))
    segments = tuple(
        ScorecardSegment(k, name, name, name, "", None, 0.5, (at,)) for k, name, at in centres
    )
    return Scorecard((age,), segments, trained_on="2024-12-31", customers=100)


# PMML ------------------------------------------------------------------------------------------


def scored(pmml: str, rows: pd.DataFrame) -> pd.DataFrame:
    """By an evaluator that is not ours."""
    pypmml = pytest.importorskip("pypmml", reason="pypmml is not installed")
    if shutil.which("java") is None:
        pytest.skip("no Java, which the evaluator needs")
    labels = pypmml.Model.fromString(pmml).predict(rows)
    return labels.assign(customer_id=rows["customer_id"].to_numpy())


def test_pmml_labels_as_the_scorecard(any_card, golden, agree):
    assert agree(scored(any_card.to_pmml(), golden))


def test_pmml_with_another_fill_is_found(any_card, golden):
    features = (dataclasses.replace(any_card.features[0], fill=90.0), *any_card.features[1:])
    wrong = dataclasses.replace(any_card, features=features)
    assert len(disagreements(golden, scored(wrong.to_pmml(), golden)))


def test_pmml_gives_no_label_where_nothing_fills_a_gap(small):
    rows = pd.DataFrame({"customer_id": ["a", "b"], "age": [30.0, np.nan]})
    found = scored(small.to_pmml(), rows)
    assert found["cluster"].iloc[0] == 0
    assert pd.isna(found["cluster"].iloc[1])


def test_pmml_keeps_to_its_schema(any_card, tmp_path):
    """The Data Mining Group's schema is not part of the checkout; a copy is
    ``pmml-model/src/main/schema/pmml.xsd`` of JPMML-Model."""
    if "KEQUN_PMML_XSD" not in os.environ or shutil.which("xmllint") is None:
        pytest.skip("needs xmllint, and in KEQUN_PMML_XSD the file of the schema of PMML 4.4")
    pmml, path = any_card.to_pmml(), tmp_path / "m.pmml"
    wrong = pmml.replace('functionName="clustering"', 'functionName="clusters"')
    for text, faults in ((pmml, 0), (wrong, 1)):
        path.write_text(text, encoding="utf-8")
        command = ["xmllint", "--noout", "--schema", os.environ["KEQUN_PMML_XSD"], path]
        done = subprocess.run(command, capture_output=True, text=True)
        assert bool(done.returncode) == bool(faults), done.stderr


# SAS -------------------------------------------------------------------------------------------


def run_sas(program: str, rows: pd.DataFrame) -> pd.DataFrame:
    """A reader of the few statements that the step uses: assignment, if, then, do, end."""
    body = program[program.index("cluster = .") : program.rindex("run;")]
    tokens = re.findall(r"'(?:[^']|'')*'n?|[^;']+|;", body)
    statements, now = [], ""
    for token in tokens:
        if token == ";":
            statements.append(now.strip())
            now = ""
        else:
            now += token
    lines, depth = ["def label(row):", " v = Values(row)"], 1
    for statement in statements:
        opened = 0
        while m := re.match(r"if (.+?) then (.*)", statement, flags=re.S):
            lines.append(" " * (depth + opened) + f"if {python(m[1])}:")
            opened, statement = opened + 1, m[2]
        if statement == "do":
            depth += opened
        elif statement == "end":
            depth -= 1
        elif statement and not statement.startswith("length "):
            name, value = re.split(r" = ", statement, maxsplit=1)
            lines.append(" " * (depth + opened) + f"v[{name!r}] = {python(value)}")
    kept = re.search(r"keep=(?:'.*?'n|\w+) (.+?)\)", program)[1].split()
    lines.append(f" return [v[name] for name in {kept!r}]")
    scope: dict = {"Values": Values, **SAS}
    exec("\n".join(lines), scope)
    out = [scope["label"](row) for row in rows.to_dict("records")]
    labels = pd.DataFrame(out, columns=kept)
    return labels.assign(customer_id=rows["customer_id"].to_numpy())


class Values(dict):
    """A row; names that nobody has set yet are missing."""

    def __missing__(self, name):
        raise AssertionError(f"{name} is read before it is set")


def missing(x):
    return x is None or x != x


SAS = {
    "missing": missing,
    "sqrt": np.sqrt,
    "log": lambda x: np.nan if missing(x) else np.log(x),
    "sign": lambda x: np.sign(x),
    "strip": lambda s: s.strip(" "),
    "tranwrd": lambda s, old, new: ("" if missing(s) else s).replace(old, new),
    "choosen": lambda i, *values: values[i - 1],
}


def python(text: str) -> str:
    """An expression of the step in Python; texts are set aside first."""
    texts: list[str] = []

    def aside(found):
        body = found[1].replace("''", "'")
        texts.append(f"v[{body!r}]" if found[2] else repr(body))
        return f"\0{len(texts) - 1}\0"

    text = re.sub(r"'((?:[^']|'')*)'(n?)", aside, text)
    known = {*SAS, "and", "not", "in", "abs"}
    text = re.sub(r"(?<![\w.\0])[A-Za-z_]\w*",
                  lambda m: m[0] if m[0] in known else f"v[{m[0]!r}]", text)  # fmt: skip
    text = re.sub(r"(?<![<>=!])=(?!=)", "==", text)
    text = re.sub(r"(?<!\w)\.(?!\w)", "None", text)
    return re.sub(r"\0(\d+)\0", lambda m: texts[int(m[1])], " ".join(text.split()))


def test_the_sas_step_labels_as_the_scorecard(any_card, golden, agree):
    labels = run_sas(any_card.to_sas(table="work.customers"), golden)
    assert agree(labels.replace("", None))


def test_a_sas_step_with_another_border_is_found(any_card, golden):
    program = any_card.to_sas(table="work.customers")
    wrong = re.sub(r"(_z0 = \(.+?) / (\S+);", r"\1 / (1.1 * \2);", program)
    assert wrong != program and len(disagreements(golden, run_sas(wrong, golden)))


def test_a_sas_step_says_what_sas_does_not_take(small):
    for bad in ("a.b.c", "x; run; proc delete", "t" * 24, ""):
        with pytest.raises(ValueError, match="SAS takes library.name"):
            small.to_sas(table=bad)
    with pytest.raises(ValueError, match="cannot name a column in SAS"):
        small.to_sas(table="work.t", id_column="x" * 33)
    assert "keep='客户编号'n cluster" in small.to_sas(table="t", id_column="客户编号")


# dbt -------------------------------------------------------------------------------------------


def test_the_dbt_project_runs_in_duckdb_and_its_golden_rows_agree(
    any_card, golden, agree, tmp_path
):
    """Rendered as dbt renders: ``ref`` and ``source`` become relations."""
    folder = tmp_path / "segments"
    any_card.to_dbt(folder, "duckdb", table="crm.customers", id_column="客户编号")
    env = Environment(undefined=StrictUndefined)
    env.globals |= {"ref": lambda name: f'"{name}"', "source": lambda _, name: f'"{name}"'}
    macro = env.from_string((folder / "macros/kequn_label.sql").read_text("utf-8")).module
    env.globals["kequn_label"] = macro.kequn_label

    def rendered(path):
        return env.from_string((folder / path).read_text("utf-8")).render()

    seed = folder / "seeds/kequn_golden_rows.csv"
    types = json.loads((folder / "seeds/schema.yml").read_text("utf-8"))
    types = types["seeds"][0]["config"]["column_types"]
    with duckdb.connect() as con:
        con.execute(f"CREATE TABLE kequn_golden_rows AS FROM read_csv('{seed}', types={types})")
        con.execute("CREATE TABLE customers AS FROM kequn_golden_rows")
        labels = con.sql(rendered("models/kequn_segments.sql")).df()
        assert con.sql(rendered("tests/kequn_golden_rows_agree.sql")).df().empty
        con.execute("UPDATE kequn_golden_rows SET expected_cluster = 1 - expected_cluster "
                    "WHERE expected_cluster IN (0, 1)")  # fmt: skip
        assert len(con.sql(rendered("tests/kequn_golden_rows_agree.sql")).df()) > 10
    assert agree(labels.rename(columns={"客户编号": "customer_id"}))
    schema = json.loads((folder / "models/schema.yml").read_text("utf-8"))
    assert schema["sources"][0]["tables"] == [{"name": "customers"}]


def test_a_dbt_project_never_overwrites(small, tmp_path):
    (tmp_path / "mine").mkdir()
    small.to_dbt(tmp_path / "mine", "postgresql", table="customers")  # empty
    before = sorted(p.name for p in tmp_path.rglob("*"))
    with pytest.raises(FileExistsError, match="mine is there already"):
        small.to_dbt(tmp_path / "mine", "duckdb", table="customers")
    with pytest.raises(ValueError, match="unknown dialect"):
        small.to_dbt(tmp_path / "new", "db2", table="customers")
    assert sorted(p.name for p in tmp_path.rglob("*")) == before


# The workbook ----------------------------------------------------------------------------------


def calculated(path, tmp_path):
    """The workbook as LibreOffice calculates it; the sheet as a table."""
    if OFFICE is None:
        pytest.skip("no LibreOffice (Debian: apt-get install libreoffice-calc-nogui)")
    subprocess.run(
        [OFFICE, f"-env:UserInstallation=file://{tmp_path}/profile", "--headless",
         "--convert-to", "xlsx:Calc MS Excel 2007 XML", "--outdir", tmp_path / "done", path],
        check=True, capture_output=True, timeout=120,
    )  # fmt: skip
    return {
        name: pd.read_excel(tmp_path / "done" / path.name, name, header=None, engine="calamine")
        for name in ("label", "golden")
    }


def test_the_workbook_labels_the_golden_rows_by_formulas(any_card, golden, tmp_path):
    path = tmp_path / "labels.xlsx"
    write_workbook({"labels": golden[["customer_id"]]}, path, card=any_card)
    book = load_workbook(path)
    typed = golden[golden["golden_case"] == "border"].iloc[0]
    cells = {row[0].value: row[2] for row in book["label"].iter_rows(min_row=7)}
    for name in any_card.feature_names:
        cells[name].value = typed[name]
    book.save(path)
    sheets = calculated(path, tmp_path)
    shown = sheets["golden"].set_index(0)
    assert shown.iloc[0, 1] == len(golden) == shown.iloc[0, 3]
    rows = shown.loc[["customer_id", "cluster"]].iloc[:, 1:].T
    assert disagreements(golden, rows.reset_index(drop=True)).empty
    label = sheets["label"].set_index(0)[2]
    assert label["→"] == typed["expected_segment_id"]
    assert sheets["label"].iloc[2, 1] == f"{label['name_zh']} · {label['name_en']}"
    assert label["segment_id"] == typed["expected_segment_id"]
    for name in ("permanent_id", "run_id") if any_card.run_id else ():
        assert label[name] == fact(any_card, any_card.segments[int(label["cluster"])], name)
    assert label["name_zh"] == any_card.segments[int(label["cluster"])].name_zh


def test_the_workbook_finds_a_changed_number(any_card, golden, tmp_path):
    path = tmp_path / "labels.xlsx"
    write_workbook({"labels": golden[["customer_id"]]}, path, card=any_card)
    book = load_workbook(path)
    first = any_card.feature_names[0]
    row = next(row for row in book["model"].iter_rows() if row[0].value == first)
    row[6].value += 10  # the mean of the first feature
    book.save(path)
    assert calculated(path, tmp_path)["golden"].iloc[0, 2] < len(golden)


def test_formulas_are_not_looked_through_for_new_functions(any_card, tmp_path, monkeypatch):
    looked = []
    monkeypatch.setattr(Worksheet, "_prepare_formula", lambda self, text, *_: looked.append(text))
    write_workbook({}, tmp_path / "labels.xlsx", card=any_card)
    assert looked == []
