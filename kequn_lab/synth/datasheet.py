"""The data sheet of a synthetic bank, written from the code's own tables."""

from __future__ import annotations

from typing import Any

from kequn_lab.contract.tables import CUSTOMERS, EVENTS, HOLDINGS, Column, Contract
from kequn_lab.synth.recipe import GENERATOR, Recipe

__all__ = ["OUTCOMES", "TRUTH", "datasheet"]

_ID = Column("customer_id", "id", "SYN and ten digits", required=True)
_P: dict[str, Any] = {"dtype": "number", "unit": "probability", "ge": 0, "le": 1}

TRUTH = Contract(
    "truth",
    (
        _ID,
        Column("segment_id", "text", "the segment that the customer was drawn from"),
        Column("second_segment_id", "text", "the other segment of a hybrid", nullable=True),
        Column("primary_weight", "number", "weight of the first segment; 1 when pure", "share"),
    ),
    key=("customer_id",),
)
OUTCOMES = Contract(
    "outcomes",
    (
        _ID,
        Column("called", "boolean", "was called about an offer; a random half"),
        Column("accepts_probability_called", meaning="accepts if called", **_P),
        Column("accepts_probability_not_called", meaning="accepts if not called", **_P),
        Column("accepted", "boolean", "accepted the offer"),
        Column("default_probability", meaning="does not pay a loan", nullable=True, **_P),
        Column("defaulted", "boolean", "did not pay within the next year", nullable=True),
        Column("closes_probability", meaning="closes the account within a year", **_P),
        Column("closes_within_year", "boolean", "will close it within a year"),
        Column("activates", "boolean", "newcomers: uses the account after its first month"),
    ),
    key=("customer_id",),
)


def datasheet(recipe: Recipe) -> str:
    """Markdown: that the bank is synthetic, its recipe, and every column."""
    lines = [
        "# A synthetic bank",
        "",
        "**Synthetic.** No customer, account or payment in these files exists. Ids start with SYN.",
        "",
        f"- generator: kequn_lab, generator {GENERATOR}",
        f"- customers: {recipe.n_customers:,}",
        f"- events: {recipe.months} months to {recipe.as_of.date()}",
        f"- preset: {recipe.preset}; profile: {recipe.profile}; random_state: {recipe.seed}",
        "",
        "`truth` and `outcomes` are what no bank has: use them to check, not to fit. A score on",
        "this bank says nothing about a real one: generator and features have the same author.",
        "",
        "Balances follow from events: what was on the account `current` before the first event is",
        "its balance less what came in and went out since, to the fen, and not below 0.",
    ]
    for contract in (CUSTOMERS, EVENTS, HOLDINGS, TRUTH, OUTCOMES):
        lines += ["", f"## {contract.name}", "", *column_table(contract)]
    return "\n".join(lines) + "\n"


def column_table(contract: Contract) -> list[str]:
    """The columns of a table as lines of Markdown."""
    rows = contract.describe()
    rows = rows[rows["column"] != "balance_cny"] if contract is EVENTS else rows
    lines = ["| column | type | unit | may be missing | values | meaning |", "|" + " --- |" * 6]
    for r in rows.itertuples():
        missing = "yes" if r.nullable else ""
        lines.append(
            f"| {r.column} | {r.dtype} | {r.unit} | {missing} | {r.allowed} | {r.meaning} |"
        )
    return lines
