"""The fixed sentences of a report, in Chinese and in English."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kequn_lab._words import Words

HEADINGS = {  # in the order of the report
    "summary": ("结论", "In brief"),
    "cards": ("客群卡片", "Segment cards"),
    "decision": ("选哪些客群", "Which segments to serve"),
    "comparison": ("两类银行的客户有何不同", "How the customers of the two kinds of bank differ"),
    "evidence": ("客群是否可靠", "How reliable are the segments"),
    "truth": ("找到的与真实的", "Segments found and true segments"),
    "profiles": ("客群画像", "Profiles"),
    "pictures": ("图", "Pictures"),
    "run": ("运行记录", "How this was made"),
    "limits": ("本报告不能说明什么", "What this report cannot tell"),
}
#: Places of the pictures.
SECTIONS = tuple(s for s in HEADINGS if s not in ("summary", "cards", "run", "limits"))
LEADS = {
    "decision": (
        "得分来自事先定好的标准和权重。“仍入选”是换一组权重、换一批客户后仍然入选的比例。",
        "The scores follow from criteria and weights that were fixed beforehand. The column Still "
        "tells how often a segment is a target with other weights, and with other customers.",
    ),
    "comparison": (
        "正值：第一组更高。这里只描述差别，不解释原因。区间来自重抽客户并重新聚类；不给 p 值："
        "客群就是按这些变量分开的，没有客群的数据也会显出差别。",
        "Positive: the first group has more. Differences are described here, not explained. For "
        "the intervals customers are drawn and clustered again. There are no p-values: segments "
        "that were made from these variables differ in them, also where there are no segments.",
    ),
    "evidence": (
        "界线清楚：换一批客户仍会出现，并且与邻群之间有空隙。可重复的划分：仍会出现，但中间没有空隙。"
        "任意的划分：换一批客户，界线就会移动。",
        "Clear gap: found again with other customers, with a gap to the neighbours. Repeatable "
        "cut: found again, without a gap. Arbitrary cut: with other customers the border moves.",
    ),
    "truth": (
        "合成数据的真实客群是已知的，因此可以核对。调整兰德指数为 {rand}：1 表示完全一致，"
        "0 表示与随机划分无异。这家银行和客群描述出自同一批作者，在这里找对，不能说明真实的银行。",
        "The true segments of synthetic data are known, so that the result can be checked. The "
        "adjusted Rand index is {rand}: 1 is full agreement, 0 no better than chance. The same "
        "people wrote this bank and the descriptions: to be right here says nothing about a real "
        "bank.",
    ),
    "profiles": (
        "格中为客群均值（占比和是否类变量用百分数）。橙色：高于其他客户；蓝色：低于其他客户；"
        "★：标志变量。客群就是按这些变量划分的，所以差别必然较大。",
        "Means of the segments, shares in percent. Orange: above the other customers, blue: "
        "below, ★: marks the segment. The segments were made from these variables, so the "
        "differences are bound to be large.",
    ),
}
FROM_A_START = (
    "每次抽样也都从目录的描述出发，所以客群比自由搜索时更容易再次出现。",
    " Every draw started at the descriptions, too, so segments are found again more easily than by "
    "a free search.",
)
LIMITS = (
    (
        "k 均值总会给出 k 个客群，即使客户之间没有空隙。靠近界线的客户，下次计算可能换组。",
        "k-means always gives k segments, even where there are no gaps between customers. A "
        "customer near a border may be in another segment next time.",
    ),
    (
        "客群由这些变量划分，又用同样的变量描述，差别必然较大。真正的检验要靠未参与划分的变量。",
        "The segments were made from these variables and are described by them, so they are bound "
        "to differ. A real test needs variables that took no part.",
    ),
    (
        "差别的区间反映换一批客户并重新聚类会怎样，不包括数据错误或另一种分群方法；"
        "数据中没有客群时，区间也靠不住。",
        "Intervals of differences show what other customers, clustered again, would do. They do "
        "not cover errors in the data or another way to segment, and cover too rarely where there "
        "are no segments.",
    ),
    (
        "差别不是原因：向某个客群推荐某种产品会有什么结果，这里看不出来。",
        "A difference is not a cause: what happens when a segment is offered a product cannot be "
        "seen here.",
    ),
    (
        "客群不是个人：不得据此对个人作出授信、定价或拒绝服务的决定。",
        "A segment is not a person: do not decide on credit, price or refusal of a customer by it.",
    ),
)
OF_ARTICLE = (
    (
        "名称取决于与目录中描述的相似程度。原文没有数字，预期水平除注明外均为假设。",
        "Names rest on how well a segment fits a description. The article gives no figures; "
        "expected levels are assumptions unless said otherwise.",
    ),
)
BASES = {
    "article": ("原文", "the article"),
    "assumption": ("假设", "an assumption"),
    "calibrated": ("外部数据", "outside figures"),
    "reading": ("解读", "a reading"),
}


def number_of_clusters(parameters: Mapping[str, Any], words: Words, language: str) -> str:
    """How many clusters a run made: a number, or one for each group that was clustered separately.

    Examples
    --------
    >>> number_of_clusters({"n_clusters": {"0": 6, "1": 3}, "by": "side"}, Words(), "en")
    '6 (side = 0), 3 (side = 1)'
    """
    k = parameters.get("n_clusters")
    if not isinstance(k, dict):
        return "" if k is None else f"{k}"
    by = words.variable(parameters["by"], language)
    joint = "、" if language == "zh" else ", "
    return joint.join(f"{n} ({by} = {value})" for value, n in k.items())


def assumed_k(parameters: Mapping[str, Any], words: Words, language: str) -> str:
    """That k is the default; empty where a person gave it or a rule chose it.

    Examples
    --------
    >>> assumed_k({"n_clusters": 8, "k_assumed": True}, Words(), "en")
    "k = 8 is the default (the article's number), not chosen by the data; --k 2:12 compares others."
    >>> assumed_k({"n_clusters": 8}, Words(), "en")
    ''
    """
    if not parameters.get("k_assumed"):
        return ""
    k = number_of_clusters(parameters, words, language)
    if isinstance(parameters["n_clusters"], dict):
        example = ",".join(f"{value}=4" for value in parameters["n_clusters"])
        zh = f"k = {k} 是默认值，不是由数据选出的；可用 --k {example} 另定。"
        en = f"k = {k} is the default, not chosen by the data; --k {example} says other numbers."
    else:
        zh = f"k = {k} 是默认值（文章的客群数），不是由数据选出的；用 --k 2:12 可比较不同的 k。"
        en = (
            f"k = {k} is the default (the article's number), not chosen by the data; --k 2:12 "
            "compares others."
        )
    return zh if language == "zh" else en
