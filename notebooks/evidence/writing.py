"""Write what a script of this folder computed where chapters read it, with how it was computed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd

from kequn_lab.workshop import shipped


def write_facts(chapter: str, facts: dict[str, Any]) -> None:
    """Write ``NN_facts.json``; figures with what made them, seeds included."""
    told = {"command": f"python notebooks/evidence/{chapter}.py", **facts}
    path = Path(shipped.__file__).parent / "evidence" / f"{chapter}_facts.json"
    text = json.dumps(told, ensure_ascii=False, indent=1)
    path.write_text(text + "\n", encoding="utf-8", newline="\n")


def write_table(name: str, table: pd.DataFrame) -> None:
    """Write ``name.csv``, four digits behind the point."""
    path = Path(shipped.__file__).parent / "evidence" / f"{name}.csv"
    table.to_csv(path, index=False, float_format="%.4f", lineterminator="\n")
