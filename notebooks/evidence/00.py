"""Facts behind chapter 00: what two readings of the small bank find, and the largest differences.

``python notebooks/evidence/00.py`` writes kequn_lab/workshop/evidence/00_facts.json.
"""

from sklearn.metrics import adjusted_rand_score
from writing import write_facts

import kequn_lab as kq
from kequn_lab import catalogue
from kequn_lab.workshop import sample, true_segments

SEED = 0
MONEY = "aum_cny"


def reading(result) -> dict:
    """How many clusters got a name of the article, and how well they agree with the truth."""
    both = result.labels.merge(true_segments(), on="customer_id", suffixes=("", "_true"))
    named = int(result.names["segment_id"].isin(catalogue.names().index).sum())
    ari = adjusted_rand_score(both["segment_id_true"], both["segment_id"])
    return {"named": named, "ari": round(ari, 4)}


def main() -> None:
    """Run both readings and write the facts."""
    options = {"stability": 0, "quiet": True, "seed": SEED}
    results = {s: kq.segment(**sample(), start=s, **options) for s in ("search", "auto")}
    result = results["search"]
    rows = result.comparison
    order = rows["variable"].tolist()
    zh, en = catalogue.names(), catalogue.names(language="en")
    lost = result.nameless_segments["segment_id"].tolist()
    true = true_segments().set_index("customer_id")["segment_id"]
    found = result.labels.set_index("customer_id")["segment_id"]
    facts = {
        "seed": SEED,
        "readings": {start: reading(one) for start, one in results.items()},
        "names": {i: [zh[i], en[i]] for i in zh.index},
        "missing": lost,
        "named_for_two": found[true[found.index] == lost[0]].mode()[0],
        "top3": order[:3],
        "last3": order[-3:],
        "more_in_a": rows.loc[rows["effect"] > 0, "variable"].head(8).tolist(),
        "money": MONEY,
        "money_rank": order.index(MONEY) + 1,
    }
    write_facts("00", facts)


if __name__ == "__main__":
    main()
