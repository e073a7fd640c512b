"""Cut KequnSansSC.otf from Noto Sans CJK SC.

Kept: the 3,755 hanzi of GB2312 level 1, Chinese punctuation, full-width forms, and every further
Chinese character in the catalogue and in the package's own texts. Latin letters and digits are
drawn with matplotlib's DejaVu Sans. The same source and the same tree give the same bytes.

The source is NotoSansCJK-Regular.ttc of Debian's package fonts-noto-cjk (SIL Open Font License
1.1, see kequn_lab/fonts/OFL.txt)::

    apt-get download fonts-noto-cjk && dpkg-deb -x fonts-noto-cjk_*.deb noto
    python data/make_subset.py noto/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc
"""

from __future__ import annotations

import argparse
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TARGET = ROOT / "kequn_lab/fonts" / "KequnSansSC.otf"
# The licence lets a changed font keep the licence but not the name.
FAMILY, POSTSCRIPT = "Kequn Sans SC", "KequnSansSC-Regular"


def is_chinese(character: str) -> bool:
    """Whether a character is a hanzi, Chinese punctuation or a full-width form."""
    code = ord(character)
    return (
        0x3000 <= code <= 0x303F  # punctuation
        or 0x3400 <= code <= 0x9FFF  # hanzi
        or 0xF900 <= code <= 0xFAFF
        or 0xFF00 <= code <= 0xFFEF  # full-width forms
        or 0x20000 <= code <= 0x3134F
    )


def gb2312_level1() -> set[str]:
    """The 3,755 commonest hanzi: rows 16 to 55 of GB2312.

    Examples
    --------
    >>> len(gb2312_level1()), "群" in gb2312_level1(), "鑫" in gb2312_level1()
    (3755, True, False)
    """
    cells = (bytes([row, cell]) for row in range(0xB0, 0xD8) for cell in range(0xA1, 0xFF))
    return {c.decode("gb2312") for c in cells if not (c[0] == 0xD7 and c[1] > 0xF9)}


def wanted(root: Path) -> set[str]:
    """Every character that the font must hold, for the tree at ``root``."""
    punctuation = {chr(c) for c in range(0x3000, 0x3020)}
    full_width = {chr(c) for c in (*range(0xFF01, 0xFF5F), 0xFFE0, 0xFFE1, 0xFFE5)}
    sources = [*root.glob("data/catalogue/**/*.csv"), *root.glob("kequn_lab/**/*.py")]
    own = {c for path in sources for c in path.read_text("utf-8-sig") if is_chinese(c)}
    return gb2312_level1() | punctuation | full_width | own


def cut(source: Path, target: Path = TARGET, *, root: Path = ROOT) -> set[str]:
    """Write the subset to ``target``; return the wanted characters that the source lacks."""
    from fontTools.subset import Options, Subsetter
    from fontTools.ttLib import TTCollection

    fonts = TTCollection(source).fonts
    font = next(f for f in fonts if f["name"].getDebugName(4) == "Noto Sans CJK SC")
    characters = wanted(root)
    absent = {c for c in characters if ord(c) not in font.getBestCmap()}

    options = Options()
    options.layout_features = []  # one glyph a character: pictures are set horizontally
    options.hinting = False
    options.name_IDs = [0, 8, 9, 13, 14]
    options.drop_tables += ["BASE", "GDEF", "GPOS", "GSUB", "VORG", "vhea", "vmtx"]
    subsetter = Subsetter(options)
    subsetter.populate(unicodes=[ord(c) for c in characters])
    subsetter.subset(font)

    _rename(font)
    font.recalcTimestamp = False
    font.save(target, reorderTables=True)
    return absent


def _rename(font) -> None:
    names = font["name"]
    version = names.getDebugName(5) or "2.004"
    texts = {1: FAMILY, 2: "Regular", 3: f"{version};{POSTSCRIPT}", 4: FAMILY, 6: POSTSCRIPT}
    texts[10] = "A subset of Noto Sans CJK SC 2.004 under another name, cut by make_subset.py."
    for name_id, text in texts.items():
        names.setName(text, name_id, 3, 1, 0x409)
    cff = font["CFF "].cff
    cff.fontNames = [POSTSCRIPT]
    top = cff.topDictIndex[0]
    top.FullName = top.FamilyName = FAMILY
    for part in getattr(top, "FDArray", []):
        part.FontName = f"{POSTSCRIPT}-{part.FontName.rsplit('-', 1)[-1]}"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("source", type=Path, help="NotoSansCJK-Regular.ttc")
    missing = cut(parser.parse_args().source)
    print(f"{TARGET.name}: {TARGET.stat().st_size / 1e3:.0f} kB", *sorted(missing))
