"""What every picture does alike: check its table, get axes, take names, say synthetic, save."""

from __future__ import annotations

import os
import unicodedata
import warnings
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, BinaryIO

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke

from kequn_lab._files import replacing
from kequn_lab._words import TERMS, common_level

from .palette import segment_looks
from .style import (
    STAMP,
    current,
    hush_single_glyphs,
    name_pairs,
    say,
    stamp,
    warn_missing_glyphs,
)

__all__ = ["save"]

HALO = withStroke(linewidth=3.2, foreground="white")  # dark ink on dark colours
#: Of zlib: 3.5 % larger files than its usual 6, in two thirds of the time.
PNG_LEVEL = 3
EFFECT = ("与其余客户相差（标准差）", "Difference from the rest (standard deviations)")


def need(table: pd.DataFrame, columns: Sequence[str], function: str) -> None:
    """Refuse a table that lacks a column, or has no rows."""
    if not isinstance(table, pd.DataFrame):
        raise TypeError(f"{function}: a DataFrame is needed, found {type(table).__name__}")
    if lacking := [c for c in columns if c not in table.columns]:
        raise ValueError(
            f"{function}: the table lacks {', '.join(lacking)}; it has {list(table.columns)}"
        )
    if table.empty:
        raise ValueError(f"{function}: the table has no rows")


def axes(ax: Axes | None, size: tuple[float, float]) -> Axes:
    """The axes given, or those of a new figure of this size (inches)."""
    if ax is None:
        _, ax = plt.subplots(figsize=size, layout="constrained")
        ax.set_title("", y=1)  # or a place above the ticks is looked for at each drawing
    if current().synthetic:
        stamp(ax.figure)
    return ax


