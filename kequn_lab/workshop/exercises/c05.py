"""Questions of chapter 05: how many segments."""

from kequn_lab.workshop.exercises import Exercise, Guess

__all__: list[str] = []

_REASONS = {"A": "elbow", "B": "stable", "C": "right", "D": "indices"}


def _judge_kept(answer, facts):
    answer = int(answer)
    if answer == facts["n_keep"]:
        return "right"
    return "natural" if answer <= facts["n_natural"] else "all"


def _judge_k(answer, facts):
    if int(answer["index_k"]) != facts["index_k"]:
        return "misread"
    if int(answer["your_k"]) < 1:
        raise ValueError("your_k is a whole number from 1 on")
    return _REASONS[str(answer["reason"]).strip().upper()]


EXERCISES = (
    Guess(
        "05.a",
        ("多数指标会选几？", "Which k will most indices prefer?"),
        (
            ("2 或 3", "2 or 3"),
            ("4 到 7", "4 to 7"),
            ("8", "8"),
            ("超过 8", "more than 8"),
        ),
    ),
    Guess(
        "05.b",
        ("没有客群的数据，肘部在哪里？", "Where is the elbow in data without segments?"),
        (
            ("没有肘部", "there is none"),
            ("和这家银行在同一个 k", "at the same k as in this bank"),
            ("在别的 k", "at another k"),
        ),
    ),
    Guess(
        "05.c",
        ("哪一个客群会被叫作“自然”？", "Which segment will be called natural?"),
        (
            ("老年客群", "elderly"),
            ("结构性存款客群", "structured-deposit customers"),
            ("科创企业客户（其实装着两个客群）", "sci-tech corporates (which holds two)"),
            ("年轻人", "young adults"),
        ),
    ),
    Exercise(
        "05.1",
        kind="fill in",
        goal=("看懂结论有多确定", "See how sure a verdict is"),
        judge=_judge_kept,
        hints={
            "right": (
                "{n_segments} 个里有 {n_keep} 个：{draws} 对重抽样里都找得回来，区间不跨过界限。",
                "{n_keep} of {n_segments}: they come back in {draws} pairs of resamples, and their "
                "intervals cross no threshold.",
            ),
            "all": (
                "再看“建议”和“确定？”两列：两列都要满足，{n_segments} 个里不是每个都行。",
                "Look at the columns action and sure: both must hold, which not every one of the "
                "{n_segments} does.",
            ),
            "natural": (
                "不必是“自然”的：可重现就可以保留，只是边界是画出来的。",
                "It need not be natural: a reproducible segment may be kept; its borders are "
                "drawn.",
            ),
        },
        right=lambda facts: facts["n_keep"],
        wrong={
            "all": lambda facts: facts["n_segments"],
            "natural": lambda facts: facts["n_natural"],
        },
    ),
    Exercise(
        "05.2",
        kind="decide",
        goal=("分清证据和用途", "Tell evidence from use"),
        judge=_judge_k,
        hints={
            "right": (
                "证据和用途分开写：指标说 {index_k}，规则说 {rule_k}；"
                "你的 k 由用途决定，有人负责。",
                "Evidence and use are two things: the indices say {index_k}, the rule {rule_k}; "
                "your k rests on its use, and somebody answers for it.",
            ),
            "misread": (
                "再看图上的圆圈：多数指标选的 k 不是这个。",
                "Look at the rings in the picture: most indices prefer another k.",
            ),
            "elbow": (
                "看零模型：这家银行的肘部在 {elbow}，没有客群的数据在 {null_elbows}。"
                "肘部不是证据。",
                "Look at the null model: the elbow is at {elbow} here, and at {null_elbows} in "
                "data without segments. It is no evidence.",
            ),
            "stable": (
                "没有客群的数据在 k = {index_k} 时也稳定：ARI 中位数 {null_stable_3:.2f}"
                "（这家银行 {stable_3:.2f}）。稳定不等于真实。",
                "Data without segments are stable at k = {index_k}, too: median ARI "
                "{null_stable_3:.2f} ({stable_3:.2f} here). Stable is not real.",
            ),
            "indices": (
                "指标找最宽的空隙。数据是按八个客群生成的，指标仍然选 {index_k}："
                "它们回答的不是“有几个客群”。",
                "Indices find the widest gaps. The data were made with eight segments and they "
                "still say {index_k}: how many there are is not what they answer.",
            ),
        },
        right=lambda facts: {"index_k": facts["index_k"], "your_k": 8, "reason": "C"},
        wrong={
            "misread": {"index_k": 8, "your_k": 8, "reason": "C"},
            "elbow": lambda facts: {"index_k": facts["index_k"], "your_k": 8, "reason": "A"},
            "stable": lambda facts: {"index_k": facts["index_k"], "your_k": 3, "reason": "B"},
            "indices": lambda facts: {"index_k": facts["index_k"], "your_k": 3, "reason": "D"},
        },
    ),
)
