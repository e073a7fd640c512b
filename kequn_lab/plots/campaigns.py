"""Pictures of a campaign: the outcome in each segment, and what choosing by segment gains."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from .canvas import axes, named, need
from .style import say

__all__ = ["gain_plot"]


def gain_plot(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Cumulative gain: share of the outcomes that a campaign reaches with so many contacts.

    Parameters
    ----------
    table : DataFrame
        strategy, contacted_share, gain (0 to 1); if there gain_low, gain_high. As
        ``compare.targeting_gain``.
    ax : Axes, optional

    Returns
    -------
    Axes
        Random is the dashed diagonal, the best possible the grey line.

    Raises
    ------
    ValueError
        A column is missing.
    """
    need(table, ["strategy", "contacted_share", "gain"], "gain_plot")
    ax = axes(ax, (6.2, 5))
    palette = iter(["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00"] * 3)
    dashes = iter(["-", "-.", (0, (4, 1.5)), (0, (1, 1)), (0, (3, 1, 1, 1, 1, 1))] * 3)
    strategies = list(dict.fromkeys(table["strategy"]))
    for strategy, name in zip(strategies, named(strategies)):
        rows = table[table["strategy"] == strategy].sort_values("contacted_share")
        plain = {"random": ("0.4", "--"), "best possible": ("0.7", "-")}.get(strategy)
        color, dash = plain or (next(palette), next(dashes))
        ax.plot(rows["contacted_share"], rows["gain"], color=color, ls=dash, label=name,
                lw=1.2 if plain else 2)  # fmt: skip
        if not plain and {"gain_low", "gain_high"} <= set(rows):
            ax.fill_between(rows["contacted_share"], rows["gain_low"], rows["gain_high"],
                            color=color, alpha=0.12, lw=0)  # fmt: skip
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_formatter(PercentFormatter(1, decimals=0))
    ax.set(xlim=(0, 1), ylim=(0, 1.01))
    ax.grid()
    ax.set(xlabel=say("触达客户占比", "Customers contacted"),
           ylabel=say("覆盖的成果占比", "Outcomes reached"))  # fmt: skip
    ax.legend(loc="lower right")
    return ax
