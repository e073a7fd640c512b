"""The notes for instructors: paths of chapters that are there, in the time that is said."""

import re
from pathlib import Path

import pytest

from kequn_lab.commands.parser import parser
from kequn_lab.workshop import building

ROOT = Path(__file__).resolve().parents[2]
NOTES = {n: (ROOT / "notebooks" / n).read_text(encoding="utf-8")
         for n in ("instructor.md", "instructor.zh-CN.md")}  # fmt: skip
CHAPTERS = {source.stem.partition("_")[0] for source in building.sources()}


def long_path(text: str) -> list[tuple[int, str, int]]:
    """Start in minutes, chapter (or a break), length."""
    rows = re.findall(r"^\| (\d):(\d\d) \| (\w+).*? \| (\d+) \|", text, flags=re.MULTILINE)
    return [(60 * int(h) + int(m), chapter, int(n)) for h, m, chapter, n in rows]


@pytest.mark.parametrize("name", NOTES)
def test_the_long_path_takes_three_hours_and_starts_when_it_says(name):
    path = long_path(NOTES[name])
    assert sum(minutes for *_, minutes in path) == 180
    assert [start for start, *_ in path] == [sum(n for *_, n in path[:i]) for i in range(len(path))]
    assert {c for _, c, _ in path if c[0].isdigit()} <= CHAPTERS


def test_both_languages_tell_the_same_paths():
    zh, en = (long_path(NOTES[n]) for n in ("instructor.zh-CN.md", "instructor.md"))
    assert [(a, c) for a, _, c in zh] == [(a, c) for a, _, c in en]
    short = [re.findall(r"(\d\d[a-z]?)[ （(]+(\d+)[)）] ?·", t) for t in NOTES.values()]
    assert short[0] == short[1] and {chapter for chapter, _ in short[0]} <= CHAPTERS
    assert sum(int(minutes) for _, minutes in short[0]) == 85  # and five to close


@pytest.mark.parametrize("name", NOTES)
def test_commands_of_the_notes_exist_and_figures_are_measured(name):
    for command in re.findall(r"`kequn (\w+ \w+ [^`]+)`", NOTES[name]):
        parser().parse_args(command.split())
    for file in re.findall(r"`python ([\w/]+\.py)`", NOTES[name]):
        assert (ROOT / file).exists(), file
    table = re.search(r"<!-- measured.*?-->(.*?)<!-- /measured", NOTES[name], flags=re.DOTALL)[1]
    assert set(re.findall(r"^\| (\d\d\w?) \|", table, flags=re.MULTILINE)) == CHAPTERS
