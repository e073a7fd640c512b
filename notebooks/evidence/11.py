"""Chapter 11: the same job by DuckDB here and by Spark on ``local[2]``.

``python notebooks/evidence/11.py`` (a minute or two; it needs Java and the extra ``spark``)
"""

from __future__ import annotations

import sys
import tempfile
from math import ceil
from pathlib import Path

import numpy as np
from writing import write_facts

import kequn_lab as kq
from kequn_lab.features import customer_features as by_duckdb
from kequn_lab.spark import customer_features, label, local_session
from kequn_lab.spark.tables import MOST_COLLECTED
from kequn_lab.synth import write_bank

SEED, CUSTOMERS, AS_OF = 0, 2000, "2024-12-31"
#: Of a share: half a percentage point, with 95 %.
ERROR, NORMAL = 0.005, 1.96


def main() -> None:
    """A bank, its features and labels by both engines, and Spark's own k-means."""
    if (session := local_session(2)) is None:
        sys.exit("no PySpark or no Java here: install kequn_lab[spark] and Java 17")
    with tempfile.TemporaryDirectory() as folder:
        write_bank(folder, n_customers=CUSTOMERS, random_state=SEED, as_of=AS_OF, progress=False)
        paths = {n: Path(folder, f"{n}.parquet") for n in ("events", "customers", "holdings")}
        tables = {name: session.read.parquet(str(path)) for name, path in paths.items()}
        here = by_duckdb(**paths, as_of=AS_OF)
        lazy = customer_features(**tables, as_of=AS_OF)
        there = lazy.toPandas().set_index("customer_id").sort_index()[here.columns]
        more = {name: tables[name] for name in ("customers", "holdings")}
        fast = {"as_of": AS_OF, "stability": 0, "quiet": True, "seed": SEED}
        result = kq.segment(tables["events"], **more, **fast, fit_on="cluster")
        labels = label(result.card, lazy).toPandas().set_index("customer_id")["cluster"]
        own = result.labels.set_index("customer_id")["cluster"]
        fit, readings = result.record["fit"], result.tables["readings"]
        x, y = here.to_numpy(float, na_value=np.nan), there.to_numpy(float, na_value=np.nan)
        gap = np.nanmax(np.abs(x - y) / np.maximum(np.abs(x), 1))
        events = tables["events"].count()
    session.stop()
    most = MOST_COLLECTED["sample"]
    write_facts(
        "11",
        {
            "seed": SEED,
            "customers": CUSTOMERS,
            "events": events,
            "events_per_row": round(events / CUSTOMERS),
            "largest_difference": float(f"{gap:.1e}"),
            "labels_that_differ": int((labels.loc[own.index] != own).sum()),
            "ratio": round(1 + fit["inertia_above"], 4),
            "rand": round(fit["rand_with_lowest"], 2),
            "same": int((readings["verdict"] == "same").sum()),
            "n_segments": len(readings),
            "sample_needed": ceil(round((NORMAL / ERROR) ** 2 / 4, 6)),
            "most_collected": most,
            "points_at_most": round(100 * NORMAL / 2 / most**0.5, 2),
        },
    )


if __name__ == "__main__":
    main()
