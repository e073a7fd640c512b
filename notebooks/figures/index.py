"""Make the index of the course, ``notebooks/README.md``, and its pictures: ``make index``.

``python notebooks/build.py --execute``     runs the chapters first, for their pictures
``python notebooks/figures/index.py``       writes the index, and a picture of each chapter
``python notebooks/figures/index.py text``  writes the index only

Titles and minutes are those that the chapters say; their first cell is read.
"""

from __future__ import annotations

import base64
import io
import re
import sys
from pathlib import Path
from typing import NamedTuple

import nbformat
from PIL import Image

from kequn_lab.workshop import building

HERE = Path(__file__).resolve().parent
NOTEBOOKS = HERE.parent
EXECUTED = NOTEBOOKS.parent / "data" / "output" / "notebooks"
PICTURES = HERE / "chapters"
WIDTH, COLOURS = 360, 48

#: By number: what the chapter asks, and which of its pictures stands here (none: -1).
CHAPTERS = {
    "00": ("从头走一遍会得到什么？", "What comes out when we go the whole way?", 1),
    "01": ("文章说了什么，没说什么？", "What does the article say, and what not?", 0),
    "02": ("这些客户从哪里来，分数是谁定的？", "Where do the customers come from?", 1),
    "03": ("谁决定两位客户相近？", "What decides who is near whom?", 1),
    "04": ("换一个起点，结果还一样吗？", "Does another start give the same result?", 2),
    "04b": ("失踪的客群在哪里？", "Where is the lost segment?", 0),
    "05": ("几个客群，站得住吗？", "How many segments, and are they stable?", 0),
    "06": ("每个客群里是谁？", "Who is in each segment?", 0),
    "07": ("两类银行要的人差在哪里，选谁？", "How do the targets differ, and whom to serve?", 1),
    "08": ("给谁、什么、在哪里？", "Who gets what, and where?", 4),
    "09": ("下个月还是同一批人吗？", "Are they the same people next month?", 0),
    "10": ("都学会了吗？", "What have you learned?", -1),
    "11": ("数据一台机器装不下怎么办？", "What if one machine is not enough?", -1),
}
_MINUTES = re.compile(r"(?:时间|Time)\W*(\d+)")
TEXT = {
    "zh": (
        "## 课程",
        "每章先猜、再算、再解释；练习会自己批改。客户全部是**合成**的。点章名打开笔记本；"
        "自己做请先运行 `kequn workshop start 文件夹 --language zh`，它会拷出一份干净的课程。",
        "| 章 | 问题 | 分钟 | |",
    ),
    "en": (
        "## The course",
        "Each chapter asks for a guess, computes and explains; exercises check themselves. All "
        "customers are **synthetic**. A title opens the notebook; to work through them, "
        "`kequn workshop start FOLDER --language en` lays out a fresh copy.",
        "| chapter | question | minutes | |",
    ),
}
ALT = {"zh": "第 {} 章的一张图，合成数据", "en": "A picture of chapter {}, synthetic data"}


class Chapter(NamedTuple):
    """What the index says of a chapter, in one language."""

    number: str
    title: str
    minutes: str
    file: str


def chapter(source: Path, language: str) -> Chapter:
    """Number, title and minutes, as the first cell says them."""
    first = building.build(source, language).cells[0].source
    number, _, title = first.splitlines()[0].removeprefix("# ").partition(" ")
    minutes = _MINUTES.search(first)
    return Chapter(number, title, minutes[1] if minutes else "", f"{source.stem}.ipynb")


def picture(number: str, language: str) -> Path:
    """Where the small picture of a chapter lies."""
    return PICTURES / f"{number}_{language}.png"


def index() -> str:
    """The text of ``notebooks/README.md``."""
    parts = ["# 客群实验室课程 · The kequn_lab course"]
    for language, (heading, words, head) in TEXT.items():
        lines = [head, "|---|---|---|---|"]
        for source in building.sources(NOTEBOOKS / "py"):
            one = chapter(source, language)
            asked = CHAPTERS[one.number][language == "en"]
            link = f"[{one.number} {one.title}]({language}/{one.file})"
            image = ""
            if (file := picture(one.number, language)).exists():
                where = file.relative_to(NOTEBOOKS).as_posix()
                image = f"![{ALT[language].format(one.number)}]({where})"
            lines.append(f"| {link} | {asked} | {one.minutes} | {image} |")
        parts += [heading, words, "\n".join(lines)]
    return "\n\n".join(parts) + "\n"


def write_picture(source: Path, language: str) -> None:
    """Take the chapter's picture out of the notebook that was run, and make it small."""
    number = chapter(source, language).number
    ran = EXECUTED / language / f"{source.stem}.ipynb"
    which = CHAPTERS[number][2]
    if which < 0 or not ran.exists():
        return
    outputs = [o for c in nbformat.read(ran, as_version=4).cells for o in c.get("outputs", [])]
    shown = [o.data["image/png"] for o in outputs if "image/png" in o.get("data", {})]
    if not shown:
        raise ValueError(f"{ran} shows no picture")
    whole = Image.open(io.BytesIO(base64.b64decode(shown[min(which, len(shown) - 1)])))
    small = whole.convert("RGB").resize(
        (WIDTH, round(whole.height * WIDTH / whole.width)), Image.Resampling.LANCZOS
    )
    PICTURES.mkdir(exist_ok=True)
    small.quantize(COLOURS).save(picture(number, language), optimize=True)


def main(text_only: bool = False) -> None:
    """Write the pictures of the chapters that were run, and the index."""
    for source in building.sources(NOTEBOOKS / "py"):
        for language in building.LANGUAGES:
            if not text_only:
                write_picture(source, language)
    (NOTEBOOKS / "README.md").write_text(index(), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main("text" in sys.argv[1:])
