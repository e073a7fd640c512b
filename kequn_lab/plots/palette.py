"""One colour, marker, hatch and line per segment, the same in every picture of a run."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import cycle, islice

import pandas as pd

from .style import current

__all__ = ["segment_colors", "segment_looks"]

#: Okabe and Ito's colour-blind-safe set, its yellow darkened and its black turned to plum: on
#: white paper every one shows, and under each kind of colour blindness the closest two stay as
#: different as in the original set.
SEGMENT_COLORS = {
    "micro_enterprise": "#D55E00",
    "sole_proprietor": "#E69F00",
    "farm_household": "#009E73",
    "young_adult": "#56B4E9",
    "low_mid_income": "#CC79A7",
    "structured_deposit": "#E0CB2E",
    "elderly": "#601A4A",
    "scitech_corporate": "#0072B2",
}
#: Each as far in CIELAB as can be from those before it, none neon, none too pale on white.
_MORE_COLORS = (
    "#994F00", "#9AD5CA", "#4B2E83", "#7F0000", "#5A5A4B", "#5A7800",
    "#FFB496", "#A596FF", "#C3C378", "#C32D5A", "#87D269", "#007887",
)  # fmt: skip
_MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "p", "h", "*")
_HATCHES = ("", "///", "...", "\\\\\\", "xxx", "---", "ooo", "|||", "+++", "//..", "**", "\\\\||")
_LINES = ("-", "--", "-.", ":", (0, (7, 1.5)), (0, (3, 1, 1, 1, 1, 1)))


def segment_colors(segment_ids: Iterable | None = None) -> dict:
    """Colours by segment id.

    Parameters
    ----------
    segment_ids : iterable, optional
        Ids in any order, repeats allowed. None: those given to :func:`style`.

    Returns
    -------
    dict
        Segment id to a hex colour, in the order given. The article's eight segments have fixed
        colours; other ids take the colours left, twenty in all, by sorted id: name all ids of a
        run once in ``style(segments=…)`` and they keep them in pictures that show only a few.

    Examples
    --------
    >>> segment_colors(["elderly", "cluster_1"])
    {'elderly': '#601A4A', 'cluster_1': '#D55E00'}
    """
    return segment_looks(segment_ids)["color"].to_dict()


def segment_looks(segment_ids: Iterable | None = None) -> pd.DataFrame:
    """Colour, marker, hatch and line style by segment id: enough to tell them in grey print.

    Parameters
    ----------
    segment_ids : iterable, optional
        As for :func:`segment_colors`.

    Returns
    -------
    DataFrame
        Index segment_id; columns color, marker, hatch, linestyle.

    Examples
    --------
    >>> segment_looks(["farm_household"]).loc["farm_household", ["color", "marker"]].tolist()
    ['#009E73', '^']
    """
    run = list(current().segments)
    ids = list(dict.fromkeys(run if segment_ids is None else segment_ids))
    known = list(SEGMENT_COLORS)
    # cluster numbers, say, have nothing to do with the run's named segments
    everyone = {*run, *ids} if set(run) & set(ids) else set(ids)
    other = sorted(everyone - set(known), key=_natural)
    free = [*(c for i, c in SEGMENT_COLORS.items() if i not in everyone), *_MORE_COLORS]
    color = SEGMENT_COLORS | dict(zip(other, cycle([*free, *SEGMENT_COLORS.values()])))
    # without an article's segment there is nothing to keep the first places for
    place = {i: k for k, i in enumerate([*known, *other] if everyone & set(known) else other)}

    def nth(values, i):
        return next(islice(cycle(values), place[i], None))

    rows = [(color[i], nth(_MARKERS, i), nth(_HATCHES, i), nth(_LINES, i)) for i in ids]
    index = pd.Index(ids, name="segment_id")
    return pd.DataFrame(rows, index, ["color", "marker", "hatch", "linestyle"])


def _natural(segment_id) -> list:
    """Sort key that puts cluster_10 after cluster_9."""
    parts = re.split(r"(\d+)", str(segment_id))
    return [int(p) if i % 2 else p for i, p in enumerate(parts)]
