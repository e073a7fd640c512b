"""Drawings of finished tables: one table in, axes out, Chinese or English.

Each function takes a table that another room made and ``*, ax=None``, and returns the axes::

    with plots.style("zh", segments=catalogue_segments, variables=features.feature_dictionary()):
        ax = plots.profile_plot(profiles.profile_table(features, labels))
        plots.save(ax.figure, "profiles.png")

Segments keep one colour in all pictures and come in the order of the table. Names come from the
table's name_zh and name_en (variables: meaning_zh, meaning_en), else from ``style``, else they
are the ids.
"""

from .campaigns import gain_plot
from .canvas import save
from .flows import flow_plot
from .grids import fit_plot
from .offers import branch_plot, funnel_plot, ladder_plot
from .profile import profile_plot
from .structure import gorge_plot, separation_plot
from .style import style
from .targets import decision_plot, difference_plot
from .validation import validation_plot

__all__ = [
    "branch_plot",
    "decision_plot",
    "difference_plot",
    "fit_plot",
    "flow_plot",
    "funnel_plot",
    "gain_plot",
    "gorge_plot",
    "ladder_plot",
    "profile_plot",
    "save",
    "separation_plot",
    "style",
    "validation_plot",
]
