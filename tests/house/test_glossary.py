"""Terms: one word for one thing, in each language, in every chapter and in the READMEs."""

import csv
import re
from pathlib import Path

import pytest

from kequn_lab.workshop import building

ROOT = Path(__file__).resolve().parents[2]
with open(ROOT / "notebooks" / "glossary.csv", encoding="utf-8") as file:
    TERMS = list(csv.DictReader(file))
#: Those that mean one thing only, so that a text with one of the pair needs the other, too. The
#: rest (start, reading, search …) are everyday words as well.
CHECKED = [(row["zh"], row["en"]) for row in TERMS if row["checked"] == "yes"]


def spoken(text: str) -> str:
    """A text without code, links and pictures."""
    text = re.sub(r"```.*?```", " ", text, flags=re.DOTALL)
    return re.sub(r"`[^`]*`|\]\([^)]*\)|<!--.*?-->", " ", text)


def says(text: str, term: str) -> bool:
    """A Chinese term as it is, without what it has in brackets; an English one in any number."""
    if re.search(r"[\u4e00-\u9fff]", term):
        return any(part in text for part in re.split(r"[（）/]", term) if part)
    words = [re.escape(word) for word in term.split()]
    words[-1] = words[-1].removesuffix("y") + "(y|ies)" if term.endswith("y") else words[-1] + "s?"
    return bool(re.search(r"\b" + r"[\s-]+".join(words) + r"\b", text, re.IGNORECASE))


def unpaired(chinese: str, english: str) -> list[str]:
    """Checked terms that only one of two texts uses."""
    chinese, english = spoken(chinese), spoken(english)
    return [
        f"{zh} / {en}: only in {'Chinese' if says(chinese, zh) else 'English'}"
        for zh, en in CHECKED
        if says(chinese, zh) != says(english, en)
    ]


def test_the_glossary_is_whole_and_in_order():
    assert len(TERMS) >= 60 and len(CHECKED) >= 40
    assert list(TERMS[0]) == ["zh", "en", "meaning_zh", "meaning_en", "checked"]
    for row in TERMS:
        assert all(row.values()) and None not in row, row
        assert row["checked"] in ("yes", "no"), row
    chinese, english = ([row[language] for row in TERMS] for language in ("zh", "en"))
    assert chinese == sorted(set(chinese)) and len(set(english)) == len(english)


@pytest.mark.parametrize("source", building.sources(), ids=lambda s: s.stem)
def test_both_languages_of_a_chapter_use_the_same_terms(source):
    if 'lang="zh"' not in source.read_text(encoding="utf-8"):
        pytest.skip("one text for both languages")
    zh, en = (
        "\n".join(c.source for c in building.build(source, language).cells
                  if c.cell_type == "markdown")
        for language in ("zh", "en")
    )  # fmt: skip
    assert unpaired(zh, en) == []


def test_both_readmes_use_the_same_terms():
    zh, en = (
        (ROOT / name).read_text(encoding="utf-8") for name in ("README.zh-CN.md", "README.md")
    )
    assert unpaired(zh, en) == []


def test_another_word_for_a_term_is_seen():
    assert unpaired("调整后的兰德系数", "the adjusted Rand index") == [
        "调整兰德指数 / adjusted Rand index: only in English"
    ]
    assert unpaired("一个簇的纯度", "The purity of clusters") == []
    assert unpaired("簇的质心", "the centre of a cluster") == ["中心 / centre: only in English"]