def panels(ax: Axes, n: int, *, columns: int, gap: tuple[float, float] = (0.03, 0.12)):
    """Divide axes into n small ones, row by row; the axes themselves are left blank."""
    ax.set_axis_off()
    rows = -(-n // columns)
    width = (1 - gap[0] * (columns - 1)) / columns
    height = (1 - gap[1] * (rows - 1)) / rows
    corners = [
        (i % columns * (width + gap[0]), 1 - height - i // columns * (height + gap[1]))
        for i in range(n)
    ]
    parts = [ax.inset_axes((*corner, width, height)) for corner in corners]
    for part in parts:
        part.set_title("", y=1)
    return parts


def segments_of(table: pd.DataFrame) -> pd.DataFrame:
    """The segments in the order of the table, or of the categories if the ids are categorical.

    Index id; columns label, color, marker, hatch, linestyle.
    """
    ids, first = table["segment_id"], table.drop_duplicates("segment_id").set_index("segment_id")
    if isinstance(ids.dtype, pd.CategoricalDtype):
        first.index = first.index.astype(ids.cat.categories.dtype)
        first = first.loc[[i for i in ids.cat.categories if i in first.index]]
    looks = segment_looks(first.index)
    looks.insert(0, "label", labels_of(first, "name", current().segments))
    return looks


def segments_named(ids: Sequence) -> pd.DataFrame:
    """As :func:`segments_of`, for ids alone."""
    return segments_of(pd.DataFrame({"segment_id": list(ids)}))


def need_profile(table: pd.DataFrame, columns: Sequence[str], function: str) -> None:
    """Refuse a table of segments by variables that lacks a column or says one twice."""
    need(table, ["segment_id", "variable", *columns], function)
    keys = [c for c in ("segment_id", "variable", "level") if c in table]
    if (twice := table.duplicated(keys)).any():
        found = tuple(table.loc[twice, keys].iloc[0])
        raise ValueError(f"{function}: more than one row for {found}; one each is needed")


def variables_of(table: pd.DataFrame, order: Sequence | None, function: str) -> pd.Series:
    """Label by row key, in the given order of variables or else that of the table.

    The key is the variable, or (variable, level) where the table has levels of a category.
    """
    names = table.drop_duplicates("variable").set_index("variable")
    label = dict(zip(names.index, labels_of(names, "meaning", current().variables)))
    if order is not None:
        if strange := [v for v in order if v not in label]:
            raise ValueError(f"{function}: order names variables that the table lacks: {strange}")
        table = table[table["variable"].isin(order)]
        rank = {v: i for i, v in enumerate(order)}
        table = table.sort_values("variable", key=lambda v: v.map(rank), kind="stable")
    level = table["level"] if "level" in table else pd.Series(pd.NA, table.index)
    keys = dict.fromkeys(zip(table["variable"], level.astype(object).where(level.notna(), None)))
    return pd.Series(
        [
            label[v] if lv is None else f"{label[v]} = {clean(level_of(v, lv), 16)}"
            for v, lv in keys
        ],
        index=pd.MultiIndex.from_tuples(keys, names=["variable", "level"]),
    )


def level_of(variable, level) -> str:
    """What a level of a category is called in the language in force."""
    if (variable, level) in current().levels:
        return say(*current().levels[variable, level])
    return common_level(level).get(current().language, str(level))


def strongest(labels: pd.Series, table: pd.DataFrame, top: int) -> pd.Series:
    """Of the rows of a picture those with the largest effects, in the order they had."""
    if len(labels) <= top:
        return labels
    size = table["effect"].abs().groupby(row_keys(table)).max().reindex(labels.index)
    return labels[size.rank(method="first", ascending=False).le(top).to_numpy()]


def told_of(shown: int, whole: int) -> str:
    """That a picture shows some of the variables only; nothing if it shows all."""
    text = say(f"只画差别最大的 {shown} 个变量（共 {whole} 个）",
               f"the {shown} of {whole} variables that differ most")  # fmt: skip
    return text * (shown < whole)


def row_keys(table: pd.DataFrame) -> pd.MultiIndex:
    """(variable, level) of each row, level None where there is none."""
    level = table["level"] if "level" in table else pd.Series(pd.NA, table.index)
    level = level.astype(object).where(level.notna(), None)
    return pd.MultiIndex.from_arrays([table["variable"], level], names=["variable", "level"])


def labels_of(first: pd.DataFrame, prefix: str, known: Mapping) -> list[str]:
    own = {f"{prefix}_zh", f"{prefix}_en"} & set(first.columns)
    pairs = (
        name_pairs(first, prefix) if own else [known.get(i, (str(i), str(i))) for i in first.index]
    )
    return [clean(say(*pair)) for pair in pairs]


def named(ids, names: pd.DataFrame | None = None) -> list[str]:
    """Names of ids from a table whose first ``…_id`` column holds them; else our own, else ids."""
    ids, known = list(dict.fromkeys(ids)), dict(TERMS)
    if names is not None:
        key = next(c for c in names.columns if str(c).endswith("_id"))
        first = names.drop_duplicates(key).set_index(key)
        known |= {i: (row.get("name_zh", i), row.get("name_en", i)) for i, row in first.iterrows()}
    return labels_of(pd.DataFrame(index=ids), "name", known)


def clean(name, width: int = 40) -> str:
    """A name on one line, not read as a formula, cut at a width (a hanzi counts as two)."""
    text, used = "", 0
    for c in " ".join(str(name).split()):
        used += 2 if unicodedata.east_asian_width(c) in "WF" else 1
        if used > width:
            text = text.rstrip() + "…"
            break
        text += c
    return text.replace("$", r"\$")


def number(value: float) -> str:
    """A number as a person would write it: 1.2万 or 12k, 0.34, −5."""
    zh = current().language == "zh"
    steps = [(1e8, "亿"), (1e4, "万")] if zh else [(1e9, "B"), (1e6, "M"), (1e3, "k")]
    step, sign = next(((s, t) for s, t in steps if abs(value) >= s * 10), (1, ""))
    if step == 1 and abs(value) >= 1000:
        return f"{value:,.0f}".replace("-", "−")
    return f"{value / step:.3g}{sign}".replace("-", "−")


def signed(value: float) -> str:
    """One decimal, with a true minus sign and no minus zero."""
    if np.isinf(value):
        return "∞" if value > 0 else "−∞"
    text = f"{value:.1f}".replace("-", "−")
    return "0.0" if text == "−0.0" else text


def below(ax: Axes, text: str) -> None:
    """One label for the x axes of all panels."""
    ax.annotate(text, (0.5, 0), (0, -20), "axes fraction", "offset points", ha="center", va="top",
                fontsize=10)  # fmt: skip


def percent(value: float, digits: int = 0) -> str:
    """0.123 as 12%."""
    return f"{value:.{digits}%}"


def save(
    fig: Figure,
    path: str | os.PathLike,
    *,
    synthetic: bool | None = None,
    title: str = "",
    dpi: float = 150,
) -> Path:
    """Write a picture whole or not at all, with what it is in its metadata.

    Parameters
    ----------
    fig : Figure
    path : path
        Ends in .png, .svg or .pdf.
    synthetic : bool, optional
        Whether the data are synthetic; True puts the footnote on, too. None: what
        :func:`style` said, or what the figure's footnote says.
    title : str
        Kept in the metadata.
    dpi : float
        Dots per inch of a PNG.

    Returns
    -------
    Path
        ``path``.

    Raises
    ------
    ValueError
        Another ending.
    FileNotFoundError
        The folder is not there.
    """
    path = Path(path)
    kind = path.suffix.lower().removeprefix(".")
    if kind not in ("png", "svg", "pdf"):
        raise ValueError(f"{path.name}: a picture ends in .png, .svg or .pdf")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"{path.parent}: no such folder for {path.name}")
    stamped = any(t.get_gid() == STAMP for t in fig.texts)
    if synthetic is None:
        synthetic = True if stamped else current().synthetic
    if synthetic:
        stamp(fig)
    said = {True: "yes", False: "no", None: "not stated"}[synthetic]
    software, about = f"kequn_lab {version('kequn_lab')}", f"synthetic data: {said}"
    known: dict[str, dict[str, Any]] = {
        "png": {"Software": software, "Title": title, "Description": about},
        "svg": {"Creator": software, "Title": title, "Description": about, "Date": None},
        "pdf": {"Creator": software, "Title": title, "Subject": about, "CreationDate": None},
    }
    warn_missing_glyphs([fig], stacklevel=3)
    # no random ids: the same figure gives the same file
    with mpl.rc_context({"svg.hashsalt": "kequn_lab"}), warnings.catch_warnings():
        hush_single_glyphs()
        with replacing(path) as file:
            if kind == "png":
                _write_png(fig, file, dpi, known[kind])
            else:
                fig.savefig(file, format=kind, dpi=dpi, metadata=known[kind])
    return path


def place(fig: Figure) -> None:
    """Place all parts of a figure without drawing them."""
    if engine := fig.get_layout_engine():
        engine.execute(fig)
        for ax in fig.axes:
            ax.apply_aspect()
    else:
        fig.draw_without_rendering()


def _write_png(fig: Figure, file: BinaryIO, dpi: float, said: dict[str, Any]) -> None:
    """As ``savefig``, which draws a figure twice where its parts are placed by a layout."""
    before = fig.canvas, fig.dpi
    try:
        fig.dpi = dpi
        FigureCanvasAgg(fig).print_png(
            file, metadata=said, pil_kwargs={"compress_level": PNG_LEVEL}
        )
    finally:
        fig.set_canvas(before[0])
        fig.dpi = before[1]
