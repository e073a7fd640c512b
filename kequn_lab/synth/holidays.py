"""Chinese public holidays, and the working days between them.

The days are those of the State Council's *Regulation on Public Holidays for National Festivals
and Memorial Days* (全国年节及纪念日放假办法): order 270 of 1999, amended by orders 513 of 2007, 644
of 2013 and 795 of 2024. Compared with the package holidays 0.109. Kept are New Year, Spring
Festival, Labour Day and National Day; left out are holidays of one day by the sun or the moon
(Qingming, Dragon Boat, Mid-Autumn), and the weekends that each year's notice makes working days.
Years before 1999 have the days of 1999 (assumption).
"""

from __future__ import annotations

import numpy as np

__all__ = ["closed", "following_open_day", "following_working_day", "preceding_working_day",
           "spring_festival", "working"]  # fmt: skip

_FIRST_YEAR = 1984
# First day of the lunar year, days after 20 January, 1984 to 2100. As the Hong Kong Observatory's
# Gregorian-Lunar Calendar Conversion Tables; equal to what lunardate 0.3.0 and holidays 0.109 say.
_NEW_YEAR = np.array([
    13, 31, 20, 9, 28, 17, 7, 26, 15, 3, 21, 11, 30, 18, 8, 27, 16, 4, 23, 12, 2, 20, 9, 29, 18, 6,
    25, 14, 3, 21, 11, 30, 19, 8, 27, 16, 5, 23, 12, 2, 21, 9, 28, 17, 6, 24, 14, 3, 22, 11, 30, 19,
    8, 26, 15, 4, 23, 12, 2, 21, 10, 28, 17, 6, 25, 13, 3, 22, 12, 30, 19, 8, 26, 15, 4, 23, 13, 1,
    20, 9, 28, 16, 6, 25, 14, 3, 22, 11, 30, 18, 7, 26, 16, 4, 23, 13, 2, 20, 9, 28, 17, 6, 25, 14,
    4, 21, 10, 29, 18, 7, 26, 16, 5, 23, 12, 1, 20,
])  # fmt: skip


def spring_festival(year: np.ndarray | int) -> np.ndarray:
    """First day of the lunar year, in days since 1970-01-01; years 1984 to 2100, else the nearest.

    Examples
    --------
    >>> spring_festival(np.array([2024, 2025])).astype("datetime64[D]").astype(str).tolist()
    ['2024-02-10', '2025-01-29']
    """
    year = np.clip(year, _FIRST_YEAR, _FIRST_YEAR + len(_NEW_YEAR) - 1)
    return _day(year, 1, 20) + _NEW_YEAR[year - _FIRST_YEAR]


def _day(year, month, day):
    month = (np.asarray(year) - 1970) * 12 + month - 1
    return month.astype("datetime64[M]").astype("datetime64[D]").astype(int) + day - 1


_START, _END = (int(_day(y, 1, 1)) for y in (_FIRST_YEAR, _FIRST_YEAR + len(_NEW_YEAR)))


def _calendar():
    """Whether counters are closed, and whether a day is a working day, from ``_START``."""
    shut, holiday = np.zeros((2, _END - _START), bool)
    for year in range(_FIRST_YEAR, _FIRST_YEAR + len(_NEW_YEAR)):
        eve = -1 if 2008 <= year <= 2013 or year >= 2025 else 0
        last = 1 if 2008 <= year <= 2013 else 2
        may = 3 if year <= 2007 else 2 if year >= 2025 else 1
        long = [spring_festival(year) + k for k in range(eve, last + 1)]
        long += [_day(year, 10, k) for k in (1, 2, 3)]
        shut[np.array(long) - _START] = True
        holiday[
            np.array([_day(year, 1, 1), *(_day(year, 5, 1 + k) for k in range(may))]) - _START
        ] = 1
    weekday = (np.arange(_START, _END) + 3) % 7
    return shut, ~shut & ~holiday & (weekday < 5)


_SHUT, _WORKING = _calendar()


def _nearest(there, step):
    """For each day the nearest day that is ``there``: itself, or later (1) or earlier (-1)."""
    day = np.arange(len(there))
    if step < 0:
        return np.maximum.accumulate(np.where(there, day, 0))
    return np.minimum.accumulate(np.where(there, day, len(there) - 1)[::-1])[::-1]


_BEFORE, _AFTER, _OPEN = _nearest(_WORKING, -1), _nearest(_WORKING, 1), _nearest(~_SHUT, 1)


def _look_up(table, day):
    return table[np.clip(np.asarray(day) - _START, 0, len(table) - 1)]


def closed(day: np.ndarray) -> np.ndarray:
    """Whether counters are closed: the legal days of Spring Festival, and 1 to 3 October.

    That branches close on just these days is an assumption; some open for part of them.
    """
    return _look_up(_SHUT, day)


def working(day: np.ndarray) -> np.ndarray:
    """Whether it is neither a weekend nor a public holiday."""
    return _look_up(_WORKING, day)


def preceding_working_day(day: np.ndarray) -> np.ndarray:
    """The day, or the nearest working day before it."""
    return _look_up(_BEFORE, day) + _START


def following_working_day(day: np.ndarray) -> np.ndarray:
    """The day, or the nearest working day after it."""
    return _look_up(_AFTER, day) + _START


def following_open_day(day: np.ndarray) -> np.ndarray:
    """The day, or the nearest one after it when counters are open."""
    return _look_up(_OPEN, day) + _START
