"""Facts behind chapter 03: what the strongest column has of all variance, scaled in several ways.

``python notebooks/evidence/03.py`` writes kequn_lab/workshop/evidence/03_facts.json.
"""

import numpy as np
from writing import write_facts

from kequn_lab import contract, features
from kequn_lab.workshop import sample

AS_OF = "2024-12-31"


def strongest(table) -> float:
    """Share of the variance of all columns that the one of the largest has."""
    return round(float(table.var().max() / table.var().sum()), 4)


def main() -> None:
    """Compute the features of the small bank and write the facts."""
    data = sample()
    events = contract.read_table(data["table"], contract.EVENTS)
    customers = contract.read_table(data["customers"], contract.CUSTOMERS)
    holdings = contract.read_table(data["holdings"], contract.HOLDINGS)
    table = features.customer_features(events, customers=customers, holdings=holdings, as_of=AS_OF)
    whole = table.fillna(table.median())
    write_facts("03", {
        "raw_share": strongest(whole),
        "log_share": strongest(np.log1p(whole.clip(lower=0))),
        "range_share": strongest((whole - whole.min()) / (whole.max() - whole.min())),
        "never": int((table["counter_share"] == 0).sum()),
    })  # fmt: skip


if __name__ == "__main__":
    main()
