"""A scorecard as a dbt project: the model, tests of its columns, and the golden rows as a seed."""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path

from kequn_lab.export._card_json import ABOUT
from kequn_lab.export._records import stamps
from kequn_lab.export.golden import golden_rows
from kequn_lab.export.sql import DIALECTS, _name, scorecard_sql

__all__ = ["write_dbt"]

_CUSTOMERS = "kequn_lab_customers_of_the_bank"  # replaces the relation until dbt knows it

_PROJECT = """\
name: kequn_segments
version: "{version}"
config-version: 2
profile: kequn_segments  # the connection in your profiles.yml
model-paths: [models]
macro-paths: [macros]
seed-paths: [seeds]
test-paths: [tests]
vars:
  kequn_schema: {schema}
"""
_MODEL = "{{{{ kequn_label(source('bank', {table})) }}}}\n"
_AGREE = """\
-- Golden rows that this database labels in another way than the scorecard: none may be left.
with labelled as (
  select * from ({{{{ kequn_label(ref('kequn_golden_rows')) }}}}) labels
)
select golden.{id}, golden.golden_case, golden.expected_cluster, labelled.cluster
from {{{{ ref('kequn_golden_rows') }}}} golden
left join labelled on labelled.{id} = golden.{id}
where coalesce(golden.expected_cluster, -1) <> coalesce(labelled.cluster, -1)
"""


def write_dbt(
    card, folder: str | Path, dialect: str, *, table: str, id_column: str = "customer_id"
) -> None:
    """Write a dbt project that labels customers and tests itself by the golden rows.

    Parameters
    ----------
    card : Scorecard
    folder : path
        Of the project; must not be there, or be empty.
    dialect : str
        Of the database, as :func:`~kequn_lab.export.sql.scorecard_sql`.
    table : str
        ``customers`` or ``schema.customers``: the source of the model.
    id_column : str
        The column that names the customer.

    Raises
    ------
    FileExistsError
        The folder holds something already.
    ValueError
        As :func:`~kequn_lab.export.sql.scorecard_sql`; or a level that dbt would run as its own
        code.

    Notes
    -----
    ``dbt seed`` loads the golden rows, ``dbt run`` writes the table ``kequn_segments``, ``dbt
    test`` fails where the database gives a golden row another label.
    """
    folder = Path(folder)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise FileExistsError(f"{folder} is there already; name a new folder for the dbt project")
    *schema, name = table.split(".")
    files = {
        "dbt_project.yml": _PROJECT.format(
            version=card.trained_on.replace("-", "."), schema=json.dumps(".".join(schema) or "main")
        ),
        "macros/kequn_label.sql": _macro(card, dialect, id_column),
        "models/kequn_segments.sql": _MODEL.format(table=json.dumps(name)),
        "models/schema.yml": _schema(card, name, id_column),
        "seeds/kequn_golden_rows.csv": _seed(card, id_column),
        "seeds/schema.yml": _seed_types(card, DIALECTS[dialect].double),
        "tests/kequn_golden_rows_agree.sql": _AGREE.format(id=_name(id_column, DIALECTS[dialect])),
    }
    folder.parent.mkdir(parents=True, exist_ok=True)
    stage = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        for path, text in files.items():
            (stage / path).parent.mkdir(exist_ok=True)
            (stage / path).write_text(text, encoding="utf-8", newline="\n")
        stage.chmod(0o755)
        if folder.exists():
            folder.rmdir()
        stage.rename(folder)
    except BaseException:
        shutil.rmtree(stage, ignore_errors=True)
        raise


def _macro(card, dialect: str, id_column: str) -> str:
    """The SELECT as a macro of the relation; all else is raw text to dbt."""
    sql = scorecard_sql(card, dialect, table=_CUSTOMERS, id_column=id_column)
    if "endraw" in sql:
        raise ValueError("a level holds the text 'endraw', which dbt would run; rename the level")
    quoted = _name(_CUSTOMERS, DIALECTS[dialect])
    parts = [f"{{% raw %}}{part}{{% endraw %}}" for part in sql.split(quoted)]
    return "\n".join([
        f"{{#- kequn_lab scorecard {card.model_id} -#}}",
        "{% macro kequn_label(customers) %}", "{{ customers }}".join(parts), "{% endmacro %}", "",
    ])  # fmt: skip


def _schema(card, table: str, id_column: str) -> str:
    """Tests of the columns. JSON is YAML that needs no rules of quoting."""
    segments = sorted({s.segment_id for s in card.segments})
    columns = [
        {"name": id_column, "data_tests": ["unique", "not_null"]},
        {"name": "cluster", "data_tests": [{"not_null": {"config": {"severity": "warn"}}}]},
        {"name": "segment_id",
         "data_tests": [{"accepted_values": {"arguments": {"values": segments}}}]},
        *({"name": name, "description": ABOUT[name][0]} for name in stamps(card)),
    ]  # fmt: skip
    source = {"name": "bank", "schema": "{{ var('kequn_schema') }}", "tables": [{"name": table}]}
    return _json({
        "version": 2,
        "sources": [source],
        "models": [{"name": "kequn_segments", "columns": columns,
                    "description": f"Segments of customers, scorecard {card.model_id}"}],
    })  # fmt: skip


def _seed(card, id_column: str) -> str:
    rows = golden_rows(card).rename(columns={"customer_id": id_column})
    return rows.to_csv(index=False, lineterminator="\n")


def _seed_types(card, double: str) -> str:
    kinds = {f.name: double for f in card.features}
    return _json({
        "version": 2,
        "seeds": [{"name": "kequn_golden_rows", "config": {"column_types": kinds}}],
    })  # fmt: skip


def _json(record: dict) -> str:
    return json.dumps(record, ensure_ascii=False, indent=2) + "\n"
