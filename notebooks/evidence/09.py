"""Chapter 09: who moved for which reason, and what reading ids as numbers does.

``python notebooks/evidence/09.py`` (ten seconds)
"""

from __future__ import annotations

from writing import write_facts

import kequn_lab as kq
from kequn_lab import features, monitor, synth

SEED, CUSTOMERS, AS_OF, MONTHS = 0, 2000, "2024-12-31", 3
#: In front of the digits of a customer id: account numbers of 18 digits, made up.
ACCOUNT = "90000000"


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
