"""Exercises and guesses of every chapter: what is asked, which answer is right, which hint helps.

Each module ``cNN`` holds one chapter's ``EXERCISES``. Texts are in two languages; figures in a
text are ``{fields}`` of the chapter's facts, ``evidence("NN_facts")``, and never typed.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any

from kequn_lab.workshop.shipped import evidence

__all__: list[str] = []

Texts = tuple[str, str]  # Chinese, English


@dataclass(frozen=True)
class Exercise:
    """A question that checks its answer.

    ``judge(answer, facts)`` returns ``right`` or the key of a hint. ``right`` and ``wrong`` are
    answers that the tests give: the right one, and for each hint a typical wrong one; a callable
    is called with the facts.
    """

    id: str
    kind: str  # fill in, explain, decide
    goal: Texts
    judge: Callable[[Any, Mapping], str]
    hints: Mapping[str, Texts]  # with "right": what is said of a right answer
    right: Any
    wrong: Mapping[str, Any]


@dataclass(frozen=True)
class Guess:
    """A question to be answered before the next cell shows the answer; nobody marks it."""

    id: str
    question: Texts
    options: tuple[Texts, ...]


@cache
def questions() -> dict[str, Exercise | Guess]:
    """All exercises and guesses by id, in the order of the course."""
    found: dict[str, Exercise | Guess] = {}
    for module in sorted(m.name for m in pkgutil.iter_modules(__path__)):
        for question in import_module(f"{__name__}.{module}").EXERCISES:
            if question.id in found:
                raise ValueError(f"two questions are called {question.id}")
            found[question.id] = question
    return found


def facts_of(question_id: str) -> Mapping[str, Any]:
    """The facts of the question's chapter; none where the chapter ships none."""
    try:
        return evidence(f"{question_id.partition('.')[0]}_facts")
    except KeyError:
        return {}
