"""Chapter 09: who moved for which reason, what reading ids as numbers does, and ten months of a
registry.

``python notebooks/evidence/09.py`` (a minute or two)
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
from writing import write_facts, write_table

import kequn_lab as kq
from kequn_lab import features, monitor, synth

SEED, CUSTOMERS, AS_OF, MONTHS = 0, 2000, "2024-12-31", 3
#: In front of the digits of a customer id: account numbers of 18 digits, made up.
ACCOUNT = "90000000"
#: The bank whose months are each clustered anew and entered in a registry.
REGISTRY_CUSTOMERS, REGISTRY_MONTHS = 1000, 10


def ten_months() -> dict[str, int]:
    """Writes who went from which permanent id to which, month by month; the events by kind."""
    bank, before, flows = kq.make_bank(REGISTRY_CUSTOMERS, random_state=SEED, as_of=AS_OF), None, []
    with TemporaryDirectory() as folder:
        path = Path(folder, "registry")
        for _ in range(REGISTRY_MONTHS):
            result = kq.segment(bank, stability=0, quiet=True, registry=path)
            month = f"{bank.as_of:%Y-%m}"
            now = result.labels.set_index("customer_id")["permanent_id"]
            if before is not None:
                both = pd.DataFrame({"segment_from": before[1], "segment_to": now}).dropna()
                rows = both.groupby(["segment_from", "segment_to"]).size().rename("rows")
                flows.append(rows.reset_index().assign(k_from=before[0], k_to=month))
            before, bank = (month, now), synth.next_month(bank)
        registry = monitor.read_registry(path)
    write_table("09_registry", pd.concat(flows))
    write_table("09_segments", registry.segments.drop(columns="segment_id"))
    return registry.events["kind"].value_counts().to_dict()


def main() -> None:
    """The bank of December and that of March, an old and a new model."""
    bank = later = kq.make_bank(CUSTOMERS, random_state=SEED, as_of=AS_OF)
    for _ in range(MONTHS):
        later = synth.next_month(later)
    result = kq.segment(bank, stability=0, quiet=True)
    now = features.customer_features(
        later.events, customers=later.customers, holdings=later.holdings, as_of=later.as_of
    )
    card = result.scorecard()
    refit = monitor.refit_like(card, result.pipeline, result.features, now, as_of=later.as_of)
    both = refit.labels.dropna()
    account = both.index.str.replace("SYN", ACCOUNT)
    behaviour = (both["before"] != both["old_model"]).to_numpy()
    model = (both["old_model"] != both["new_model"]).to_numpy()
    moved = {
        "behaviour": list(account[behaviour & ~model]),
        "model": list(account[~behaviour & model]),
        "both": list(account[behaviour & model]),
    }
    fen = now.assign(aum_cny=now["aum_cny"] * 100)
    wrong = card.label(fen)["segment_id"].to_numpy() != card.label(now)["segment_id"].to_numpy()
    aum = monitor.feature_drift(card, fen).set_index("feature").loc["aum_cny"]
    one = account[0]
    write_facts(
        "09",
        {
            "seed": SEED,
            "registry_customers": REGISTRY_CUSTOMERS,
            "registry_months": REGISTRY_MONTHS,
            "registry_events": ten_months(),
            "customers": CUSTOMERS,
            "months": MONTHS,
            "in_both": len(both),
            **moved,
            **{f"n_{reason}": len(ids) for reason, ids in moved.items()},
            "n_moved": sum(map(len, moved.values())),
            "as_numbers": account.astype(float).nunique(),
            "example": one,
            "example_float": f"{float(one):.0f}",
            "fen_moved": f"{wrong.mean():.0%}",
            "fen_factor": float(aum["factor"]),
            "fen_psi": round(float(aum["psi"]), 1),
        },
    )


if __name__ == "__main__":
    main()
