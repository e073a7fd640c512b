"""客群实验室: cluster bank customers into segments, profile them, compare target groups.

Each room answers one question; ``ls kequn_lab`` is the table of contents::

    contract   what a valid table is, and how a bank's file becomes one
    catalogue  the article's segments, banks and products
    synth      a bank whose true segments are known
    features   raw tables -> one row per customer -> model columns
    segments   the k-means search, the pipeline, names for clusters, labels
    choosing   how many segments, and do they hold still
    profiles   who is in each segment
    compare    internet bank against traditional bank; whom to serve
    products   who gets what
    monitor    next month
    plots      drawings of the tables above
    report     one HTML file that says what was found
    export     labels to CSV; scorecard (JSON, SQL); models to disk
    spark      the same features and scorecard on a cluster
    run        the main job, from tables to results
    commands   what people type on a command line, and what they read there

A room is imported when it is first used, so ``import kequn_lab`` costs nothing.
"""

from importlib import import_module
from pathlib import Path

__version__ = "0.1.0"

_HERE = Path(__file__).parent
_ROOMS = sorted(
    {p.stem for p in _HERE.glob("[!_]*.py")} | {p.parent.name for p in _HERE.glob("*/__init__.py")}
)
__all__ = [*_ROOMS]


def __getattr__(name):
    if name in _ROOMS:
        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}; rooms: {_ROOMS}")


def __dir__():
    return sorted([*globals(), *_ROOMS])
