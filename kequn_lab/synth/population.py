"""What the synthetic customers are like: every number as data, checked, with its source."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd

from kequn_lab import catalogue
from kequn_lab.reading import read_table

__all__ = ["Population", "read_population"]

CHANNELS = ("mobile", "web", "counter", "atm", "agent", "third_party")
TYPES = (
    "consume",
    "income_in",
    "transfer_out",
    "merchant_in",
    "cash",
    "loan",
    "tax_payroll",
    "invest",
)
LATENTS = ("size", "activity", "digital", "safety")
LOANS = ("micro_loan", "consumer_loan")


@dataclass(frozen=True)
class Population:
    """The parameters of a population, as tables indexed by parameter."""

    segments: pd.DataFrame
    family: pd.Series
    hybrids: pd.DataFrame
    profiles: pd.DataFrame
    presets: pd.DataFrame
    loadings: pd.DataFrame
    products: pd.DataFrame
    constants: pd.Series

    def group(self, prefix: str) -> list[str]:
        """Parameters of a group, as ``channel_mobile`` … for ``channel``, in file order."""
        return [p for p in self.segments.index if p.startswith(f"{prefix}_")]


def read_population(folder: str | Path | None = None) -> Population:
    """Read the parameters, the kit's own or an edited copy of their folder."""
    return _read(str(catalogue.path() / "population" if folder is None else folder))


@lru_cache(maxsize=4)
def _read(folder: str) -> Population:
    def table(name):
        text = read_table(Path(folder) / f"{name}.csv")
        out = text.set_index(text.columns[0])
        return out.apply(lambda c: pd.to_numeric(c) if c.name not in _TEXT else c)

    segments = table("segments")
    return Population(
        segments=segments.drop(columns=["unit", "family"]),
        family=segments["family"],
        hybrids=table("hybrids").reset_index(),
        profiles=table("profiles").drop(columns="unit"),
        presets=table("presets").drop(columns="unit"),
        loadings=table("loadings"),
        products=table("products"),
        constants=table("constants")["value"],
    )


_TEXT = ("unit", "family", "meaning", "second_segment_id")


def transformed(population: Population) -> np.ndarray:
    """Parameters where hybrids are mixed: logs, logits and log shares; (segments, parameters)."""
    values = population.segments.to_numpy(float).T
    family = population.family.to_numpy()
    floor = population.constants["simplex_floor"]
    out = values.copy()
    log, logit, simplex = (family == f for f in ("log", "logit", "simplex"))
    out[:, log] = np.log(values[:, log])
    out[:, logit] = np.log(values[:, logit] / (1 - values[:, logit]))
    out[:, simplex] = np.log(np.maximum(values[:, simplex], floor))
    return out
