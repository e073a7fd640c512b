"""Chapter 08: does a call list by segments beat a simple rule in other banks, too? And a funnel.

``python notebooks/evidence/08.py`` (a minute of one core)
"""

from __future__ import annotations

import pandas as pd
from tqdm.auto import tqdm
from writing import write_facts, write_table

import kequn_lab as kq
from kequn_lab import compare, products
from kequn_lab._statistics import wilson

#: Bank 0 is the one that the chapters look at. Part of the customers that is called; the part of
#: the acceptances for which calls are counted.
BANKS, CUSTOMERS, AS_OF, SHARE, HALF = range(12), 2000, "2024-12-31", 0.2, 0.5
RULES = {"age": "age_years", "wealth": "aum_cny"}


def main() -> None:
    """Lists in each bank, and the stages of new customers of all banks together."""
    lists, stages, first = [], [], None
    for seed in tqdm(BANKS):
        bank = kq.make_bank(CUSTOMERS, random_state=seed, as_of=AS_OF)
        result = kq.segment(bank, stability=0, quiet=True)
        segment = result.labels.set_index("customer_id")["segment_id"]
        outcomes = bank.outcomes.set_index("customer_id")
        accepted = outcomes.loc[outcomes["called"], "accepted"].astype(float)
        rules = {name: result.features[column] for name, column in RULES.items()}
        gain = compare.targeting_gain(accepted, segment.reindex(accepted.index), rules=rules)
        first = gain if seed == 0 else first
        at = gain[(gain["contacted_share"] - SHARE).abs() < 1e-9]
        lists.append(at.assign(bank=seed))
        true = bank.truth.set_index("customer_id")["segment_id"]
        opened = bank.customers.set_index("customer_id")["opened_on"]
        stages.append(products.funnel(bank.events, true, as_of=bank.as_of, opened_on=opened))
    lists = pd.concat(lists)
    columns = ["bank", "strategy", "contacts", "outcomes", "gain", "gain_low", "gain_high"]
    write_table("08_lists", lists[columns])
    write_table("08_funnel", _together(pd.concat(stages)))
    write_facts("08", _facts(lists, first))


def _together(stages: pd.DataFrame) -> pd.DataFrame:
    """The stages of all banks, counted together."""
    out = stages.groupby(["group", "stage"], sort=False)[["customers", "of"]].sum().reset_index()
    out["share"] = out["customers"] / out["of"]
    out["low"], out["high"] = wilson(out["customers"], out["of"])
    return out


def _facts(lists: pd.DataFrame, gain: pd.DataFrame) -> dict:
    """What the exercise of the chapter needs."""
    here = lists[lists["bank"] == 0].set_index("strategy")
    calls = compare.contacts_needed(gain, outcome_share=HALF).set_index("strategy")["contacts"]
    wide = lists.pivot_table("outcomes", "bank", "strategy")
    out: dict = {"banks": [BANKS[0], BANKS[-1]], "customers": CUSTOMERS, "n": len(BANKS)}
    out |= {"called": f"{SHARE:.0%}"}
    for name in ("segment", *RULES):
        row = here.loc[name]
        out[name] = {
            "reached": f"{row['gain']:.0%}",
            "low": f"{row['gain_low']:.0%}",
            "high": f"{row['gain_high']:.0%}",
            "calls": round(calls[name]),
            "segment_ahead": int((wide["segment"] > wide[name]).sum()),
        }
    return out


if __name__ == "__main__":
    main()
