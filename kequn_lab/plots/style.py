"""Language, fonts and names of a run's pictures: ``with plots.style("zh"): …``."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import pandas as pd
import seaborn as sns
from matplotlib import font_manager
from matplotlib.figure import Figure, SubFigure
from matplotlib.layout_engine import ConstrainedLayoutEngine, TightLayoutEngine
from matplotlib.text import Text

__all__ = ["style"]

FONT = Path(__file__).resolve().parents[1] / "fonts" / "KequnSansSC.otf"
FAMILY = "Kequn Sans SC"
#: How the footnote on synthetic data is found again on a figure.
STAMP = "kequn-synthetic"
GREY = "0.45"
#: Fonts with more hanzi than ours; those that a machine has are tried last.
SYSTEM_FAMILIES = (
    "Noto Sans CJK SC", "Noto Sans SC", "Source Han Sans SC", "Microsoft YaHei", "PingFang SC",
    "Hiragino Sans GB", "WenQuanYi Micro Hei", "WenQuanYi Zen Hei", "SimHei",
    "Droid Sans Fallback", "Arial Unicode MS",
)  # fmt: skip
_RC: dict[Any, Any] = {
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "0.4",
    "axes.labelsize": 10,
    "axes.titlelocation": "left",
    "axes.titlesize": 12,
    "axes.titlepad": 10,
    "axes.unicode_minus": True,
    "figure.constrained_layout.use": True,
    "figure.figsize": (8, 4.5),
    "grid.color": "0.9",
    "hatch.linewidth": 0.7,
    "legend.fontsize": 9,
    "legend.frameon": False,
    "savefig.dpi": 150,
    "xtick.labelsize": 9,
    "ytick.labelsize": 9,
}


@dataclass(frozen=True)
class Context:
    """What :func:`style` said, for the pictures drawn inside it."""

    language: str = "en"
    segments: Mapping = field(default_factory=dict)  # id -> (zh, en)
    variables: Mapping = field(default_factory=dict)
    levels: Mapping = field(default_factory=dict)  # (variable, level) -> (zh, en)
    synthetic: bool | None = None


_OUTSIDE = Context()
_context: ContextVar[Context] = ContextVar("kequn_lab_plots", default=_OUTSIDE)


def current() -> Context:
    """The context in force; English without names outside :func:`style`."""
    return _context.get()


def say(zh: str, en: str) -> str:
    """The text in the language in force."""
    return zh if current().language == "zh" else en


@contextmanager
def style(
    language: str = "zh",
    *,
    segments: pd.DataFrame | None = None,
    variables: pd.DataFrame | None = None,
    synthetic: bool | None = None,
) -> Iterator[None]:
    """Draw in one language, with a font that has the glyphs; undo it all on the way out.

    Parameters
    ----------
    language : {"zh", "en"}
        Language of axis labels, legends and names.
    segments : DataFrame, optional
        Columns segment_id and, if there, name_zh, name_en: every segment of the run. Its ids keep
        their colours in pictures that show only some; its names serve tables that have none.
    variables : DataFrame, optional
        Columns feature (or variable), meaning_zh, meaning_en, as from
        ``features.feature_dictionary``. A row that has a ``level``, too, names that level of a
        category.
    synthetic : bool, optional
        True: a footnote on every picture, also one that the caller draws, says that the data are
        synthetic. False: they are not. None: nothing is said.

    Warns
    -----
    UserWarning
        One warning that names the characters which no font at hand can draw.

    Raises
    ------
    ValueError
        Unknown language, or a column is missing.
    FileNotFoundError
        The package's font is not where it was installed.

    Examples
    --------
    >>> with style("zh"):
    ...     mpl.rcParams["font.family"][:2]
    ['DejaVu Sans', 'Kequn Sans SC']
    """
    if language not in ("zh", "en"):
        raise ValueError(f"language is {language!r}; use 'zh' or 'en'")
    levels = {}
    if variables is not None and "level" in variables:
        of_level = variables["level"].notna()
        own, variables = variables[of_level], variables[~of_level]
        key = "feature" if "feature" in own else "variable"
        levels = dict(zip(zip(own[key], own["level"]), name_pairs(own, "meaning")))
    context = Context(
        language,
        _names(segments, ("segment_id",), "name", "segments"),
        _names(variables, ("feature", "variable"), "meaning", "variables"),
        levels,
        synthetic,
    )
    families = _font_families()
    token = _context.set(context)
    interactive, before = mpl.is_interactive(), plt.get_fignums()
    try:
        with mpl.rc_context():
            sns.set_theme(style="ticks", context="notebook", font_scale=0.9)
            # after set_theme, which resets both
            mpl.rcParams.update(_RC | {"font.family": families})
            hush_single_glyphs()
            try:
                yield
                if synthetic:
                    for figure in _open_figures(before):
                        stamp(figure)
                warn_missing_glyphs(_open_figures(), stacklevel=4)
            finally:
                interactive = mpl.is_interactive()
    finally:
        # Jupyter becomes interactive with its first figure; rc_context has undone that.
        mpl.interactive(interactive)
        _context.reset(token)


def _font_families() -> list[str]:
    if not FONT.is_file():
        raise FileNotFoundError(
            f"{FONT}: the package's Chinese font is missing; reinstall kequn_lab"
        )
    have = {entry.name for entry in font_manager.fontManager.ttflist}
    if FAMILY not in have:
        font_manager.fontManager.addfont(FONT)
    # DejaVu first: it has the Latin letters, the digits and the minus sign
    return ["DejaVu Sans", FAMILY, *(f for f in SYSTEM_FAMILIES if f in have)]


def _names(table, keys, prefix, what) -> dict:
    """{id: (zh, en)} from a table; a name that is missing is the id."""
    if table is None:
        return {}
    key = next((k for k in keys if k in table.columns), None)
    if key is None:
        raise ValueError(
            f"style: {what} has no column {' or '.join(keys)}; it has {list(table.columns)}"
        )
    first = table.drop_duplicates(key).set_index(key)
    return dict(zip(first.index, name_pairs(first, prefix)))


def name_pairs(table: pd.DataFrame, prefix: str) -> list[tuple[str, str]]:
    """(zh, en) per row of a table indexed by id, from ``<prefix>_zh`` and ``<prefix>_en``."""
    absent = [None] * len(table)
    zh, en = (table.get(f"{prefix}_{language}", absent) for language in ("zh", "en"))
    return [
        (str(i if pd.isna(z) else z), str(i if pd.isna(e) else e))
        for i, z, e in zip(table.index, zh, en)
    ]


def stamp(fig: Figure | SubFigure) -> None:
    """Say at the foot of a figure that its data are synthetic, once."""
    fig = fig.get_figure(root=True)
    if any(t.get_gid() == STAMP for t in fig.texts):
        return
    text = say("合成数据，不含真实客户", "Synthetic data: no real customers")
    fig.text(0.995, 0.008, text, ha="right", va="bottom", fontsize=8, color=GREY, gid=STAMP)
    engine = fig.get_layout_engine()
    if isinstance(engine, ConstrainedLayoutEngine | TightLayoutEngine):
        foot = 0.22 / fig.get_figheight()  # inches kept free for the line
        engine.set(rect=(0, foot, 1, 1 - foot))


def hush_single_glyphs() -> None:
    """Silence matplotlib's warning per glyph; warn_missing_glyphs says it once for all."""
    warnings.filterwarnings("ignore", rf"Glyph .* missing from font.*{FAMILY}")


