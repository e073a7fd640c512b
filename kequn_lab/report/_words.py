"""The fixed sentences of a report, in Chinese and in English."""

HEADINGS = {
    "sizes": ("一览：有多少、占多少", "At a glance: how many, what share"),
    "warnings": ("警告", "Warnings"),
    "cards": ("客群卡片", "Segment cards"),
    "profiles": ("客群画像", "Profiles"),
    "pictures": ("图", "Pictures"),
    "evidence": ("为何是这个 k，是否稳定", "Why this k, and does it hold"),
    "truth": ("找到的与真实的", "Found against true"),
    "comparison": ("目标客群比较", "Target groups compared"),
    "decision": ("选哪些客群", "Which segments to serve"),
    "run": ("运行记录", "What was run"),
    "limits": ("本报告不说明什么", "What this does not show"),
}
SECTIONS = ("sizes", "profiles", "pictures", "evidence", "truth", "comparison", "decision")
LEADS = {
    "evidence": (
        "k 是选择，不是发现：指标常常各执一词，稳定性说明换一批客户后结果是否还在。",
        "k is chosen, not found: indices often disagree, and stability says whether the result "
        "would still be there with other customers.",
    ),
    "comparison": (
        "正值表示第一组更高；区间来自自助法。差别是描述，不是原因。",
        "Positive: the first group has more; intervals are bootstrapped. Differences describe, "
        "they do not explain.",
    ),
    "decision": (
        "得分取决于事先声明的标准与权重；“仍为目标”是换一组权重或换一批客户后仍入选的比例。",
        "Scores follow from declared criteria and weights; how often a segment stays a target "
        "under other weights or customers is shown beside them.",
    ),
}
LIMITS = (
    (
        "k 均值总能给出 k 个客群，即使客户之间没有空隙；界线是划出来的，"
        "靠近界线的客户换一次计算就可能换组。",
        "k-means always returns k segments, also where there are no gaps between customers; "
        "borders are drawn, and customers near one may change sides in the next run.",
    ),
    (
        "客群由这些变量分出，再用同样的变量描述，差别必然偏大；未参与分群的变量才是检验。",
        "Segments were made from these variables and are described by them, so differences are "
        "large by construction; only variables that took no part would test them.",
    ),
    (
        "区间只反映客户的抽样，不反映分群本身的不确定，也不反映数据的错误。",
        "Intervals cover the sampling of customers, not the uncertainty of the segmentation and "
        "not errors in the data.",
    ),
    (
        "差别不是原因：它不说明给某客群某种产品会发生什么。",
        "A difference is no cause: nothing here says what would happen if a segment were offered "
        "a product.",
    ),
    (
        "客群的名称来自与原文描述的相似程度；原文没有给出数字，预期水平除注明外均为假设。",
        "Names rest on likeness to the article's descriptions; the article gives no figures, and "
        "expected levels are assumptions unless said otherwise.",
    ),
    (
        "客群不是客户：不得据此对个人作授信、定价或拒绝服务的决定。",
        "A segment is not a person: no decision on credit, price or refusal of a customer may "
        "rest on it.",
    ),
)
BASES = {
    "article": ("原文", "the article"),
    "assumption": ("假设", "an assumption"),
    "calibrated": ("外部数据", "outside figures"),
    "reading": ("解读", "a reading"),
}
LEFT_OUT = (  # reasons of `features.customer_features`, and how they read in Chinese
    (r"no table (\w+)", r"没有 \1 表"),
    (r"no (.+) in (\w+)", r"\2 表缺 \1"),
    (r"missing for every customer", "所有客户均缺失"),
    (r"constant", "所有客户相同"),
)
