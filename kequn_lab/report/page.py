"""One HTML file that says what a run found, to be opened from disk or sent by mail.

Nothing is fetched from a network: style, pictures and the Chinese glyphs used are inside. What
comes from users' data is escaped.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import pandas as pd
from jinja2 import Environment, StrictUndefined

from kequn_lab._files import replacing
from kequn_lab._words import require_language
from kequn_lab.report._tables import EVIDENCE
from kequn_lab.report._words import SECTIONS

__all__ = ["Picture", "write_report"]

_TABLES = (
    *("sizes", "segments", "variables", "profile", "markers", "order", "cards", "rules"),
    *("warnings", "truth_table", "groups", "comparison", "target_groups", "decision", "criteria"),
    *EVIDENCE,
)
#: Where the font goes; no data can say this, since it is escaped.
_FONT_PLACE = "<font>"


@dataclass(frozen=True)
class Picture:
    """A picture of the report.

    Attributes
    ----------
    image : bytes or matplotlib Figure
        A PNG file, or a figure to make one of (inside ``plots.style``, so that its words are
        drawn).
    title_zh, title_en : str
        The heading above the picture.
    alt_zh, alt_en : str
        What it shows, for a reader who cannot see it.
    section : {"pictures", "decision", "comparison", "evidence", "truth", "profiles"}
        Its place in the report.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> picture = Picture(Figure((2, 1)), "大小", "Sizes", "各客群占比", "Share of each segment")
    >>> picture.png()[1:4]
    b'PNG'
    """

    image: Any
    title_zh: str
    title_en: str
    alt_zh: str
    alt_en: str
    section: str = "pictures"

    def __post_init__(self):
        if not (self.alt_zh.strip() and self.alt_en.strip()):
            raise ValueError(f"picture {self.title_en!r} needs alt text in both languages")
        if self.section not in SECTIONS:
            raise ValueError(f"section is {self.section!r}; there are {', '.join(SECTIONS)}")

    def png(self) -> bytes:
        """The picture as a PNG file."""
        if not isinstance(self.image, bytes):
            buffer = io.BytesIO()
            self.image.savefig(buffer, format="png", dpi=120)
            return buffer.getvalue()
        if not self.image.startswith(b"\x89PNG\r\n\x1a\n"):
            raise ValueError(f"picture {self.title_en!r} is not a PNG file")
        return self.image


def write_report(
    path: str | Path,
    *,
    tables: Mapping[str, pd.DataFrame],
    run: Mapping[str, Any],
    figures: Mapping[str, Picture] | None = None,
    language: str = "zh",
) -> None:
    """Write the report of a run, whole or not at all.

    Parameters
    ----------
    path : path
        The file; its folder must exist.
    tables : mapping of str to DataFrame
        All optional; a section without its table is left out.

        - ``sizes`` (``profiles.size_table``), ``profile``, ``markers``; ``order``: a column
          ``variable`` that sorts the profile
        - ``segments``: ``segment_id``, ``name_zh``, ``name_en``; ``variables``:
          ``features.feature_dictionary()``
        - ``cards`` (``profiles.segment_cards``), ``rules`` (``profiles.segment_rules``),
          ``warnings`` (``profiles.warnings_table``; empty is good news)
        - ``scores`` (``validation.score_k``), ``k_reading`` (``validation.read_k``), ``stability``
          (``validation.stability_by_k``), ``segment_stability`` (``validation.stability_summary``)
        - ``truth_table`` (``validation.truth_table``): of synthetic data
        - ``groups`` (``compare.group_sizes``), ``comparison`` (``compare.compare_groups``),
          ``target_groups`` (``group_id``, ``group_zh``, ``group_en``), ``decision``
          (``compare.attractiveness_matrix``), ``criteria`` (``criterion_id``, ``name_zh``,
          ``name_en``)
    run : mapping
        The record of the run, as ``run.json``: ``synthetic``, ``created_at``, ``as_of``,
        ``months``, ``currency``, ``parameters``, ``inputs``, ``rows``, ``features`` (``used``,
        ``left_out``), ``fit`` (``agreement``, ``starts``), ``names``, ``versions``. What is
        missing is left out.
    figures : mapping of str to Picture, optional
        In the order to show them.
    language : {"zh", "en"}

    Raises
    ------
    ValueError
        An unknown language or table, a picture that is none.
    FileNotFoundError
        The folder does not exist.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> sizes = pd.DataFrame({"segment_id": ["<script>"], "customers": [5], "share": [1.0]})
    >>> with TemporaryDirectory() as folder:
    ...     file = Path(folder, "report.html")
    ...     write_report(file, tables={"sizes": sizes}, run={"synthetic": True}, language="en")
    ...     text = file.read_text(encoding="utf-8")
    >>> "Synthetic data" in text, "&lt;script&gt;" in text, "<script" in text
    (True, True, False)
    """
    require_language(language)
    if unknown := sorted(set(tables) - set(_TABLES)):
        raise ValueError(f"unknown tables {unknown}; the report takes {', '.join(_TABLES)}")
    for name, picture in (figures or {}).items():
        if not isinstance(picture, Picture):
            raise TypeError(f"figures[{name!r}] must be a Picture, found {type(picture).__name__}")
    from kequn_lab.report._content import Content  # it draws in matplotlib, for the colours

    html = _render(Content(tables, run, figures or {}, language).context())
    with replacing(path) as file:
        file.write(html.encode())


def _render(context: dict[str, Any]) -> str:
    source = files("kequn_lab.report").joinpath("report.html.jinja").read_text(encoding="utf-8")
    template = Environment(autoescape=True, undefined=StrictUndefined).from_string(source)
    # Names from data need glyphs too, so the font is cut when all is written.
    text = template.render(**context, font=_FONT_PLACE)
    return text.replace(_FONT_PLACE, _font(text), 1)


def _font(text: str) -> str:
    """The Chinese glyphs of a text, for machines without a Chinese font (base64 of a WOFF)."""
    from fontTools.subset import Options, Subsetter, load_font, save_font

    options = Options(flavor="woff", layout_features=[], hinting=False, notdef_outline=True)
    font = load_font(str(files("kequn_lab").joinpath("fonts/KequnSansSC.otf")), options)
    subsetter = Subsetter(options)
    subsetter.populate(text="".join({c for c in set(text) if ord(c) > 0x2E7F}))
    subsetter.subset(font)
    buffer = io.BytesIO()
    save_font(font, buffer, options)
    return base64.b64encode(buffer.getvalue()).decode()
