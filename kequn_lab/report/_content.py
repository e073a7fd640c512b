"""What a report says, section by section, in the words of its language."""

from __future__ import annotations

import base64
import re
import struct
from typing import Any

import numpy as np
import pandas as pd

from kequn_lab import __version__
from kequn_lab._words import Words, number, percent
from kequn_lab.plots import segment_colors
from kequn_lab.report._tables import Grid, plain_grid, profile_grids, signed
from kequn_lab.report._words import BASES, HEADINGS, LEADS, LEFT_OUT, LIMITS, SECTIONS

#: Rows of the comparison, and quotes on a card, that are shown.
TOP, QUOTES = 20, 5


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
        names = f"group_{language}"
        self.groups = {} if groups is None else dict(zip(groups["group_id"], groups[names]))
        self.ids = self._ids()
        self.colors = segment_colors(self.ids)

    def _ids(self) -> list:
        """The segments of the run, in the order of its first table that names them."""
        for name in ("sizes", "profile", "cards", "rules", "segments"):
            if name in self.tables:
                return list(self.tables[name]["segment_id"].unique())
        return []

    def say(self, zh, en):
        return zh if self.language == "zh" else en

    def context(self) -> dict[str, Any]:
        grids = {section: [] for section in (*SECTIONS, "run")}
        grids |= {
            "sizes": next(iter(self._grids(sizes=("", ""))), None),
            "profile": self._profile(),
            "evidence": self._grids(
                scores=("各 k 的指标", "Indices by k"),
                k_reading=("各指标选哪个 k", "Which k each index prefers"),
                stability=("重抽样下的稳定性", "Stability under resampling"),
                segment_stability=("各客群是否稳定", "Does each segment hold"),
            ),
            "comparison": self._comparison(),
            "decision": self._grids(decision=("", "")),
            "run": self._run_grids(),
        }
        cards, pictures = self._cards(), self._pictures()
        have = {
            "sizes": "sizes" in self.tables,
            "warnings": "warnings" in self.tables,
            "cards": bool(cards),
            "profiles": bool(grids["profile"]),
            **{name: bool(grids[name]) for name in ("evidence", "comparison", "decision")},
            **dict.fromkeys(("run", "limits"), True),
        }
        illustrated = {picture["section"] for picture in pictures}
        return {
            "say": self.say,
            "language": self.language,
            "version": __version__,
            "created": str(self.run.get("created_at") or "").replace("T", " "),
            "title": self.say("客群分析报告", "Customer segments: a report"),
            "subtitle": self._subtitle(),
            "synthetic": bool(self.run.get("synthetic")),
            "headings": {name: self.say(*both) for name, both in HEADINGS.items()},
            "shown": [s for s in HEADINGS if have.get(s) or s in illustrated],
            "tiles": self._tiles(),
            "segments": self._strip(),
            "warnings": self._warnings(),
            "cards": cards,
            "pictures": pictures,
            "grids": grids,
            "leads": {s: self.say(*LEADS[s]) if s in LEADS else "" for s in SECTIONS}
            | {"evidence": self.say(*LEADS["evidence"]) + self._why_k()},
            "facts": self._facts(),
            "limits": [self.say(*both) for both in LIMITS],
        }

    # Head ------------------------------------------------------------------------------------

    def _why_k(self) -> str:
        parameters = self.run.get("parameters") or {}
        k = parameters.get("n_clusters")
        if k is None:
            return ""
        given = self.say(
            f"k = {k} 是事先给定的，不是由数据选出的。",
            f" k = {k} was given beforehand, not chosen by the data.",
        )
        rule = parameters.get(f"k_why_{self.language}")
        return self.say("所用规则：", " The rule used: ") + rule if rule else given

    def _customers(self) -> int | None:
        if "sizes" in self.tables:
            return int(self.tables["sizes"]["customers"].sum())
        return (self.run.get("rows") or {}).get("customers")

    def _subtitle(self) -> str:
        n, as_of, months = self._customers(), self.run.get("as_of"), self.run.get("months")
        window = self.say(f"截至 {as_of}", f"as of {as_of}") if as_of else ""
        if as_of and months:
            window += self.say(f"，近 {months} 个月", f", {months} months back")
        parts = (
            self.say(f"{n:,} 名客户", f"{n:,} customers") if n is not None else "",
            self.say(f"{len(self.ids)} 个客群", f"{len(self.ids)} segments") if self.ids else "",
            window,
        )
        return " · ".join(part for part in parts if part)

    def _tiles(self) -> list[tuple[str, str]]:
        n, used = self._customers(), (self.run.get("features") or {}).get("used")
        fit = self.run.get("fit") or {}
        tiles = []
        if n is not None:
            tiles.append((f"{n:,}", self.say("名客户", "customers")))
        tiles.append((str(len(self.ids)), self.say("个客群", "segments")))
        if used is not None:
            tiles.append((str(len(used)), self.say("个变量参与分群", "variables in the model")))
        if fit.get("agreement") is not None:
            starts = fit.get("starts")
            tiles.append((percent(fit["agreement"]), self.say(
                f"的单次起点（共 {starts}）自行到达所得最优解，其余靠搜索",
                f"of {starts} single starts found the best solution; a search did the rest",
            )))  # fmt: skip
        if "warnings" in self.tables:
            tiles.append((str(len(self.tables["warnings"])), self.say("条警告", "warnings")))
        return tiles

    def _strip(self) -> list[dict]:
        sizes = self.tables.get("sizes", pd.DataFrame({"segment_id": [], "share": []}))
        return [
            {
                "name": self.words.segment(row.segment_id, self.language),
                "share": percent(row.share),
                "width": f"{100 * row.share:.3f}",
                "color": self.colors[row.segment_id],
            }
            for row in sizes.itertuples()
        ]

    def _warnings(self) -> list[str]:
        table = self.tables.get("warnings")
        return [] if table is None else table[f"text_{self.language}"].tolist()

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
        parts = {part: rows.groupby("segment_id") for part, rows in lines.groupby("part")}
        empty = lines.iloc[:0]

        def part_of(name, segment):
            groups = parts.get(name)
            return groups.get_group(segment) if groups and segment in groups.groups else empty

        return [
            self._card(
                segment,
                lines[lines["segment_id"] == segment],
                *(part_of(name, segment) for name in ("mark", "article", "check")),
                sentences.get(segment, ""),
            )
            for segment in self.ids
        ]

    def _card(self, segment, own, marks, article, checks, sentence: str) -> dict:
        text = f"text_{self.language}"
        size = ""
        if len(own):
            n, share = int(own["customers"].iloc[0]), percent(own["share"].iloc[0])
            size = self.say(f"{n:,} 名，{share}", f"{n:,} customers, {share}")
        name = self.words.segment(segment, self.language)
        against = checks[checks["agrees"].isin(["no", "not visible"])]
        against = against.sort_values("agrees", kind="stable")  # contradictions first
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
            # The card's head has the name already.
            "rule": sentence.removeprefix(name).lstrip(":： "),
            "checks": len(checks),
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
        measured = int(len(checks) - count.get("not measured", 0))
        yes, no = int(count.get("yes", 0)), int(count.get("no", 0))
        unseen = measured - yes - no
        if not measured:
            return self.say("数据中没有可比的变量。", "The data have no variable to compare.")
        if yes == measured:
            return self.say(
                f"可比的 {yes} 条预期全部相符。", f"All {yes} that can be compared agree."
            )
        return self.say(
            f"{measured} 条可比的预期中，{yes} 条相符，{no} 条相反，{unseen} 条看不出。",
            f"Of {measured} expectations that can be compared, {yes} agree, {no} are "
            f"contradicted, {unseen} show no difference.",
        )

    # Tables and pictures ---------------------------------------------------------------------

    def _grids(self, **titles: tuple[str, str]) -> list[Grid]:
        return [self._grid(name, self.tables[name], title=self.say(*both))
                for name, both in titles.items()
                if name in self.tables and len(self.tables[name])]  # fmt: skip

    def _grid(self, name: str, table: pd.DataFrame, **texts: str) -> Grid:
        return plain_grid(name, table, words=self.words, language=self.language,
                          groups=self.groups, **texts)  # fmt: skip

    def _profile(self) -> list[Grid]:
        if "profile" not in self.tables:
            return []
        variables, order = self.tables.get("variables"), self.tables.get("order")
        blocks = None
        if variables is not None and "block" in variables:
            blocks = dict(zip(variables["feature"], variables["block"]))
        return profile_grids(
            self.tables["profile"],
            words=self.words,
            language=self.language,
            markers=self.tables.get("markers"),
            order=None if order is None else order["variable"].tolist(),
            blocks=blocks,
        )

    def _comparison(self) -> list[Grid]:
        out = self._grids(groups=("谁在哪一组", "Who is in which group"))
        if "comparison" in self.tables:
            table = self.tables["comparison"]
            rest = len(table) - TOP
            note = self.say(
                f"另有 {rest} 个变量差别更小，未列出。",
                f"{rest} more variables differ less and are not listed.",
            )
            title = self.say("逐变量比较", "Variable by variable")
            out.append(
                self._grid("comparison", table.head(TOP), title=title, note=note * (rest > 0))
            )
        return out

    def _run_grids(self) -> list[Grid]:
        out = []
        for name, title in (
            ("inputs", ("输入文件", "Input files")),
            ("names", ("客群如何得名", "How the clusters got their names")),
        ):
            if rows := list(self.run.get(name) or []):
                out.append(self._grid(name, pd.DataFrame(rows), title=self.say(*title)))
        return out

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
        left_out = features.get("left_out") or {}
        synthetic = say("未说明", "not stated")
        if run.get("synthetic") is not None:
            synthetic = say("合成", "synthetic") if run["synthetic"] else say("真实", "real")
        joint = say("、", ", ")
        named = [self.words.variable(v, self.language) for v in features.get("used") or []]
        facts = [
            (say("数据", "Data"), synthetic),
            (say("时间", "Written"), run.get("created_at")),
            (say("截至", "As of"), run.get("as_of")),
            (say("窗口（月）", "Window (months)"), run.get("months")),
            (say("货币", "Currency"), run.get("currency")),
            (say("客群数 k", "Clusters k"), parameters.get("n_clusters")),
            (say("随机种子", "Random seed"), parameters.get("random_state")),
            (say("起点数", "Starts"), parameters.get("n_starts")),
            (say("组内平方和", "Inertia"), _number((run.get("fit") or {}).get("inertia"))),
            (say("参与的变量", "Variables used"), joint.join(named)),
            (say("未能使用", "Left out"), joint.join(
                f"{self.words.variable(v, self.language)} ({self._why_left_out(why)})"
                for v, why in left_out.items()
            )),
            (say("版本", "Versions"), joint.join(
                f"{name} {v}" for name, v in (run.get("versions") or {}).items()
            )),
        ]  # fmt: skip
        return [(term, str(value)) for term, value in facts if value not in (None, "")]

    def _why_left_out(self, why: str) -> str:
        for en, zh in LEFT_OUT if self.language == "zh" else ():
            why = re.sub(f"^{en}$", zh, why)
        return why


def _number(value) -> str | None:
    return None if value is None else number(value)


def _bar(effect: float) -> str:
    """A bar from the middle, full at three standard deviations."""
    width = 50 * min(abs(effect) / 3, 1) if np.isfinite(effect) else 50
    return f"{'right' if effect < 0 else 'left'}:50%;width:{width:.1f}%"
