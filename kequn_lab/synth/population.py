"""What the synthetic customers are like: every number as data, checked, with its source.

The numbers are in ``data/catalogue/population/*.csv``, one row per parameter, and may be edited
in a copy of that folder. ``sources.csv`` says of every number whether it comes from the article,
is calibrated to a published figure, or is an assumption.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np
import pandas as pd

from kequn_lab import _words, catalogue
from kequn_lab.contract.reading import read_table
from kequn_lab.contract.tables import Column, Contract, ContractError, convert, violations_frame

__all__ = ["Population", "parameter_table", "read_population"]

CHANNELS = tuple(_words.CHANNELS)
TYPES = ("consume", "income_in", "transfer_out", "merchant_in", "cash", "loan", "tax_payroll",
         "invest")  # fmt: skip
LATENTS = ("size", "activity", "digital", "safety")
LOANS = ("micro_loan", "consumer_loan")
SIMPLEXES = ("tier", "opening", "risk", "channel", "type", "split")
SEGMENTS = ("micro_enterprise", "sole_proprietor", "farm_household", "young_adult",
            "low_mid_income", "structured_deposit", "elderly", "scitech_corporate",
            "gig_worker")  # fmt: skip
_SUM_TOLERANCE = 1e-6


def _contract(name, key, numbers, texts=()):
    columns = [Column(key[0], "id", required=True)]
    columns += [Column(t, "text", required=True) for t in texts]
    columns += [Column(n, "number", required=True) for n in numbers]
    return Contract(f"population/{name}.csv", tuple(columns), key=key)


TABLES = {
    "segments": _contract("segments", ("parameter",), SEGMENTS, ("unit", "family")),
    "hybrids": _contract(
        "hybrids", ("segment_id", "second_segment_id"), ("share",), ("second_segment_id",)
    ),
    "profiles": _contract(
        "profiles",
        ("parameter",),
        ("state_big", "internet_retail", "internet_corp", "direct_bank"),
        ("unit",),
    ),
    "presets": _contract(
        "presets", ("parameter",), ("easy", "standard", "hard", "sealed"), ("unit",)
    ),
    "drift": _contract(
        "drift", ("parameter",), ("none", "mild", "new_segment", "segment_leaving"), ("unit",)
    ),
    "loadings": _contract("loadings", ("parameter",), LATENTS),
    "products": _contract(
        "products",
        ("product",),
        ("minimum_cny", "minimum_business_cny", "step_cny", "term_months", "matures", "turnover"),
    ),
    "constants": _contract("constants", ("parameter",), ("value",), ("unit", "meaning")),
}

# Least and largest value by the unit of a parameter.
_BOUNDS = {
    "share": (0, 1),
    "share of customers": (0, 1),
    "share of newcomers": (0, 1),
    "share per year": (0, 1),
    "probability": (0, 1),
    "0 or 1": (0, 1),
    "factor": (0, np.inf),
    "log weight": (-10, 10),
    "log units": (0, 10),
    "logit": (-20, 20),
    "logit per sd": (-20, 20),
    "logit units": (0, 10),
    "latent sd": (-10, 10),
    "months": (0, 1200),
    "years": (0, 120),
    "count": (0, np.inf),
    "minutes": (0, np.inf),
    "per event": (0, 1),
    "per year": (0, 10_000),
    "relative size": (0, np.inf),
    "CNY": (0, np.inf),
    "CNY per year": (0, np.inf),
}


@dataclass(frozen=True)
class Population:
    """The parameters of a population, checked; made by :func:`read_population`.

    Every table is indexed by parameter; ``segments`` has a column per segment, ``presets``,
    ``profiles`` and ``drift`` a column per setting.
    """

    segments: pd.DataFrame
    hybrids: pd.DataFrame
    profiles: pd.DataFrame
    presets: pd.DataFrame
    drift: pd.DataFrame
    loadings: pd.DataFrame
    products: pd.DataFrame
    constants: pd.Series
    units: dict[tuple[str, str], str]
    families: pd.Series
    folder: Path

    def group(self, prefix: str) -> list[str]:
        """Parameters of a group, as ``channel_mobile`` … for ``channel``, in file order."""
        return [p for p in self.segments.index if p.startswith(f"{prefix}_")]

    @cached_property
    def mixable(self) -> np.ndarray:
        """Parameters where hybrids are mixed: logs, logits and log shares; (segments, all)."""
        out = self.segments.to_numpy(float).T.copy()
        family = self.families.to_numpy()
        out[:, family == "log"] = np.log(out[:, family == "log"])
        p = out[:, family == "logit"]
        out[:, family == "logit"] = np.log(p / (1 - p))
        shares = out[:, family == "simplex"]
        out[:, family == "simplex"] = np.log(np.maximum(shares, self.constants["simplex_floor"]))
        return out

    @cached_property
    def pairs(self) -> np.ndarray:
        """Probability of each second segment, given the first; (segments, segments)."""
        share = self.hybrids.set_index(["segment_id", "second_segment_id"])["share"]
        grid = pd.MultiIndex.from_product([SEGMENTS, SEGMENTS])
        return share.reindex(grid, fill_value=0).to_numpy().reshape(len(SEGMENTS), -1)

    @cached_property
    def correlation(self) -> np.ndarray:
        """Correlation of the latents, (4, 4)."""
        return self.loadings.loc[[f"corr_{x}" for x in LATENTS], list(LATENTS)].to_numpy()


def read_population(folder: str | Path | None = None) -> Population:
    """Read and check the parameters, the kit's own or an edited copy of their folder.

    Parameters
    ----------
    folder : path, optional
        A copy of ``data/catalogue/population``; None for the kit's own.

    Returns
    -------
    Population

    Raises
    ------
    FileNotFoundError
        The folder lacks one of the tables.
    ContractError
        Cells are wrong; each is named by file, line and column.

    Examples
    --------
    >>> read_population().presets.loc["hybrid_share", "standard"]
    np.float64(0.55)
    """
    own = catalogue.path() / "population"
    folder = own if folder is None else Path(folder)
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder} is no folder; copy {own.name}/ of the catalogue there")
    stamp = max(file.stat().st_mtime_ns for file in own.glob("*.csv"))
    reference = _own(own, stamp)
    if folder == own:
        return _population(folder, reference)
    return _population(folder, {name: _table(folder, name, reference) for name in TABLES})


@lru_cache(maxsize=1)
def _own(folder: Path, _stamp: int) -> dict[str, pd.DataFrame]:
    return {name: _table(folder, name, None) for name in TABLES}


def _population(folder: Path, tables: dict[str, pd.DataFrame]) -> Population:
    kept = {n: t.set_index(TABLES[n].key[0]).rename_axis(None) for n, t in tables.items()}
    units = {(n, p): t["unit"][p] for n, t in kept.items() if "unit" in t for p in t.index}
    numbers = {n: t.drop(columns=["unit", "family"], errors="ignore") for n, t in kept.items()}
    out = Population(
        **{n: numbers[n] for n in ("segments", "profiles", "presets", "drift", "loadings")},
        products=numbers["products"],
        hybrids=tables["hybrids"].reset_index(drop=True),
        constants=numbers["constants"]["value"],
        units=units,
        families=kept["segments"]["family"],
        folder=folder,
    )
    _check_latents(out)
    return out


def _table(folder: Path, name: str, reference: dict[str, pd.DataFrame] | None) -> pd.DataFrame:
    """One file in its types, indexed by line; wrong cells stop it."""
    contract = TABLES[name]
    table = read_table(folder / f"{name}.csv")
    known = [c.name for c in contract.columns]
    typed, wrong = convert(table, contract)
    found = [wrong]
    for column in table.columns.difference(known):
        near = difflib.get_close_matches(column, known, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        found.append(violations_frame([1], column, f"unknown column{hint}", [column], "line"))
    _stop(folder, name, found)
    if reference is not None and name != "hybrids":
        _stop(folder, name, _row_faults(contract.key[0], typed, reference[name]))
    _stop(folder, name, [*_range_faults(name, typed), *_sum_faults(name, typed)])
    return typed[known]


def _row_faults(key, table, reference):
    """Rows that the kit's own table lacks, or that it has and this one lacks."""
    for row in reference[key][~reference[key].isin(table[key])]:
        yield violations_frame([pd.NA], key, "missing row", [row])
    strange = table.loc[~table[key].isin(reference[key]), key]
    for line, row in strange.items():
        near = difflib.get_close_matches(row, reference[key], n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        yield violations_frame([line], key, f"unknown{hint}", [row], "line")


def _range_faults(name, table):
    """Cells outside what their unit allows; probabilities that are mixed as logits exclude 0, 1."""
    numbers = [c.name for c in TABLES[name].columns if c.dtype == "number"]
    for line, row in table.iterrows():
        low, high = _BOUNDS.get(row.get("unit", ""), (-np.inf, np.inf))
        if name in ("hybrids", "products"):
            low, high = 0, 1 if name == "hybrids" else np.inf
        if str(row.iloc[0]).startswith("month_"):
            low, high = _BOUNDS["log weight"]
        for column in numbers:
            value, family = row[column], row.get("family")
            if not low <= value <= high:
                rule = f"must be between {low:g} and {high:g}"
            elif family == "logit" and not 0 < value < 1:
                rule = "must be above 0 and below 1"
            elif family == "log" and value <= 0:
                rule = "must be above 0"
            else:
                continue
            yield violations_frame([line], column, rule, [value], "line")


def _sum_faults(name, table):
    """Shares that do not add up to 1, named by the group's last line."""
    if name == "segments":
        sums = [(g, table[table["parameter"].str.startswith(f"{g}_")], SEGMENTS) for g in SIMPLEXES]
    elif name == "profiles":
        weights = table[table["parameter"].isin(SEGMENTS)]
        sums = [("weights", weights, [c.name for c in TABLES[name].columns[2:]])]
    elif name == "hybrids":
        sums = [(f"second of {s}", rows, ["share"]) for s, rows in table.groupby("segment_id")]
        for column in TABLES[name].key:
            lost = table.loc[~table[column].isin(SEGMENTS), column]
            yield violations_frame(lost.index, column, "unknown segment", lost, "line")
        same = table.loc[table["segment_id"] == table["second_segment_id"], "segment_id"]
        rule = "a segment cannot be its own second one"
        yield violations_frame(same.index, "second_segment_id", rule, same, "line")
        for segment in set(SEGMENTS) - set(table["segment_id"]):
            yield violations_frame([pd.NA], "segment_id", "has no second segment", [segment])
    else:
        return
    for group, rows, columns in sums:
        for column in columns:
            total = rows[column].sum()
            if abs(total - 1) > _SUM_TOLERANCE:
                rule = f"the {len(rows)} shares of {group!r} must add up to 1"
                yield violations_frame(rows.index[-1:], column, rule, [f"{total:.6g}"], "line")


def _check_latents(population):
    correlation = population.correlation
    eigenvalues = np.linalg.eigvalsh((correlation + correlation.T) / 2)
    if not np.allclose(correlation, correlation.T) or eigenvalues[0] <= 0:
        raise ValueError(
            f"{population.folder / 'loadings.csv'}: the rows corr_* are no correlation matrix "
            f"(symmetric, positive definite); least eigenvalue {eigenvalues[0]:.3g}"
        )
    for name in ("inflow", "aum", "events", "loan"):
        loading = population.loadings.loc[name].to_numpy(float)
        if loading @ correlation @ loading > 1:
            raise ValueError(
                f"{population.folder / 'loadings.csv'}, row {name!r}: the latents explain more "
                "than all of the spread; make the loadings smaller"
            )


def _stop(folder, name, found):
    found = [f for f in found if len(f)]
    if found:
        violations = pd.concat(found, ignore_index=True)
        violations.attrs["row_name"] = "line"
        todo = f"correct {folder / name}.csv; a decimal mark is a point, a share lies in 0 to 1"
        raise ContractError(violations, table=TABLES[name].name, todo=todo)


def parameter_table(population: Population | None = None) -> pd.DataFrame:
    """Every number of the population with its source.

    Returns
    -------
    DataFrame
        Columns ``table``, ``parameter``, ``column``, ``value``, ``unit``, ``basis`` (article,
        calibrated, assumption; edited, where a copy differs from the kit's own), ``reference``
        (inventory or catalogue id, or the published figure), ``note``.

    Examples
    --------
    >>> table = parameter_table().set_index(["parameter", "column"])
    >>> table.loc[("holds_structured_deposit_product", "structured_deposit"), "reference"]
    'S6'
    """
    own = read_population()
    population = own if population is None else population
    rows = _long(population).assign(basis="", reference="", note="")
    rules = read_table(own.folder / "sources.csv")
    for rule in rules.fillna("").itertuples():
        here = rows["table"].eq(rule.table)
        here &= rows["parameter"].str.fullmatch(rule.parameter.replace("*", ".*"))
        here &= rows["column"].str.fullmatch(rule.column.replace("*", ".*"))
        rows.loc[here, ["basis", "reference", "note"]] = [rule.basis, rule.reference, rule.note]
    original = _long(own).set_index(["table", "parameter", "column"])["value"]
    now = rows.set_index(["table", "parameter", "column"])["value"]
    edited = ~np.isclose(now, original.reindex(now.index).fillna(np.inf))
    rows.loc[edited, ["basis", "reference"]] = ["edited", str(population.folder)]
    return rows


def _long(population):
    hybrids = population.hybrids.rename(columns={"second_segment_id": "column", "share": "value"})
    parts = [hybrids.rename(columns={"segment_id": "parameter"}).assign(table="hybrids")]
    for name in ("segments", "profiles", "presets", "drift", "loadings", "products"):
        wide = getattr(population, name).rename_axis(index="parameter", columns="column")
        parts.append(wide.reset_index().melt("parameter").assign(table=name))
    constants = population.constants.rename("value").rename_axis("parameter").reset_index()
    parts.append(constants.assign(table="constants", column="value"))
    out = pd.concat(parts, ignore_index=True)
    keys = zip(out["table"], out["parameter"])
    out["unit"] = [population.units.get(k, "") for k in keys]
    return out[["table", "parameter", "column", "value", "unit"]]
