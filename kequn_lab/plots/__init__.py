"""Drawings of finished tables: one table in, axes out, Chinese or English.

Each function takes a table that another room made and ``*, ax=None``, and returns the axes::

    with plots.style("zh", segments=catalogue_segments, variables=features.feature_dictionary()):
        ax = plots.size_plot(profiles.size_table(labels))
        plots.save(ax.figure, "sizes.png")

Segments keep one colour in all pictures and come in the order of the table. Names come from the
table's name_zh and name_en (variables: meaning_zh, meaning_en), else from ``style``, else they
are the ids.
"""

from .campaigns import gain_plot
from .canvas import save, stamp
from .flows import flow_plot
from .grids import heat_map, truth_plot
from .offers import branch_plot, funnel_plot, ladder_plot, match_plot
from .profile import distribution_plot, profile_plot, size_plot
from .stability import (
    index_panel,
    stability_plot,
)
from .structure import gorge_plot, separation_plot
from .style import style
from .targets import decision_plot, difference_plot, fit_plot

__all__ = [
    "branch_plot",
    "decision_plot",
    "difference_plot",
    "distribution_plot",
    "fit_plot",
    "flow_plot",
    "funnel_plot",
    "gain_plot",
    "gorge_plot",
    "heat_map",
    "index_panel",
    "ladder_plot",
    "match_plot",
    "profile_plot",
    "save",
    "separation_plot",
    "size_plot",
    "stability_plot",
    "stamp",
    "style",
    "truth_plot",
]
