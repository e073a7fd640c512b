"""Questions of chapter 11."""

from kequn_lab.workshop.exercises import Exercise, Guess

__all__: list[str] = []


def _judge_size(answer, facts):
    try:
        answer = float(answer)
    except (TypeError, ValueError):
        return "small"
    if abs(answer / facts["sample_needed"] - 1) < 0.03:
        return "right"
    return "small" if answer < facts["sample_needed"] else "large"


def _judge_way(answer, facts):
    return {"sample": "right", "cluster": "cluster"}.get(answer, "collect")


EXERCISES = (
    Guess(
        "11.a",
        (
            "一家有两千位客户的银行，一年的交易在集群上；要分客群，多少行要离开集群？",
            "A bank of two thousand customers has a year of transactions on a cluster. How many "
            "rows must leave the cluster to segment the customers?",
        ),
        (
            ("全部交易", "all transactions"),
            ("大约十分之一的交易", "about a tenth of them"),
            ("每位客户一行", "one row per customer"),
        ),
    ),
    Exercise(
        "11.1",
        kind="fill in",
        goal=("算出样本要多大", "Say how large a sample must be"),
        judge=_judge_size,
        hints={
            "right": (
                "{sample_needed} 位，不论银行有多少客户；本工具取 {most_collected} 位，误差是 "
                "{points_at_most} 个百分点。",
                "{sample_needed}, however many customers the bank has. The kit takes "
                "{most_collected}, with an error of {points_at_most} points.",
            ),
            "small": (
                "太少：误差随样本的平方根减小，所以比值要平方；半个百分点要写成小数。",
                "Too few: the error shrinks with the root of the sample, so the ratio is squared; "
                "write half a point as a decimal.",
            ),
            "large": (
                "太多：占比 p 的方差是 p(1−p)，最大在 p 为一半时，不是一。",
                "Too many: the variance of a share p is p(1 − p), largest where p is one half, and "
                "it is not one.",
            ),
        },
        right=lambda facts: facts["sample_needed"],
        wrong={
            "small": lambda facts: round((facts["sample_needed"]) ** 0.5),
            "large": lambda facts: 4 * facts["sample_needed"],
        },
    ),
    Exercise(
        "11.2",
        kind="decide",
        goal=("选择在哪里拟合", "Choose where to fit"),
        judge=_judge_way,
        hints={
            "right": (
                "样本上可以多次搜索；Spark 的 k 均值在同一批客户上的组内平方和是搜索的 {ratio} 倍。"
                "标签仍在集群上为全部客户计算。",
                "A sample can be searched from many starts; the inertia of Spark's k-means on the "
                "same customers is {ratio} times that of the search. All customers still get their "
                "labels on the cluster.",
            ),
            "cluster": (
                "可以，但不必：Spark 的 k 均值起点少，组内平方和是搜索的 {ratio} 倍，"
                "{n_segments} 个客群中 {same} 个相同。样本离不开集群时才这样做。",
                "Possible, but not needed: Spark's k-means has few starts, its inertia is {ratio} "
                "times that of the search, and {same} of {n_segments} segments are the same. Do it "
                "where a sample may not leave the cluster.",
            ),
            "collect": (
                "四千万行放不进一台普通机器的内存，也不会让占比更准到看得出来。",
                "Forty million rows do not fit the memory of a usual machine, and shares would not "
                "become better to an extent that anybody sees.",
            ),
        },
        right="sample",
        wrong={"cluster": "cluster", "collect": "collect"},
    ),
)
