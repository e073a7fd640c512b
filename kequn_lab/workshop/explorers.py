"""The five sets of controls: what can be moved, what is computed, how the answer is drawn."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
import pandas as pd

from kequn_lab import catalogue
from kequn_lab._words import percent, term
from kequn_lab.features import feature_dictionary
from kequn_lab.workshop.exploring import Distances, Steps, Weighing, by_k, recovered
from kequn_lab.workshop.widgets import Control, Explorer

__all__: list[str] = []

_YES_NO = ((("是", "yes"), True), (("否", "no"), False))
_MARKED, _PLAIN = "#D55E00", "0.72"
_MOST_STEPS = 20  # on the small bank k-means seldom needs more


def _numbers(values) -> tuple:
    return tuple(((str(v), str(v)), v) for v in values)


def _drawn(
    style, said: str, draw: Callable, *, size=(8.2, 4.4), panels: int = 1, synthetic: bool = True
) -> tuple[bytes, str]:
    """A PNG picture with a sentence above, in a style; ``draw`` fills the axes."""
    import matplotlib.pyplot as plt

    from kequn_lab.plots.style import stamp

    file = io.BytesIO()
    with style:
        figure, axes = plt.subplots(1, panels, figsize=size, layout="constrained")
        if synthetic:
            stamp(figure)
        draw(axes)
        figure.suptitle(said, fontsize=11, x=0.02, ha="left")
        figure.savefig(file, format="png", dpi=96)
        plt.close(figure)
    return file.getvalue(), said


def _evidence_style(language: str):
    from kequn_lab import plots

    return plots.style(language, segments=catalogue.segments(), synthetic=True)


def _scale(result) -> Explorer:
    """Scale and logarithm decide who is near whom."""
    space = Distances(result.features)
    words = feature_dictionary().set_index("feature")
    some = result.features.index[:: max(1, len(result.features) // 6)][:6]
    customers = tuple(((str(i), str(i)), result.features.index.get_loc(i)) for i in some)
    said = {
        "zh": "距离由谁决定：{name}占全部方差的 {share}，以元计的各列合占 {money}；"
        "最近五人的年龄差最多 {years:.0f} 岁",
        "en": "What decides: {name} has {share} of all variance, the columns in yuan {money};\n"
        "the five nearest differ by up to {years:.0f} years of age",
    }
    axis = {"zh": ("年龄（岁）", "金融资产（元）"), "en": ("Age (years)", "Assets (CNY)")}

    def draw(table: pd.DataFrame, values: dict, language: str):
        first, others = table.iloc[0], table.iloc[1:]
        text = said[language].format(
            name=words.loc[first["largest"], f"meaning_{language}"],
            share=percent(first["largest_share"]),
            money=percent(first["money_share"]),
            years=(others["age_years"] - first["age_years"]).abs().max(),
        )

        def fill(ax) -> None:
            everyone = result.features
            ax.scatter(everyone["age_years"], everyone["aum_cny"] + 1, s=7, color=_PLAIN)
            ax.scatter(others["age_years"], others["aum_cny"] + 1, s=60, color=_MARKED)
            ax.scatter(first["age_years"], first["aum_cny"] + 1, s=190, marker="*", color="black")
            ax.set(xlabel=axis[language][0], ylabel=axis[language][1], yscale="log")

        synthetic = result.card.synthetic
        return _drawn(result.styled(language), text, fill, synthetic=synthetic)

    controls = (
        Control("customer", ("客户（黑星）", "Customer (black star)"), customers, customers[0][1]),
        Control("log", ("金额与次数取对数", "Logarithm of money and counts"), _YES_NO, False),
        Control("scale", ("标准化", "Standardise"), _YES_NO, False),
    )
    return Explorer(controls, space.near, draw)


def _steps(result) -> Explorer:
    """k-means at work: centres move until no customer changes cluster."""
    space = Steps(result.features)
    said = {
        "zh": ("第 {step} 步：惯量 {inertia:,.0f}，{changed} 人换了簇", "；不再移动"),
        "en": ("Step {step}: inertia {inertia:,.0f}, {changed} customers changed cluster",
               "; nothing moves any more"),
    }  # fmt: skip
    axis = {"zh": "第 {} 主成分", "en": "Principal component {}"}

    def draw(table: pd.DataFrame, values: dict, language: str):
        import matplotlib as mpl

        last = table[table["step"] == table["step"].max()]
        now, end = last.iloc[0], said[language][1] * bool(last["end"].iloc[0])
        text = said[language][0].format(**now[["step", "inertia", "changed"]]) + end
        labels = space.labels(**values)

        def fill(ax) -> None:
            colors = mpl.colormaps["tab20"](np.arange(12))
            ax.scatter(*space.points.T, s=7, color=colors[labels], alpha=0.55)
            for cluster, path in table.groupby("cluster"):
                ax.plot(path["x"], path["y"], color="black", lw=1)
                end = path.iloc[-1]
                ax.scatter(end["x"], end["y"], s=150, marker="X", color=colors[cluster], ec="black")
            ax.set(xlabel=axis[language].format(1), ylabel=axis[language].format(2))

        synthetic = result.card.synthetic
        return _drawn(result.styled(language), text, fill, synthetic=synthetic)

    controls = (
        Control("seed", ("种子（起点）", "Seed (start)"), _numbers(range(10)), 0),
        Control("k", ("簇数 k", "Number of clusters k"), _numbers(range(2, 13)), 8),
        Control("step", ("步", "Step"), _numbers(range(_MOST_STEPS + 1)), 0),
    )
    return Explorer(controls, space.at, draw)


def _sides() -> Explorer:
    """One table or two sides: which true segments have a cluster of their own."""
    said = {
        "zh": "{n} / {all} 个真实客群是自己所在簇的多数；与真实客群的一致程度（ARI）{ari:.2f}",
        "en": "{n} of {all} true segments are the majority of their cluster; "
        "agreement with the truth (ARI) {ari:.2f}",
    }
    axis = {
        "zh": "占所在簇的比例（橙色：不到一半）",
        "en": "Share of the cluster where most of it is (orange: less than half)",
    }

    def draw(table: pd.DataFrame, values: dict, language: str):
        own = table["of_cluster"] > 0.5
        text = said[language].format(n=own.sum(), all=len(table), ari=table["ari"].iloc[0])

        def fill(ax) -> None:
            names = catalogue.names(language=language).reindex(table["segment_id"])
            colors = [_MARKED if not yes else "#0072B2" for yes in own]
            ax.barh(names, table["of_cluster"], color=colors)
            ax.axvline(0.5, color="black", lw=1, ls=":")
            ax.set(xlim=(0, 1), xlabel=axis[language])
            ax.xaxis.set_major_formatter("{x:.0%}")
            ax.invert_yaxis()

        return _drawn(_evidence_style(language), text, fill)

    controls = (
        Control("apart", ("对公、对私分开", "Business and personal separately"), _YES_NO, False),
        Control("k", ("簇数 k（分开时对公 3 个）", "k (separately: 3 business)"),
                _numbers(range(7, 13)), 8),
    )  # fmt: skip
    return Explorer(controls, recovered, draw)


def _k() -> Explorer:
    """What speaks for a number of clusters, beside data without segments."""
    said = {
        "zh": "k = {k}：轮廓系数 {s:.2f}（没有客群的数据 {ns:.2f}），稳定性 {t:.2f}（{nt}）",
        "en": "k = {k}: silhouette {s:.2f} (data without segments {ns:.2f}), "
        "stability {t:.2f} ({nt})",
    }
    words = {
        "zh": ("轮廓系数", "稳定性（ARI 中位数）", "小银行", "没有客群的数据", "未算"),
        "en": ("Silhouette", "Stability (median ARI)", "the small bank", "data without segments",
               "not counted"),
    }  # fmt: skip

    def draw(table: pd.DataFrame, values: dict, language: str):
        row, word = table[table["k"] == values["k"]].iloc[0], words[language]
        null = row["null_stability"]
        text = said[language].format(
            k=values["k"], s=row["silhouette"], ns=row["null_silhouette"], t=row["stability"],
            nt=word[4] if pd.isna(null) else f"{null:.2f}",
        )  # fmt: skip

        def fill(axes) -> None:
            for ax, name, title in zip(axes, ("silhouette", "stability"), word):
                ax.plot(table["k"], table[name], marker="o", color="#0072B2", label=word[2])
                there = table.dropna(subset=f"null_{name}")
                ax.plot(there["k"], there[f"null_{name}"], marker="s", color=_PLAIN, label=word[3])
                ax.axvline(values["k"], color=_MARKED, lw=2, zorder=0)
                ax.set(xlabel="k", ylabel=title, ylim=(0, None))
            axes[0].legend()

        return _drawn(_evidence_style(language), text, fill, size=(9.2, 4), panels=2)

    table = by_k()
    ks = _numbers(table["k"])
    return Explorer((Control("k", ("簇数 k", "k"), ks, ks[0][1]),), lambda k: table, draw)


def _weights(result) -> Explorer:
    """The decision when one criterion counts for more, or for less."""
    space = Weighing(result)
    banks = tuple(space.weights["bank_kind"].unique())
    names = result.criteria.set_index("criterion_id")[["name_zh", "name_en"]]
    known = result.names.set_index("segment_id")
    said = {
        "zh": ("{bank}的目标客群：{targets}", "换了 {n} 个", "与原权重相同"),
        "en": ("Targets of the {bank}: {targets}", "{n} changed", "as with the declared weights"),
    }
    axis = {
        "zh": ("得分（橙色：目标客群；菱形：原权重）", "、", "；"),
        "en": ("Score (orange: target; diamond: declared weights)", ", ", ";\n"),
    }

    def draw(table: pd.DataFrame, values: dict, language: str):
        first, more, same = said[language]
        label, comma, break_ = axis[language]
        title = known[f"name_{language}"].reindex(table["segment_id"]).to_numpy()
        bank = term(values["bank"], language)
        text = first.format(
            bank=bank if language == "zh" else bank.lower(),
            targets=comma.join(title[table["target"].to_numpy()]),
        )
        n = int((table["target"] & ~table["declared_target"]).sum())
        text += break_ + (more.format(n=n) if n else same)

        def fill(ax) -> None:
            colors = np.where(table["target"], _MARKED, _PLAIN)
            ax.barh(title, table["score"], color=colors)
            ax.scatter(table["declared_score"], title, marker="D", s=26, color="black", zorder=3)
            ax.set(xlim=(0, 1), xlabel=label)
            ax.invert_yaxis()

        synthetic = result.card.synthetic
        return _drawn(result.styled(language), text, fill, synthetic=synthetic)

    def criteria(bank: str) -> tuple:
        return tuple(
            ((names.loc[c, "name_zh"], names.loc[c, "name_en"]), c) for c in space.criteria_of(bank)
        )

    shown = {bank: criteria(bank) for bank in banks}
    banks_named = tuple(((term(b, "zh"), term(b, "en")), b) for b in banks)
    weights = tuple(
        ((percent(w), percent(w)), w) for w in np.arange(0, 0.95, 0.1).round(1).tolist()
    )
    controls = (
        Control("bank", ("银行", "Bank"), banks_named, banks[0]),
        Control("criterion", ("标准", "Criterion"), shown[banks[0]], shown[banks[0]][0][1]),
        Control("weight", ("它的权重", "Its weight"), weights, weights[3][1]),
    )
    return Explorer(
        controls, space.decided, draw, limit=lambda values: {"criterion": shown[values["bank"]]}
    )


#: By name, in the order of the course.
EXPLORERS: dict[str, Callable[..., Explorer]] = {
    "scale": _scale, "steps": _steps, "sides": _sides, "k": _k, "weights": _weights,
}  # fmt: skip
#: Those that read shipped evidence and need no result.
OF_EVIDENCE = ("sides", "k")
