"""Chapter 07: are the same segments targets in other banks, and do wrong names hurt the comparison?

``python notebooks/evidence/07.py`` (about two minutes of one core)
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from tqdm.auto import tqdm
from writing import write_facts, write_table

import kequn_lab as kq
from kequn_lab import catalogue, compare
from kequn_lab.segments.naming import is_working

#: Bank 0 is the one that the chapters look at.
BANKS, CUSTOMERS, AS_OF = range(12), 2000, "2024-12-31"
READINGS = {"signatures": "auto", "search": "search"}
NEGLIGIBLE = 0.1  # Austin (2009)


def _effects(result, true: pd.Series) -> tuple[pd.DataFrame, pd.DataFrame, dict]:
    """Both comparisons of one bank, who is on which side, and how many have a wrong name."""
    found = result.labels.set_index("customer_id")["segment_id"]
    true = true.reindex(found.index)
    groups = [compare.assign_groups(who, catalogue.target_groups()) for who in (true, found)]
    by_truth = compare.compare_groups(result.features, groups[0], n_boot=0)
    table = by_truth.set_index("variable")[["effect"]].rename(columns={"effect": "by_truth"})
    table["by_names"] = result.comparison.set_index("variable")["effect"]
    sides = pd.DataFrame({"true_segment": true, "group": groups[1].astype("str")})
    sides.loc[groups[1].isna(), "group"] = "neither"
    sides = sides.value_counts(sort=False).rename("customers").reset_index()
    both = groups[0].notna() & groups[1].notna()
    clear = table["by_truth"].abs() >= NEGLIGIBLE
    facts = {
        "wrong_name": (found != true).mean(),
        "wrong_side": (both & (groups[0] != groups[1])).mean(),
        "lost": (groups[0].notna() & groups[1].isna()).mean(),
        "correlation": table["by_truth"].corr(table["by_names"]),
        "mean_gap": (table["by_names"] - table["by_truth"]).abs().mean(),
        "larger": (table["by_names"].abs() > table["by_truth"].abs()).mean(),
        "clear": int(clear.sum()),
        "other_sign": int((clear & (table.prod(axis=1) < 0)).sum()),
    }
    return table.reset_index(), sides, facts


def main() -> None:
    """Cluster the banks in both readings; compare and decide in each."""
    targets, survival, effects, sides, first = [], [], [], [], {}
    for seed in tqdm(BANKS):
        bank = kq.make_bank(CUSTOMERS, random_state=seed, as_of=AS_OF)
        true = bank.truth.set_index("customer_id")["segment_id"]
        for reading, start in READINGS.items():
            result = kq.segment(bank, start=start, stability=0, quiet=True)
            table, side, facts = _effects(result, true)
            here = {"reading": reading, "bank": seed}
            survival.append({**here, **facts})
            chosen = result.decision.query("target")
            nameless = chosen["segment_id"].map(is_working)
            targets.append(
                chosen[["bank_kind", "segment_id", "recommended"]]
                .assign(**here, segment_id=chosen["segment_id"].where(~nameless, "nameless"))
            )  # fmt: skip
            if seed == 0:
                effects.append(table.assign(reading=reading))
                sides.append(side.assign(reading=reading))
                first[reading] = result
    targets, survival = pd.concat(targets), pd.DataFrame(survival)
    columns = ["reading", "bank", "bank_kind", "segment_id", "recommended"]
    write_table("07_targets", targets[columns])
    write_table("07_names", survival)
    write_table("07_effects", pd.concat(effects))
    write_table("07_sides", pd.concat(sides))
    write_facts("07", _facts(targets, survival, first["signatures"]))


def _facts(targets: pd.DataFrame, survival: pd.DataFrame, result) -> dict:
    """What the exercises of the chapter need."""
    internet = targets[targets["bank_kind"] == "internet_bank"]
    share = internet.groupby("segment_id").size() / (len(BANKS) * len(READINGS))
    rows = result.comparison.set_index("variable")
    wanted = ["age_years", "counter_share", "cards_count"]
    here = result.decision.query("target and bank_kind == 'internet_bank'")["segment_id"]
    shaky = share.reindex(here).idxmin()
    lost = internet[internet["segment_id"] == shaky]
    runs = pd.MultiIndex.from_product([READINGS, BANKS])
    gone = runs.difference(pd.MultiIndex.from_frame(lost[["reading", "bank"]]))
    group = compare.assign_groups(
        result.labels.set_index("customer_id")["segment_id"], catalogue.target_groups()
    )
    told = compare.overlap(result.features, group).summary.set_index("measure")["value"]
    named = targets[targets["segment_id"] == "nameless"]
    words = catalogue.segments().set_index("segment_id").loc[shaky]
    return {
        "banks": [BANKS[0], BANKS[-1]],
        "customers": CUSTOMERS,
        "runs": len(runs),
        "effect": {v: round(float(rows.loc[v, "effect"]), 2) for v in wanted},
        "low": {v: round(float(rows.loc[v, "effect_low"]), 2) for v in wanted},
        "high": {v: round(float(rows.loc[v, "effect_high"]), 2) for v in wanted},
        "targets_here": list(here),
        "firm": sorted(share.index[share == 1]),
        "shaky": shaky,
        "shaky_zh": words["name_zh"],
        "shaky_en": words["name_en"],
        "shaky_runs": len(lost),
        "gone_reading": gone[0][0],
        "gone_seed": int(gone[0][1]),
        "nameless_runs": int(named.groupby(["reading", "bank"]).ngroups),
        "nameless_recommended": int(named["recommended"].sum()),
        "auc": round(float(told["auc"]), 3),
        "wrong_name": round(float(np.mean(survival["wrong_name"])), 3),
    }


if __name__ == "__main__":
    main()
