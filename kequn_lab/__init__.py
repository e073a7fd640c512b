"""客群实验室: cluster bank customers into segments, profile them, compare target groups.

One call goes the whole way::

    import kequn_lab as kq

    result = kq.segment(table, id="客户编号", k=5)
    result.labels, result.profile, result.comparison
    result.report("report.html", language="zh")

The rest is imported from its room; ``ls kequn_lab`` is the table of contents::

    contract    what a valid table is, and how a bank's file becomes one
    catalogue   the article's segments, banks and products
    synth       a bank whose true segments are known
    features    raw tables -> one row per customer -> model columns
    segments    the k-means search, the pipeline, names for clusters, labels
    validation  how many segments, and are they stable
    profiles    who is in each segment
    compare     internet bank against traditional bank; whom to serve
    products    who gets what
    monitor     next month
    plots       drawings of the tables above
    report      one HTML file that says what was found
    export      labels to CSV; scorecard (JSON, SQL); models to disk
    spark       the same features and scorecard on a cluster
    run         the main job, from tables to results
    workshop    chapters that ask and check
    commands    the command line

A name is imported when it is first used, so ``import kequn_lab`` costs nothing.
"""

from importlib import import_module
from pathlib import Path

__version__ = "0.1.0"

#: What an analyst needs first, and the room that it comes from.
_NAMES = {
    "Result": "run",
    "Scorecard": "export",
    "compare_groups": "compare",
    "customer_features": "features",
    "make_bank": "synth",
    "read_mapping": "contract",
    "read_result": "run",
    "read_table": "contract",
    "segment": "run",
}
_HERE = Path(__file__).parent
_ROOMS = sorted(
    {p.stem for p in _HERE.glob("[!_]*.py")} | {p.parent.name for p in _HERE.glob("*/__init__.py")}
)
__all__ = [*_NAMES, "catalogue", "plots"]


def __getattr__(name):
    if name in _NAMES:
        return getattr(import_module(f"{__name__}.{_NAMES[name]}"), name)
    if name in _ROOMS:
        return import_module(f"{__name__}.{name}")
    raise AttributeError(
        f"module {__name__!r} has no attribute {name!r}; there are {', '.join(__all__)}, and "
        f"rooms: {', '.join(_ROOMS)}"
    )


def __dir__():
    return sorted(__all__)