def warn_missing_glyphs(figures, *, stacklevel: int = 2) -> None:
    """Warn once, naming every character that no font of its text can draw."""
    found: dict[str, None] = {}
    for figure in figures:
        for text in figure.findobj(Text):
            if FAMILY in (families := text.get_fontfamily()) and text.get_visible():
                drawn = _drawable(tuple(families))
                found |= dict.fromkeys(c for c in text.get_text() if ord(c) not in drawn)
    missing = [c for c in found if c.isprintable() and not c.isspace()]
    if missing:
        warnings.warn(
            f"no font at hand draws {''.join(missing)}: boxes are drawn instead. Install a "
            "Chinese font (Noto Sans CJK SC) or change the names",
            stacklevel=stacklevel,
        )


@lru_cache(maxsize=32)
def _drawable(families: tuple[str, ...]) -> frozenset[int]:
    codes: set[int] = set()
    for family in families:
        path = font_manager.findfont(family, fallback_to_default=True)
        codes |= font_manager.get_font(path).get_charmap().keys()
    return frozenset(codes)


def _open_figures(besides: Collection[int] = ()) -> list[Figure]:
    numbers = [number for number in plt.get_fignums() if number not in besides]
    if not numbers:
        return []
    now = plt.gcf().number
    figures = [plt.figure(number) for number in numbers]
    plt.figure(now)
    return figures
