"""The course in a classroom: chapters in two languages, guesses and exercises that check answers.

Chapters call ``guess``, ``check``, ``evidence``, ``explore``, ``sample`` and ``true_segments``;
the command ``kequn workshop`` lays out a folder for a participant.
"""

from kequn_lab.workshop.answers import check, guess
from kequn_lab.workshop.shipped import evidence, sample, true_segments
from kequn_lab.workshop.widgets import explore

__all__ = ["check", "evidence", "explore", "guess", "sample", "true_segments"]
