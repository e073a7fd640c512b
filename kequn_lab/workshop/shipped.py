"""What chapters read: the small bank, and evidence that is too slow to compute in a lesson."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd

__all__ = ["evidence", "sample", "true_segments"]

_EVIDENCE = Path(__file__).resolve().parent / "evidence"
#: The small bank, as ``make sample`` draws it, and the day that its features look back from.
CUSTOMERS, SEED, AS_OF = 2000, 0, "2024-12-31"


def sample() -> dict[str, Any]:
    """The small synthetic bank, as the first arguments of ``kq.segment``.

    Its files are looked for in ``data/sample`` of this folder and the folders above; where there
    are none, the same bank is drawn.

    Returns
    -------
    dict
        ``table``, ``customers``, ``holdings``, ``as_of``: paths and a day; or ``table`` alone, the
        bank itself.

    Examples
    --------
    >>> sorted(sample())[-1]
    'table'
    """
    here = Path.cwd()
    for folder in (here, *here.parents[:4]):
        files = folder / "data" / "sample"
        if (files / "events.parquet").exists():
            names = {
                "table": "events.parquet",
                "customers": "customers.csv",
                "holdings": "holdings.parquet",
            }
            return {key: files / name for key, name in names.items()} | {"as_of": AS_OF}
    from kequn_lab.synth import make_bank

    return {"table": make_bank(CUSTOMERS, random_state=SEED, as_of=AS_OF)}


def true_segments() -> pd.DataFrame:
    """The true segment of each customer of the small bank, which no real bank has.

    Returns
    -------
    DataFrame
        ``customer_id``, ``segment_id``, ``second_segment_id`` (of a customer who is a mixture of
        two) and ``primary_weight``, the weight of the first.

    Examples
    --------
    >>> true_segments()["segment_id"].nunique()
    8
    """
    given = sample()
    if "customers" in given:
        return pd.read_csv(given["customers"].with_name("truth.csv"))
    return given["table"].truth


def evidence(name: str) -> Any:
    """A table or the facts that a command of the repository computed (``notebooks/evidence``).

    Parameters
    ----------
    name : str
        ``05_stability``: the name of a shipped file without its ending.

    Returns
    -------
    pandas.DataFrame or dict
        A table where a CSV file is shipped, the facts where it is JSON.

    Raises
    ------
    KeyError
        There is no such evidence; those that are there are named.

    Examples
    --------
    >>> evidence("nothing")
    Traceback (most recent call last):
    ...
    KeyError: "no evidence 'nothing'; there is ...
    """
    for path in sorted(_EVIDENCE.glob(f"{name}.*")):
        if path.suffix == ".csv":
            return pd.read_csv(path)
        if path.suffix == ".json":
            return json.loads(path.read_text(encoding="utf-8"))
    there = sorted(p.stem for p in _EVIDENCE.glob("[0-9]*"))
    raise KeyError(f"no evidence {name!r}; there is {', '.join(there)}")
