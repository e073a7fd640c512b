"""Drawings of finished tables: one table in, axes out, Chinese or English.

Each function takes a table that another room made and ``*, ax=None``, and returns the axes::

    with plots.style("zh", segments=catalogue_segments, variables=features.feature_table()):
        ax = plots.size_plot(profiles.size_table(labels))
        plots.save(ax.figure, "sizes.png")

Segments keep one colour in all pictures and come in the order of the table. Names come from the
table's name_zh and name_en (variables: meaning_zh, meaning_en), else from ``style``, else they
are the ids.
"""

from .canvas import save, stamp
from .grids import heat_map, snake_plot
from .palette import segment_colors, segment_looks
from .profile import distribution_plot, profile_plot, size_plot
from .style import style

__all__ = [
    "distribution_plot",
    "heat_map",
    "profile_plot",
    "save",
    "segment_colors",
    "segment_looks",
    "size_plot",
    "snake_plot",
    "stamp",
    "style",
]
