"""The whole way: a customer table in; named segments, tables, pictures and a record out."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
from sklearn.pipeline import Pipeline
from tqdm.auto import tqdm

from kequn_lab import catalogue, compare, export, profiles
from kequn_lab.features import feature_table
from kequn_lab.inputs import Inputs
from kequn_lab.segments import centre_table, fit_segments, label_table, name_clusters

__all__ = ["Analysis", "analyse", "require_folder", "write_results"]


@dataclass(frozen=True)
class Analysis:
    """What a run found; the tables are those of the rooms that made them.

    Attributes
    ----------
    inputs : Inputs
    pipeline : fitted Pipeline
    names : DataFrame
        As :func:`~kequn_lab.segments.name_clusters`.
    labels : DataFrame
        As :func:`~kequn_lab.segments.label_table`.
    tables : dict of str to DataFrame
        ``sizes``, ``profile``, ``markers``, ``groups``, ``comparison`` where there are any.
    parameters : dict
        What the run was asked for.
    """

    inputs: Inputs
    pipeline: Pipeline
    names: pd.DataFrame
    labels: pd.DataFrame
    tables: dict[str, pd.DataFrame] = field(default_factory=dict)
    parameters: dict = field(default_factory=dict)

    def summary(self) -> str:
        """A few lines for the terminal."""
        kmeans = self.pipeline["kmeans"]
        sizes = self.labels.groupby(["cluster", "segment_id", "name_zh", "name_en"]).size()
        lines = [
            f"  {n:>9,}  {n / len(self.labels):6.1%}  {segment:<20} {en} {zh}"
            for (_, segment, zh, en), n in sizes.items()
        ]
        kind = " (synthetic)" if self.inputs.synthetic else ""
        agreed = f"{kmeans.agreement_:.0%} of {len(kmeans.restart_inertias_)} starts"
        return "\n".join(
            [
                f"{len(self.labels):,} customers{kind}, {self.inputs.features.shape[1]} features, "
                f"{len(sizes)} clusters; {agreed} reached the best solution found",
                *lines,
            ]
        )

    def record(self) -> dict:
        """What ``run.json`` says: enough to repeat the run and to know what it used."""
        kmeans = self.pipeline["kmeans"]
        left_out = self.inputs.features.attrs.get("left_out", {})
        return {
            "schema": "kequn_lab.run/1",
            "created_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "synthetic": self.inputs.synthetic,
            "parameters": self.parameters,
            "as_of": self.inputs.as_of,
            "months": self.inputs.months,
            "currency": self.inputs.currency,
            "inputs": list(self.inputs.files),
            "facts": self.inputs.facts,
            "rows": {"customers": len(self.inputs.features), "labels": len(self.labels)},
            "features": {"used": list(self.inputs.features), "left_out": left_out},
            "fit": {
                "inertia": kmeans.inertia_,
                "agreement": kmeans.agreement_,
                "starts": len(kmeans.restart_inertias_),
            },
            "names": self.names.astype(object).where(self.names.notna(), None).to_dict("records"),
            "versions": export.versions(),
        }


def analyse(
    inputs: Inputs,
    *,
    n_clusters: int = 8,
    n_starts: int = 25,
    random_state: int = 0,
    overrides: dict[int, str] | None = None,
    n_boot: int = 1000,
    quiet: bool = False,
) -> Analysis:
    """Cluster, name, profile and compare.

    Parameters
    ----------
    inputs : Inputs
    n_clusters, n_starts, random_state
        As :func:`~kequn_lab.segments.segment_pipeline`.
    overrides : dict of int to str, optional
        Names given by a person, see :func:`~kequn_lab.segments.name_clusters`.
    n_boot : int
        Bootstrap draws behind the intervals.
    quiet : bool
        No progress bar.

    Examples
    --------
    >>> from kequn_lab.inputs import from_synthetic_bank
    >>> bank = from_synthetic_bank(300, random_state=1)
    >>> analysis = analyse(bank, n_clusters=8, n_boot=100, quiet=True)
    >>> len(analysis.labels), analysis.labels["segment_id"].nunique()
    (300, 8)
    """
    steps = tqdm(total=4, desc="cluster", disable=quiet)
    with steps:
        pipeline = fit_segments(
            inputs.features,
            n_clusters=n_clusters,
            n_starts=n_starts,
            random_state=random_state,
            log_columns=inputs.log_columns,
        )
        steps.update()
        steps.set_description("name")
        names = name_clusters(centre_table(pipeline), catalogue.signatures(), overrides=overrides)
        groups = catalogue.target_groups()
        labels = label_table(
            pipeline,
            inputs.features,
            names,
            segments=catalogue.segments(),
            target_groups=groups,
        )
        segment = labels.set_index("customer_id")["segment_id"]
        steps.update()
        steps.set_description("profile")
        tables = {
            "sizes": profiles.size_table(segment),
            "profile": profiles.profile_table(
                inputs.features, segment, n_boot=n_boot, random_state=random_state
            ),
        }
        tables["markers"] = profiles.marker_table(tables["profile"])
        order = profiles.variable_order(inputs.features)
        tables["order"] = pd.DataFrame({"variable": order})
        steps.update()
        steps.set_description("compare")
        group = compare.assign_groups(segment, groups)
        tables["groups"] = compare.group_sizes(segment, groups)
        if group.nunique() == 2:
            tables["comparison"] = compare.compare_groups(
                inputs.features, group, n_boot=n_boot, random_state=random_state
            )
        steps.update()
    parameters = {"n_clusters": n_clusters, "n_starts": n_starts, "random_state": random_state}
    return Analysis(inputs, pipeline, names, labels, tables, parameters)


def require_folder(out: str | Path) -> Path:
    """The folder results shall go to; raise at once, not after the work, if it cannot be used."""
    out = Path(out)
    if out.exists() and not out.is_dir():
        raise NotADirectoryError(f"{out} is a file; name a folder for the results (--out)")
    parent = next(p for p in (out, *out.absolute().parents) if p.exists())
    if not parent.is_dir():
        raise NotADirectoryError(f"{parent} is a file; {out} cannot be made inside it")
    if not os.access(parent, os.W_OK | os.X_OK):
        raise PermissionError(f"{parent} cannot be written to; choose another folder (--out)")
    return out


def write_results(
    analysis: Analysis,
    out: str | Path,
    *,
    language: str = "en",
    encoding: str = "utf-8-sig",
    quiet: bool = False,
) -> list[str]:
    """Write a run's results to a folder: all of them, or nothing.

    Parameters
    ----------
    analysis : Analysis
    out : path
        Results of an earlier run in it are replaced; other files are left alone.
    language : {"zh", "en"}
        Of the pictures.
    encoding : str
        Of the CSV files; ``utf-8-sig`` opens right in Excel.
    quiet : bool
        No progress bar.

    Returns
    -------
    list of str
        The files, relative to ``out``.
    """
    out = require_folder(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    part = Path(tempfile.mkdtemp(prefix=f".{out.name}.", dir=out.parent))
    try:
        _write_tables(analysis, part, encoding)
        _write_figures(analysis, part, language, quiet)
        files = sorted(str(p.relative_to(part).as_posix()) for p in part.rglob("*") if p.is_file())
        files = sorted([*files, "run.json"])
        export.write_json({**analysis.record(), "files": files}, part / "run.json")
        _replace(part, out, files)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return files


def _write_tables(analysis: Analysis, folder: Path, encoding: str) -> None:
    inputs = analysis.inputs
    meta = {
        "synthetic": inputs.synthetic,
        "random_state": analysis.parameters["random_state"],
        "inputs": {f["file"]: f["sha256"] for f in inputs.files},
    }
    export.write_labels(analysis.labels, folder / "labels.csv", encoding=encoding, meta=meta)
    for name, table in analysis.tables.items():
        export.write_table(table, folder / f"{name}.csv", encoding=encoding)
    for name, refused in inputs.refused.items():
        if refused:
            rows = pd.DataFrame([vars(r) for r in refused])
            export.write_table(rows, folder / f"refused_{name}.csv", encoding=encoding)


def _write_figures(analysis: Analysis, folder: Path, language: str, quiet: bool) -> None:
    import matplotlib.pyplot as plt

    from kequn_lab import plots

    tables = analysis.tables
    looks = analysis.labels.drop_duplicates("segment_id").sort_values("cluster")
    drawings = {
        "sizes": lambda: plots.size_plot(tables["sizes"]),
        "profile": lambda: plots.profile_plot(
            tables["profile"], markers=tables["markers"], order=tables["order"]["variable"]
        ),
        "heat_map": lambda: plots.heat_map(tables["profile"], order=tables["order"]["variable"]),
    }
    (folder / "figures").mkdir()
    with plots.style(
        language,
        segments=looks[["segment_id", "name_zh", "name_en"]],
        variables=feature_table(),
        synthetic=analysis.inputs.synthetic,
    ):
        for name, draw in tqdm(drawings.items(), desc="draw", disable=quiet):
            figure = draw().figure
            plots.save(figure, folder / "figures" / f"{name}.png", title=name)
            plt.close(figure)


def _replace(part: Path, out: Path, files: list[str]) -> None:
    """Put finished files in their place; take away those of an earlier run that are no more."""
    old = out / "run.json"
    earlier = json.loads(old.read_text(encoding="utf-8")).get("files", []) if old.exists() else []
    # run.json goes last: while it is the old one, it names the old files.
    for name in sorted(files, key=lambda f: f == "run.json"):
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        os.replace(part / name, out / name)
    for name in set(earlier) - set(files):
        stale = (out / name).resolve()
        if stale.is_relative_to(out.resolve()):
            stale.unlink(missing_ok=True)
