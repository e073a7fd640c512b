"""A scorecard of one variable and two segments, for the examples of this room."""

from __future__ import annotations

from kequn_lab.export.scorecard import Scorecard, ScorecardFeature, ScorecardSegment

_AGE = ScorecardFeature("age", "years", 40, 18, 90, False, 44, 15, 0, (), (1,))
_YOUNG = ScorecardSegment(0, "young_adult", "年轻人客群", "Young", "", None, 0.5, (-1.0,))
_OLD = ScorecardSegment(1, "elderly", "老年客群", "Elderly", "", None, 0.5, (1.0,))
card = Scorecard((_AGE,), (_YOUNG, _OLD), trained_on="2024-12-31", customers=100)
