"""Questions of chapter 04b: the lost segment."""

from kequn_lab.workshop.exercises import Exercise, Guess

__all__: list[str] = []

#: Shares that are typed, or computed in another way, may differ by this much; points by more.
NEAR, POINTS_NEAR = 0.01, 0.5


def _judge_purity(answer, facts):
    answer = float(answer)
    if abs(answer - facts["purity_search"]) <= NEAR:
        return "right"
    return "recall" if abs(answer - facts["recall_search"]) <= NEAR else "other"


def _judge_split(answer, facts):
    by, k = answer["by"], answer["k"]
    if by is None or not isinstance(k, dict):
        return "larger"
    if float(answer["purity"]) < facts["least_purity"]:
        return "few" if by == "is_business" else "column"
    return "right" if float(answer["points"]) > 0 else "lost"


def _judge_proposal(answer, facts):
    hints = {"A": "larger", "B": "renamed", "C": "right", "D": "similar"}
    return hints[str(answer).strip().upper()]


_LARGER = (
    "还是找不到：k = 9 时纯度是 {purity_9:.2f}，k = 12 时是 {purity_12:.2f}，"
    "名字正确的客户从 {right_search} 名变成 {right_9} 名和 {right_12} 名。",
    "Still missing: the purity is {purity_9:.2f} at k = 9 and {purity_12:.2f} at k = 12, and the "
    "customers named right go from {right_search} to {right_9} and {right_12}.",
)

EXERCISES = (
    Guess(
        "04b.a",
        ("八个客群里，哪一个没有分到簇？", "Which of the eight segments got no cluster?"),
        (
            ("农户", "farm households"),
            ("小微企业", "micro enterprises"),
            ("结构性存款客群", "structured-deposit customers"),
            ("科创企业客户", "sci-tech corporates"),
        ),
    ),
    Guess(
        "04b.b",
        ("多大的 k 能找到小微企业？", "Which k finds the micro enterprises?"),
        (
            ("k = 9 就够", "k = 9 is enough"),
            ("k = 10", "k = 10"),
            ("k = 12", "k = 12"),
            ("都找不到", "none of these"),
        ),
    ),
    Guess(
        "04b.c",
        (
            "对公、对私分开，在多少家合成银行里能找到小微企业？",
            "In how many of the synthetic banks do the two sides find the micro enterprises?",
        ),
        (
            ("只有这一家", "only in this one"),
            ("大约一半", "about half"),
            ("大多数或全部", "most or all"),
        ),
    ),
    Exercise(
        "04b.1",
        kind="fill in",
        goal=("数出一个名字有多准", "Count how good a name is"),
        judge=_judge_purity,
        hints={
            "right": (
                "这一簇里 {purity_search:.0%} 是小微企业，却叫科创企业客户。",
                "{purity_search:.0%} of the cluster are micro enterprises; it is called sci-tech.",
            ),
            "recall": (
                "这是召回率：你除以了全部小微企业（{n_lost} 名）。纯度要除以这一簇的人数。",
                "That is the recall: you divided by all micro enterprises ({n_lost}). For the "
                "purity divide by the customers in the cluster.",
            ),
            "other": (
                "分子是这一簇里的小微企业（{held} 名），分母是这一簇的全部客户，不是全行的 "
                "{n_customers:,} 名。",
                "Divide the micro enterprises in the cluster ({held}) by all customers in it, not "
                "by the {n_customers:,} of the bank.",
            ),
        },
        right=lambda facts: facts["purity_search"],
        wrong={
            "recall": lambda facts: facts["recall_search"],
            "other": lambda facts: facts["held"] / facts["n_customers"],
        },
    ),
    Exercise(
        "04b.2",
        kind="fill in",
        goal=(
            "用一个业务决定找回失踪的客群",
            "Find the lost segment by a decision of the business",
        ),
        judge=_judge_split,
        hints={
            "right": (
                "目录的簇数（6 和 3）：纯度 {purity_sides:.2f}，名字正确的客户多了 {gain:.1f} "
                "个百分点（{right_search} → {right_sides}）。",
                "With the catalogue's numbers (6 and 3) the purity is {purity_sides:.2f}, and "
                "{gain:.1f} points more of the customers are named right ({right_search} → "
                "{right_sides}).",
            ),
            "larger": _LARGER,
            "few": (
                "分对了列，但对公的簇不够：两簇时纯度只有 {purity_6_2:.2f}。目录里对公有几个客群？",
                "The right column, but too few clusters of businesses: with two of them the purity "
                "is only {purity_6_2:.2f}. How many segments of businesses has the catalogue?",
            ),
            "column": (
                "这一列分不开小微和科创：它们的差别不在这里。银行按什么分部门？",
                "This column does not help: by what does a bank divide its departments?",
            ),
            "lost": (
                "小微企业找到了，但另一边丢了人：对私只有五簇时，名字正确的客户变化 "
                "{gain_5_3:+.1f} 个百分点。",
                "Micro enterprises are found, but others are lost: with five clusters of persons "
                "the customers named right change by {gain_5_3:+.1f} points.",
            ),
        },
        right=lambda facts: {
            "by": "is_business",
            "k": {0: 6, 1: 3},
            "purity": facts["purity_sides"],
            "points": facts["gain"],
        },
        wrong={
            "larger": {"by": None, "k": 10},
            "few": lambda facts: {
                "by": "is_business",
                "k": {0: 6, 1: 2},
                "purity": facts["purity_6_2"],
                "points": facts["gain_6_2"],
            },
            "column": {"by": "risk_rank", "k": {1: 2, 2: 3}, "purity": 0.1, "points": -20.0},
            "lost": lambda facts: {
                "by": "is_business",
                "k": {0: 5, 1: 3},
                "purity": facts["purity_5_3"],
                "points": facts["gain_5_3"],
            },
        },
    ),
    Exercise(
        "04b.3",
        kind="decide",
        goal=("为一个决定给出数过的理由", "Give counted reasons for a decision"),
        judge=_judge_proposal,
        hints={
            "right": (
                "名字正确的客户从 {right_search} 名增加到 {right_sides} 名；"
                "{n_banks} 家合成银行中有 {banks_sides} 家找到小微企业。写明这是业务决定。",
                "The customers named right rise from {right_search} to {right_sides}; it finds the "
                "micro enterprises in {banks_sides} of {n_banks} synthetic banks. Say that it is a "
                "business decision.",
            ),
            "larger": _LARGER,
            "renamed": (
                "那么科创企业（{n_hidden_in} 名）就失踪了；"
                "改名后的纯度也只有 {purity_search:.2f}。",
                "Then the sci-tech corporates ({n_hidden_in}) are lost, and the purity of the new "
                "name is only {purity_search:.2f}.",
            ),
            "similar": (
                "相似度高，这一簇却有 {purity_search:.0%} 的客户是小微企业：相似度不数人头。",
                "The similarity is high, yet {purity_search:.0%} of its customers are micro "
                "enterprises: similarity counts no heads.",
            ),
        },
        right="C",
        wrong={"larger": "A", "renamed": "B", "similar": "D"},
    ),
)
