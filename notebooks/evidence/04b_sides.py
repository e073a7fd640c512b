"""Chapter 04b, its control: the true segments of the small bank in one table, and by sides.

``python notebooks/evidence/04b_sides.py`` (about a minute on one core)
"""

from __future__ import annotations

import pandas as pd
from sklearn.metrics import adjusted_rand_score
from tqdm.auto import tqdm
from writing import write_table

from kequn_lab.run import inputs
from kequn_lab.segments import fit_segments
from kequn_lab.synth import make_bank
from kequn_lab.workshop.shipped import AS_OF, CUSTOMERS, SEED

#: Of the clusters by sides, this many are for business customers.
FIRMS, KS = 3, range(7, 13)


def _counted(clusters, true: pd.Series) -> pd.DataFrame:
    """Where each true segment is: the cluster that holds most of it, and its share there."""
    table = pd.crosstab(true, clusters)
    home = table.idxmax(axis=1)
    most = pd.Series({segment: table.loc[segment, c] for segment, c in home.items()})
    return pd.DataFrame(
        {
            "segment_id": table.index,
            "customers": table.sum(axis=1).to_numpy(),
            "of_segment": (most / table.sum(axis=1)).to_numpy(),
            "of_cluster": (most / home.map(table.sum())).to_numpy(),
            "ari": adjusted_rand_score(true, clusters),
        }
    )


def main() -> None:
    """Every k, together and by sides, on the small bank."""
    bank = inputs.from_bank(make_bank(CUSTOMERS, random_state=SEED, as_of=AS_OF))
    true = bank.truth.set_index("customer_id")["segment_id"].reindex(bank.features.index)
    parts = []
    for k in tqdm(KS):
        for apart in (False, True):
            how = {"by": "is_business", "n_clusters": {0: k - FIRMS, 1: FIRMS}}
            how = how if apart else {"n_clusters": k}
            model = fit_segments(bank.features, **how, random_state=SEED)
            table = _counted(model["kmeans"].labels_, true)
            table.insert(0, "k", k)
            table.insert(0, "apart", apart)
            parts.append(table)
    write_table("04b_sides_by_k", pd.concat(parts, ignore_index=True))


if __name__ == "__main__":
    main()
