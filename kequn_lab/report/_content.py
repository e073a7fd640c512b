"""What a report says, section by section, in the words of its language."""

from __future__ import annotations

import base64
import struct
from typing import Any

import numpy as np
import pandas as pd

from kequn_lab import __version__
from kequn_lab._rules import rule_text
from kequn_lab._words import Words, number, percent, term
from kequn_lab.plots.palette import segment_colors
from kequn_lab.report._tables import EVIDENCE, Cell, Grid, Writer, opposite_signs, signed
from kequn_lab.report._words import (
    BASES,
    FROM_A_START,
    HEADINGS,
    LEADS,
    LIMITS,
    OF_ARTICLE,
    SECTIONS,
    assumed_k,
    number_of_clusters,
)
from kequn_lab.report.summary import summarise

#: Rows of the comparison, and quotes on a card, that are shown.
TOP, QUOTES = 12, 3


class Content:
    """What the template needs, from the arguments of ``write_report``."""

    def __init__(self, tables, run, figures, language: str):
        self.tables, self.run, self.figures, self.language = tables, run, figures, language
        self.words = Words.of(
            segments=tables.get("segments", tables.get("cards")),
            variables=tables.get("variables"),
            currency=run.get("currency") or "CNY",
        )
        groups = tables.get("target_groups")
        names = {} if groups is None else dict(zip(groups["group_id"], groups[f"group_{language}"]))
        self.ids = self._ids()
        self.colors = segment_colors(self.ids)
        self.writer = Writer(self.words, language, names, self.colors)
        self.summary = summarise(tables, run, language=language)
        cards = tables.get("cards")
        self.article = cards is not None and bool(cards["part"].eq("article").any())

    def _ids(self) -> list:
        """The segments of the run, in the order of its first table that names them."""
        for name in ("sizes", "profile", "cards", "rules", "segments"):
            if name in self.tables:
                return list(self.tables[name]["segment_id"].unique())
        return []

    def say(self, zh, en):
        return zh if self.language == "zh" else en

    def context(self) -> dict[str, Any]:
        grids = {
            "decision": self._decision(),
            "comparison": self._comparison(),
            "evidence": self._evidence(),
            "profiles": self._profiles(),
            "run": self._run_grids(),
        }
        cards, pictures = self._cards(), self._pictures()
        drawn = {picture["section"] for picture in pictures}
        have = {
            "summary": len(self.summary.segments) or "warnings" in self.tables,
            "cards": cards,
            "truth": "truth_table" in self.tables,
            "run": True,
            "limits": True,
        }
        shown = [s for s in HEADINGS if have.get(s) or grids.get(s) or s in drawn]
        leads = {s: self.say(*LEADS[s]) if s in LEADS else "" for s in SECTIONS}
        leads["evidence"] += self._why_k()
        if (self.run.get("fit") or {}).get("start") == "signatures":
            leads["evidence"] += self.say(*FROM_A_START)
        if "truth_table" in self.tables:
            leads["truth"] = leads["truth"].format(
                rand=f"{self.tables['truth_table']['adjusted_rand'].iloc[0]:.2f}"
            )
        return {
            "say": self.say,
            "language": self.language,
            "version": __version__,
            "created": str(self.run.get("created_at") or "").replace("T", " "),
            "title": self.say("客群分析报告", "Customer segments: a report"),
            "subtitle": self._subtitle(),
            "synthetic": bool(self.run.get("synthetic")),
            "headings": {name: self.say(*both) for name, both in HEADINGS.items()},
            "shown": shown,
            "summary": self.summary,
            "segments": self._segments(),
            "cards": cards,
            "pictures": pictures,
            "grids": {section: grids.get(section, []) for section in HEADINGS},
            "leads": leads,
            "facts": self._facts(),
            "article": self.article,
            "limits": [self.say(*both) for both in LIMITS + OF_ARTICLE * self.article],
        }

    # Head ------------------------------------------------------------------------------------

    def _why_k(self) -> str:
        parameters = self.run.get("parameters") or {}
        k = number_of_clusters(parameters, self.words, self.language)
        if not k:
            return ""
        given = self.say(
            f"k = {k} 是事先给定的，不是由数据选出的。",
            f" k = {k} was given beforehand, not chosen by the data.",
        )
        if assumed := assumed_k(parameters, self.words, self.language):
            return self.say("", " ") + assumed
        rule = parameters.get(f"k_why_{self.language}")
        return self.say("所用规则：", " The rule used: ") + rule if rule else given

    def _subtitle(self) -> str:
        n, as_of, months = self._customers(), self.run.get("as_of"), self.run.get("months")
        window = self.say(f"截至 {as_of}", f"as of {as_of}") if as_of else ""
        if as_of and months:
            window += self.say(f"，近 {months} 个月", f", the last {months} months")
        parts = (
            self.say(f"{n:,} 名客户", f"{n:,} customers") if n is not None else "",
            self.say(f"{len(self.ids)} 个客群", f"{len(self.ids)} segments") if self.ids else "",
            window,
        )
        return " · ".join(part for part in parts if part)

    def _customers(self) -> int | None:
        if "sizes" in self.tables:
            return int(self.tables["sizes"]["customers"].sum())
        return (self.run.get("rows") or {}).get("customers")

    def _segments(self) -> Grid | None:
        """The table of the summary: every segment in one line."""
        table, say = self.summary.segments, self.say
        if table.empty:
            return None
        fit = say("与原文描述", "Fits the article's description")
        if not self.article:
            fit = say("名称依据", "Why this name")
        columns = {
            "share": term("share", self.language),
            "fit": fit,
            "firm": say("是否可靠", "How sure"),
            "advice": say("建议", "Advice"),
        }
        columns = {c: head for c, head in columns.items() if table[c].ne("").any()}
        heads = [Cell(term("segment_id", self.language), left=True)]
        heads += [Cell(head, left=True) for head in columns.values()]
        most = table["share"].max()
        rows = []
        for row in table.to_dict("records"):
            name = self.writer.segment(row["segment_id"])
            size = say(f"{row['customers']:,} 名", f"{row['customers']:,} customers")
            if number := row["permanent_id"]:
                size = f"{size} · {number}"
            bar = f"{100 * row['share'] / most:.1f}%"
            cells = {c: Cell(row[c], left=True) for c in columns}
            cells["share"] = Cell(percent(row["share"]), size, name.dot, bar, left=True)
            rows.append([name, *cells.values()])
        return Grid("segments", heads, rows, kind="stack")

    # Cards -----------------------------------------------------------------------------------

    def _cards(self) -> list[dict]:
        lines, rules = self.tables.get("cards"), self.tables.get("rules")
        if lines is None and rules is None:
            return []
        if lines is None:
            lines = pd.DataFrame(columns=["segment_id", "part", "agrees"])
        sentences = {}
        if rules is not None:
            sentences = dict(zip(rules["segment_id"], rules[f"sentence_{self.language}"]))
        own = dict(list(lines.groupby("segment_id", sort=False)))
        none = lines.iloc[:0]
        return [self._card(s, own.get(s, none), sentences.get(s, "")) for s in self.ids]

    def _card(self, segment, own, sentence: str) -> dict:
        text = f"text_{self.language}"
        marks, article, checks = (own[own["part"] == p] for p in ("mark", "article", "check"))
        size = ""
        if len(own):
            n, share = int(own["customers"].iloc[0]), percent(own["share"].iloc[0])
            size = self.say(f"{n:,} 名，{share}", f"{n:,} customers, {share}")
            if "permanent_id" in own:
                size = f"{own['permanent_id'].iloc[0]} · {size}"
        against = checks[checks["agrees"].isin(["no", "not visible"])]
        against = against.sort_values("agrees", kind="stable")  # contradictions first
        name = self.words.segment(segment, self.language)
        return {
            "name": name,
            "size": size,
            "color": self.colors[segment],
            "marked": bool(len(own)),
            "marks": [
                {
                    "text": getattr(m, text),
                    "low": m.effect < 0,
                    "style": _bar(m.effect),
                    "effect": signed(m.effect),
                }
                for m in marks.itertuples()
            ],
            "rule": sentence.removeprefix(name).lstrip(":： "),  # the head has the name
            "verdict": self._verdict(checks),
            "against": [
                {
                    "text": getattr(c, text),
                    "no": c.agrees == "no",
                    "basis": self.say(*BASES.get(c.basis, (c.basis, c.basis))),
                }
                for c in against.itertuples()
            ],
            "quotes": [
                {"zh": q.quote_zh, "en": q.text_en, "id": q.inventory_id}
                for q in article.head(QUOTES).itertuples()
            ],
        }

    def _verdict(self, checks: pd.DataFrame) -> str:
        if not len(checks):
            return ""
        count = checks["agrees"].value_counts()
        yes, no = int(count.get("yes", 0)), int(count.get("no", 0))
        measured = int(len(checks) - count.get("not measured", 0))
        if not measured:
            return self.say("数据中没有可比的变量。", "The data have no variable to compare.")
        rest = [
            self.say(f"{no} 条相反", f"{no} the other way") * (no > 0),
            self.say("{0} 条看不出差别", "{0} without a difference").format(measured - yes - no)
            * (measured > yes + no),
        ]
        rest = self.say("，", ", ").join(filter(None, rest))
        if rest:
            return self.say(f"{measured} 条中 {yes} 条相符；{rest}。",
                            f"{yes} of {measured} points; {rest}.")  # fmt: skip
        return self.say(f"{measured} 条全部相符。", f"{yes} of {measured} points.")

    # Tables and pictures ---------------------------------------------------------------------

    def _grids(self, **titles: tuple[str, str]) -> list[Grid]:
        return [self.writer.grid(name, self.tables[name], title=self.say(*both))
                for name, both in titles.items()
                if name in self.tables and len(self.tables[name])]  # fmt: skip

    def _evidence(self) -> list[Grid]:
        return self._grids(**EVIDENCE)

    def _profiles(self) -> list[Grid]:
        if "profile" not in self.tables:
            return []
        variables, order = self.tables.get("variables"), self.tables.get("order")
        blocks = {} if variables is None else dict(zip(variables["feature"], variables["block"]))
        here = self.tables["profile"]["variable"]
        blocks = {v: blocks[v] for v in here if v in blocks} or None
        return self.writer.profiles(
            self.tables["profile"],
            markers=self.tables.get("markers"),
            order=None if order is None else order["variable"].tolist(),
            blocks=blocks,
        )

    def _comparison(self) -> list[Grid]:
        table, groups = self.tables.get("comparison"), self.tables.get("groups")
        out = []
        if groups is not None and (groups["target_group"] != "no group").any():
            groups = self._groups(groups)
            out.append(
                self.writer.grid(
                    "groups", groups, title=self.say("谁在哪一组", "Who is in which group")
                )
            )
        if table is not None and len(table):
            rest = len(table) - TOP
            note = self.say(
                f"另有 {rest} 个变量差别更小，见 comparison.csv。",
                f"{rest} more variables differ less; they are in comparison.csv.",
            )
            title = self.say("差别最大的变量", "The variables that differ most")
            note = note * (rest > 0) + opposite_signs(table, self.words, self.language)
            out.append(self.writer.grid("comparison", table.head(TOP), title=title, note=note))
        return out

    def _groups(self, groups: pd.DataFrame) -> pd.DataFrame:
        """One row a group: its customers and its segments."""
        rows = []
        for group, own in groups.groupby("target_group", sort=False):
            who = []
            for row in own.itertuples():
                name = self.say("无标签的客户", "customers without a label")
                if row.segment_id is not None:
                    name = self.words.segment(row.segment_id, self.language)
                share = "" if pd.isna(row.share_of_group) else percent(row.share_of_group)
                if row.role == "shared, not compared":
                    share += self.say("，不参与比较", ", not compared")
                who.append(name + (share and self.say(f"（{share}）", f" ({share})")))
            who = self.say("、", ", ").join(who)
            rows.append({"target_group": group, "customers": own["customers"].sum(), "who": who})
        return pd.DataFrame(rows)

    def _decision(self) -> list[Grid]:
        """One table a kind of bank; whoever is ruled out or marked says why."""
        table = self.tables.get("decision")
        if table is None or table.empty:
            return []
        rows = table.to_dict("records")
        table = table.assign(remark=[self._remark(row) for row in rows])
        both = [[row.get(f"target_share_{c}") for c in ("weights", "customers")] for row in rows]
        table["still"] = ["" if None in b else " / ".join(percent(v, 0) for v in b) for b in both]
        return [
            self.writer.grid("decision", rows, title=self.writer.group(kind), kind="wide")
            for kind, rows in table.groupby("bank_kind", sort=False)
        ]

    def _remark(self, row: dict) -> str:
        criteria = self.tables.get("criteria")
        names = {}
        if criteria is not None:
            names = dict(zip(criteria["criterion_id"], criteria[f"name_{self.language}"]))
        joint, parts = self.say("、", ", "), []
        if out := str(row.get("knocked_out_by") or ""):
            which = joint.join(names.get(c, c) for c in out.split(", "))
            parts.append(self.say(f"未达门槛：{which}", f"Below the minimum: {which}"))
        if not row.get("recommended"):  # a target that is recommended has its tick
            parts.append(row.get(f"advice_{self.language}") or "")
        return self.say("；", "; ").join(filter(None, parts))

    def _run_grids(self) -> list[Grid]:
        titles = {
            "inputs": ("输入文件", "Input files"),
            "names": ("名称从何而来", "Where the names come from"),
        }
        tables = {name: pd.DataFrame(list(self.run.get(name) or [])) for name in titles}
        return [self.writer.grid(name, table, title=self.say(*titles[name]))
                for name, table in tables.items() if len(table)]  # fmt: skip

    def _pictures(self) -> list[dict]:
        out = []
        for picture in self.figures.values():
            png = picture.png()
            width, height = struct.unpack(">II", png[16:24])
            out.append({
                "section": picture.section,
                "title": self.say(picture.title_zh, picture.title_en),
                "alt": self.say(picture.alt_zh, picture.alt_en),
                "data": base64.b64encode(png).decode(), "width": width, "height": height,
            })  # fmt: skip
        return out

    # Record ----------------------------------------------------------------------------------

    def _facts(self) -> list[tuple[str, str]]:
        run, say = self.run, self.say
        features, parameters = run.get("features") or {}, run.get("parameters") or {}
        fit, left_out = run.get("fit") or {}, features.get("left_out") or {}
        kinds = {True: say("合成", "synthetic"), False: say("真实", "real"), None: ""}
        joint = say("、", ", ")
        named = [self.words.variable(v, self.language) for v in features.get("used") or []]
        starts = ""
        if fit.get("agreement") is not None:
            n, found = fit.get("starts"), round(fit["agreement"] * (fit.get("starts") or 0))
            starts = say(f"{n} 个，其中 {found} 个直接到达最优解，其余由搜索改进",
                         f"{n}; {found} reached the best solution at once, a search improved "
                         "the others")  # fmt: skip
        facts = [
            (say("数据", "Data"), kinds[run.get("synthetic")] or say("未说明", "not stated")),
            (say("时间", "Written"), run.get("created_at")),
            (say("截至", "As of"), run.get("as_of")),
            (say("窗口（月）", "Window (months)"), run.get("months")),
            (say("货币", "Currency"), run.get("currency")),
            (say("客群数 k", "Segments k"),
             number_of_clusters(parameters, self.words, self.language)),
            (say("随机种子", "Random seed"), parameters.get("random_state")),
            (say("分法", "Reading"), self._reading(fit)),
            (say("起点", "Starts"), starts),
            (term("inertia", self.language), number(fit["inertia"]) if "inertia" in fit else None),
            (say("参与的变量", "Variables used"), joint.join(named)),
            (say("未能使用", "Left out"), joint.join(
                f"{self.words.variable(v, self.language)} ({rule_text(why, self.language)})"
                for v, why in left_out.items()
            )),
            (say("版本", "Versions"), joint.join(
                f"{name} {v}" for name, v in (run.get("versions") or {}).items()
            )),
        ]  # fmt: skip
        return [(name, str(value)) for name, value in facts if value not in (None, "")]

    def _reading(self, fit: dict) -> str:
        if fit.get("start") != "signatures":
            return ""
        pull = fit.get("pull")
        return self.say("从目录描述的客群出发", "k-means started at the segments described") + (
            self.say(f"，中心拉向预期水平 {pull:g}", f", centres pulled back {pull:g}")
            if pull
            else ""
        )


def _bar(effect: float) -> str:
    """A bar from the middle, full at three standard deviations."""
    width = 50 * min(abs(effect) / 3, 1) if np.isfinite(effect) else 50
    return f"{'right' if effect < 0 else 'left'}:50%;width:{width:.1f}%"
