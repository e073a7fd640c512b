"""Exercises check themselves: the right answer, each typical wrong one, and no answer."""

import re

import pytest

from kequn_lab.workshop import check, guess
from kequn_lab.workshop.exercises import Exercise, Guess, facts_of, questions

EXERCISES = {i: q for i, q in questions().items() if isinstance(q, Exercise)}
GUESSES = {i: q for i, q in questions().items() if isinstance(q, Guess)}


def answer_of(given, exercise_id):
    return given(facts_of(exercise_id)) if callable(given) else given


@pytest.mark.parametrize("exercise_id", EXERCISES)
def test_right_and_wrong_answers_get_their_words(exercise_id):
    exercise = EXERCISES[exercise_id]
    assert len(exercise.wrong) >= 2 and set(exercise.wrong) | {"right"} == set(exercise.hints)
    for at, language in enumerate(("zh", "en")):
        said = {"right": check(exercise_id, answer_of(exercise.right, exercise_id), language)}
        for key, wrong in exercise.wrong.items():
            said[key] = check(exercise_id, answer_of(wrong, exercise_id), language)
        for key, text in said.items():
            assert text.startswith("✓" if key == "right" else "✗"), (key, text)
            assert text.endswith(exercise.hints[key][at].format_map(facts_of(exercise_id)))
        assert len(set(said.values())) == len(said)
        assert check(exercise_id, ..., language).startswith(("还没有作答", "Not yet"))


@pytest.mark.parametrize("question_id", questions())
def test_questions_stand_in_both_languages_without_typed_figures(question_id):
    question = questions()[question_id]
    texts = [question.question, *question.options] if question_id in GUESSES else [
        question.goal, *question.hints.values()
    ]  # fmt: skip
    for chinese, english in texts:
        assert english.strip() and not re.search(r"[\u4e00-\u9fff]", english.partition("(")[0])
        assert re.search(r"[\u4e00-\u9fff\d]", chinese)
    if question_id in EXERCISES:
        said = " ".join(t for pair in question.hints.values() for t in pair)
        assert not re.search(r"\d+\.\d|\d ?%", re.sub(r"\{.*?\}", "", said)), "a typed figure"


@pytest.mark.parametrize("guess_id", GUESSES)
def test_a_guess_locks_once_it_is_made(guess_id):
    box = guess(guess_id, "zh")
    _, choice, kept = box.children
    choice.value = choice.options[1]
    assert choice.disabled and choice.options[1] in kept.value


def test_unknown_questions_and_unreadable_answers_are_told():
    with pytest.raises(KeyError, match="no exercise '99.1'; there is"):
        check("99.1", 1)
    first = next(iter(EXERCISES), None)
    if first:
        assert "cannot be read" in check(first, object())
