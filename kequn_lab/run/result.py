"""What a run found: one object that is looked at, renamed, drawn and handed over."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any

import pandas as pd
from sklearn.pipeline import Pipeline

from kequn_lab._files import ENCODINGS
from kequn_lab._notes import NOTE_COLUMNS, notes_table
from kequn_lab._words import percent, require_language, term
from kequn_lab.compare.attractiveness import recommend
from kequn_lab.export import write_labels
from kequn_lab.export.scorecard import Scorecard
from kequn_lab.profiles.cautions import by_weight
from kequn_lab.run.categories import variable_words
from kequn_lab.run.drawings import drawings
from kequn_lab.run.findings import FINDINGS, findings, segment_marks
from kequn_lab.run.renaming import own_ids, renamed, with_ids

__all__ = ["Result"]

#: Tables in the catalogue's words, where a segment keeps the name that it has there.
_CATALOGUE = ("known_segments", "criteria", "target_groups")


@dataclass(frozen=True, repr=False)
class Result:
    """Segments with their names, and all that was found about them.

    Every table is an attribute: ``result.profile``, ``result.comparison``. Which there are
    depends on the data and the options; ``list(result.tables)`` names them, and ``columns.csv``
    of a result folder says what each column means.

    Attributes
    ----------
    labels : DataFrame
        One row per customer: ``customer_id`` as it was given, ``cluster``, ``segment_id``,
        ``name_zh``, ``name_en``, ``target_group``, ``distance``, ``margin``; with a registry
        ``permanent_id`` and ``run_id``, too.
    names : DataFrame
        One row per cluster: its names, similarity, margin, by whom it was named, mark.
    sizes, profile, markers, cards, rules : DataFrame
        Who is in each segment (:mod:`kequn_lab.profiles`).
    groups, comparison, decision : DataFrame
        Target groups, their difference, whom to serve (:mod:`kequn_lab.compare`).
    segment_stability, slsw, scores, stability, k_reading : DataFrame
        How sure the segments and their number are.
    readings : DataFrame
        Where each segment is in the segmentation of the lowest inertia, if this is another one.
    by_group : DataFrame
        Which segments each group of customers holds, where groups were clustered separately.
    by_size : DataFrame
        What a smallest size changed, where one was asked for: customers of each segment with and
        without it, who came and went.
    reasons : DataFrame
        Why each customer is in its segment, where it was asked for.
    matching, migration, registry_events : DataFrame
        What became of the segments of an earlier run, or of the last in a registry.
    warnings : DataFrame
        What makes the result doubtful, most important first.
    truth_table : DataFrame
        Segments found and true segments; of synthetic data only.
    tables : dict of str to DataFrame
        All of them by name, but ``labels`` and ``names``.
    record : dict
        What ``run.json`` says.
    card : Scorecard
    refused : dict of str to DataFrame
        Rows that were set aside, by table.
    ids : Series, optional
        The ids of ``labels`` as text, where they were given as something else.
    features : DataFrame, optional
        The customer table that was clustered; None for a result read from a folder.
    pipeline : Pipeline, optional
        The fitted pipeline; None for a result read from a folder.

    See Also
    --------
    kequn_lab.segment : makes one.
    kequn_lab.read_result : reads one from a folder.
    """

    labels: pd.DataFrame
    names: pd.DataFrame
    tables: dict[str, pd.DataFrame]
    record: dict[str, Any]
    card: Scorecard
    refused: dict[str, pd.DataFrame] = field(default_factory=dict)
    ids: pd.Series | None = None
    features: pd.DataFrame | None = None
    pipeline: Pipeline | None = None

    def __getattr__(self, name: str) -> pd.DataFrame:
        tables = self.__dict__.get("tables", {})
        if name in tables:
            return tables[name]
        raise AttributeError(f"this result has no {name!r}; its tables: {', '.join(tables)}")

    def __dir__(self):
        return sorted([*super().__dir__(), *self.tables])

    # To look at --------------------------------------------------------------------------------

    def summary(self, language: str = "en") -> str:
        """Segments, how sure they are, and the warnings: a run on one screen."""
        from kequn_lab.report.summary import summary_text

        require_language(language)
        return summary_text(
            {**self.tables, "variables": variable_words(self.tables.get("called"))},
            self.record,
            names=self.names,
            clusters=self.labels["cluster"],
            language=language,
        )

    def _lines(self) -> pd.DataFrame:
        """The segments as a person reads them, largest first."""
        rows = self.names.merge(self.tables["sizes"], on="segment_id")
        rows = rows.sort_values("customers", ascending=False, kind="stable")
        out = pd.DataFrame({"name_zh": rows["name_zh"], "name_en": rows["name_en"]})
        out["customers"] = rows["customers"].map("{:,}".format)
        out["share"] = rows["share"].map(percent)
        if (stability := self.tables.get("segment_stability")) is not None:
            reading = rows["segment_id"].map(stability.set_index("segment_id")["reading"])
            out["stability"] = reading.map(lambda r: term(r, "en"), na_action="ignore")
        return out

    def __repr__(self) -> str:
        lines, n = self._lines(), len(self.tables["warnings"])
        kind = " (synthetic)" if self.card.synthetic else ""
        head = f"Result: {len(self.labels):,} customers{kind}, {len(lines)} segments"
        shown = lines.head(6).itertuples(index=False)
        rows = [f"  {r.share:>6}  {r.name_en} {r.name_zh}" for r in shown]
        more = [f"  … {len(lines) - 6} more"] if len(lines) > 6 else []
        doubts = f"{n} warnings (.warnings)" if n else "no warnings"
        return "\n".join([head, *rows, *more, f"{doubts}; .summary() says more, .report(path) all"])

    def _repr_html_(self) -> str:
        warnings = self.tables["warnings"]
        items = "".join(
            f"<li>{escape(w.text_zh)}<br>{escape(w.text_en)}</li>"
            for w in warnings.head(3).itertuples()
        )
        more = f"<li>… {len(warnings) - 3}</li>" if len(warnings) > 3 else ""
        kind = "，合成数据 · synthetic data" if self.card.synthetic else ""
        head = f"{len(self.labels):,} 名客户 customers{kind}"
        table = self._lines().to_html(index=False, na_rep="—", border=0)
        return (
            f"<div><p><b>{head}</b></p>{table}"
            + (f"<p>警告 · Warnings ({len(warnings)})</p><ul>{items}{more}</ul>" if items else "")
            + "</div>"
        )

    def plot(self, name: str, *, language: str = "en"):
        """Draw one picture of the report.

        Parameters
        ----------
        name : str
            ``sizes``, ``heat_map``, ``profile``, ``separation``, ``comparison``, ``decision``,
            ``truth``, ``indices``, ``stability``, ``segment_stability``, or ``influence`` (of
            :meth:`column_influence`, which searches again).
        language : {"zh", "en"}

        Returns
        -------
        matplotlib Axes

        Raises
        ------
        ValueError
            No such picture, or the result lacks its tables.
        """
        from kequn_lab import plots

        tables = self.tables
        if name == "influence":
            tables = tables | {"influence": self.column_influence()}
        there = drawings(tables)
        if name not in there:
            raise ValueError(f"no picture {name!r} of this result; there are {', '.join(there)}")
        with self.styled(language):
            return there[name].draw(tables, plots)

    def styled(self, language: str):
        """The style in which its pictures are drawn, as a context."""
        from kequn_lab import plots

        looks = self.names[["segment_id", "name_zh", "name_en"]]
        return plots.style(
            language,
            segments=looks,
            variables=variable_words(self.tables.get("called")),
            synthetic=self.card.synthetic,
        )

    # To change ---------------------------------------------------------------------------------

    def rename(self, names: Mapping[int | str, str | tuple[str, str]]) -> Result:
        """Give segments other names; nothing is fitted again and no customer moves.

        Parameters
        ----------
        names : mapping
            Cluster number, ``segment_id`` or present name, to the new name: one for both
            languages, or a pair (Chinese, English).

        Returns
        -------
        Result
            Another one; this one stays as it is.

        Raises
        ------
        ValueError
            No such segment, an empty name, or one that another segment has.

        Examples
        --------
        >>> import kequn_lab as kq
        >>> table = pd.DataFrame({"age": [20.0, 21, 22, 60, 61, 62], "visits": [1, 2, 1, 9, 8, 9]})
        >>> result = kq.segment(table, k=2, stability=0, quiet=True)
        >>> result.rename({0: ("常客", "Frequent visitors")}).names["name_en"].tolist()[0]
        'Frequent visitors'
        """
        new = self._new_names(names)
        table = self.names.copy()
        for segment, (zh, en) in new.items():
            row = table["segment_id"] == segment
            table.loc[row, ["name_zh", "name_en", "by", "mark"]] = [zh, en, "override", ""]
            table.loc[row, "matched"] = True
        for language in ("zh", "en"):
            if (twice := table[f"name_{language}"].duplicated()).any():
                raise ValueError(
                    f"two segments would be called {table[f'name_{language}'][twice].iloc[0]!r}; "
                    "give each a name of its own"
                )
        old = self.names.set_index("segment_id")[["name_zh", "name_en"]]
        said = {
            f"_{language}": {old.loc[s, f"name_{language}"]: pair[i] for s, pair in new.items()}
            for i, language in enumerate(("zh", "en"))
        }
        tables = {
            name: t if name in _CATALOGUE else renamed(t, new, {} if name == "cards" else said)
            for name, t in self.tables.items()
        }
        notes = renamed(pd.DataFrame(self.record["notes"], columns=list(NOTE_COLUMNS)), new, said)
        tables |= self._judged(table, tables, notes)
        notes = tables.pop("notes")
        segments = tuple(
            dataclasses.replace(s, name_zh=new[s.segment_id][0], name_en=new[s.segment_id][1])
            if s.segment_id in new else s
            for s in self.card.segments
        )  # fmt: skip
        named = dataclasses.replace(
            self,
            labels=renamed(self.labels, new, {}),
            names=table,
            tables=tables,
            record=self.record | {"names": records(table), "notes": records(notes)},
            card=dataclasses.replace(self.card, segments=segments),
        )
        return named._with_ids(own_ids(table, new))

    def _with_ids(self, ids: Mapping[str, str]) -> Result:
        """The same with other ids of segments; a working name's id says that it has none."""
        if not ids:
            return self
        names = with_ids(self.names, ids)
        notes = with_ids(pd.DataFrame(self.record["notes"], columns=list(NOTE_COLUMNS)), ids)
        segments = tuple(
            dataclasses.replace(s, segment_id=ids.get(s.segment_id, s.segment_id))
            for s in self.card.segments
        )
        return dataclasses.replace(
            self,
            labels=with_ids(self.labels, ids),
            names=names,
            tables={name: with_ids(table, ids) for name, table in self.tables.items()},
            record=self.record | {"names": records(names), "notes": records(notes)},
            card=dataclasses.replace(self.card, segments=segments),
        )

    def _new_names(self, names) -> dict[str, tuple[str, str]]:
        known: dict[int | str, str] = {}
        for row in self.names.itertuples():
            known |= dict.fromkeys((row.name_en, row.name_zh, row.segment_id), row.segment_id)
            known |= {row.cluster: row.segment_id, str(row.cluster): row.segment_id}
        out = {}
        for which, name in names.items():
            if which not in known:
                there = ", ".join(f"{r.cluster} {r.name_en}" for r in self.names.itertuples())
                raise ValueError(f"no segment {which!r} to rename; there are {there}")
            pair = (name, name) if isinstance(name, str) else tuple(name)
            if len(pair) != 2 or not all(isinstance(p, str) and p.strip() for p in pair):
                raise ValueError(f"{which!r}: a name, or a pair (Chinese, English); found {name!r}")
            out[known[which]] = tuple(p.strip() for p in pair)
        return out

    def _judged(self, names, tables: dict, notes: pd.DataFrame) -> dict[str, pd.DataFrame]:
        """Warnings, notes and recommendation, as the names are now."""
        stability = tables.get("segment_stability")
        found = findings(
            names, tables["nameless_segments"], tables["chance_likeness"],
            stability=stability, silhouette=self.record["fit"].get("silhouette"),
            segments=tables["known_segments"],
        )  # fmt: skip
        others = notes[~notes["warning"].isin(FINDINGS)]
        notes = by_weight(pd.concat([notes_table(found), others], ignore_index=True))
        warnings = notes[notes["level"] == "warning"].reset_index(drop=True)
        out = {"notes": notes, "warnings": warnings}
        if "decision" in tables:
            lost = ["mark", "recommended", "advice_zh", "advice_en"]
            out["decision"] = recommend(
                tables["decision"].drop(columns=lost),
                segment_marks(names, stability),
                no_segments=(warnings["warning"] == "no_segments").any(),
            )
        return out

    def explain(
        self, customer: Any, *, features: pd.DataFrame | None = None, most: int | None = None
    ) -> pd.DataFrame:
        """Why customers are in their segments, and not in the second nearest: column by column.

        Parameters
        ----------
        customer : id or list of ids
        features : DataFrame, optional
            The customer table, indexed by id; needed for a result that was read from a folder.
        most : int, optional
            Reasons for each customer, the weightiest first; default all columns.

        Returns
        -------
        DataFrame
            As :func:`kequn_lab.export.reasons.reasons`: the ``contribution`` of the columns adds
            up to the ``lead`` of the own segment.

        Raises
        ------
        KeyError
            No such customer.
        ValueError
            No customer table, or one segment only.
        """
        from kequn_lab.run.scoring import explained

        return explained(self, customer, features, most)

    def column_influence(self) -> pd.DataFrame:
        """How many customers change segment where one variable is left out.

        Returns
        -------
        DataFrame
            As :func:`kequn_lab.validation.influence.column_influence`, with the segments of
            this result.

        Raises
        ------
        ValueError
            A result that was read from a folder (it holds no customer table), or whose groups
            were clustered separately.
        """
        from kequn_lab.run.influence import influence

        return influence(self)

    # To hand over ------------------------------------------------------------------------------

    def scorecard(self) -> Scorecard:
        """The model on one page: labels new customers, becomes SQL, is saved as JSON."""
        return self.card

    def to_csv(self, path: str | Path, *, encoding: str = ENCODINGS[0], sort: bool = False) -> None:
        """Write the labels as CSV with a record beside it; see ``export.write_labels``."""
        facts = ("model_id", "synthetic", "random_state", "inputs")
        meta = {name: getattr(self.card, name) for name in facts}
        meta["run_id"] = self.record.get("run_id")
        write_labels(self._as_text(), path, encoding=encoding, sort=sort, meta=meta)

    def to_excel(self, path: str | Path) -> None:
        """Write labels (ids as text), segments, their cards and the meaning of columns as one
        workbook; its sheet ``label`` labels a customer by formulas alone."""
        from kequn_lab.run.results import write_labels_workbook

        tables = {"cards": self.tables.get("cards"), "card": self.card}
        write_labels_workbook(self._as_text(), self.tables["sizes"], path, **tables)

    def _as_text(self) -> pd.DataFrame:
        """The labels as files hold them, ids as text."""
        return self.labels if self.ids is None else self.labels.assign(customer_id=self.ids)

    def report(self, path: str | Path, *, language: str = "en") -> None:
        """Write everything as one HTML file that opens from disk and by mail."""
        from kequn_lab.run.results import write_run_report

        write_run_report(self, path, language=language)

    def save(self, folder: str | Path, **options) -> None:
        """Write all results to a folder; see :func:`kequn_lab.run.results.write_results`."""
        from kequn_lab.run.results import write_results

        write_results(self, folder, **options)


def records(table: pd.DataFrame) -> list[dict]:
    """Rows as JSON takes them."""
    return table.astype(object).where(table.notna(), None).to_dict("records")
