"""Guesses that are kept before the answer is shown, and answers that are checked."""

from __future__ import annotations

import difflib
from typing import Any

from kequn_lab._words import require_language
from kequn_lab.workshop.exercises import Exercise, Guess, facts_of, questions

__all__ = ["check", "guess"]

_NOT_YET = ("还没有作答：把 ... 换成你的答案。", "Not yet: put your answer in place of the dots.")
_RIGHT = ("✓ 对。", "✓ Right.")
_NOT_READ = (
    "✗ 读不懂这个答案（{error}）。请看题目要求的格式。",
    "✗ This answer cannot be read ({error}). Look at the form that the question asks for.",
)


class Said(str):
    """A sentence that a notebook shows without quotes around it."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def check(exercise_id: str, answer: Any, language: str = "en") -> str:
    """Say whether an answer is right, or what to look at.

    Parameters
    ----------
    exercise_id : str
        ``04.1``: chapter and number.
    answer : object
        What the exercise asks for; ``...`` is no answer yet.
    language : {"zh", "en"}

    Returns
    -------
    str
        ``✓`` and a sentence, a hint for this wrong answer after ``✗``, or that there is no answer.

    Raises
    ------
    KeyError
        There is no such exercise; the nearest is named.

    Examples
    --------
    >>> check("04.1", ...)
    Not yet: put your answer in place of the dots.
    """
    require_language(language)
    exercise, at = _find(exercise_id, Exercise), ("zh", "en").index(language)
    if _unanswered(answer):
        return Said(_NOT_YET[at])
    facts = facts_of(exercise_id)
    try:
        outcome = exercise.judge(answer, facts)
    except Exception as error:
        return Said(_NOT_READ[at].format(error=f"{type(error).__name__}: {error}"))
    said = exercise.hints[outcome][at].format_map(facts)
    return Said(f"{_RIGHT[at]} {said}" if outcome == "right" else f"✗ {said}")


def guess(guess_id: str, language: str = "en") -> Any:
    """Ask for a guess: a list to choose from that locks once chosen; plain text without widgets.

    Parameters
    ----------
    guess_id : str
        ``04.a``: chapter and letter.
    language : {"zh", "en"}

    Returns
    -------
    ipywidgets.Widget
        It is shown where a notebook's cell ends with it.

    Raises
    ------
    KeyError
        There is no such guess; the nearest is named.

    Examples
    --------
    >>> type(guess("04.a")).__name__
    'VBox'
    """
    require_language(language)
    from kequn_lab.workshop.widgets import guess_box

    asked, at = _find(guess_id, Guess), ("zh", "en").index(language)
    return guess_box(asked.question[at], [option[at] for option in asked.options], language)


def _unanswered(answer: Any) -> bool:
    """Also where dots are inside a list or a dictionary."""
    if isinstance(answer, dict):
        return any(_unanswered(value) for value in answer.values())
    if isinstance(answer, list | tuple | set):
        return any(_unanswered(value) for value in answer)
    return answer is ...


def _find(question_id: str, kind: type) -> Any:
    known = [key for key, question in questions().items() if isinstance(question, kind)]
    if question_id in known:
        return questions()[question_id]
    near = difflib.get_close_matches(question_id, known, n=3, cutoff=0)
    raise KeyError(f"no {kind.__name__.lower()} {question_id!r}; there is {', '.join(near)}")
