"""Questions of chapter 04."""

from kequn_lab.workshop.exercises import Exercise, Guess

__all__: list[str] = []


def _judge_inertia(answer, facts):
    return {"search": "right", "best start": "lowest", "mean": "average"}[answer]


EXERCISES = (
    Guess(
        "04.a",
        ("40 个起点会得到几个不同的解？", "How many different solutions will forty starts give?"),
        (("1 个", "one"), ("2 到 5 个", "two to five"), ("超过 5 个", "more than five")),
    ),
    Exercise(
        "04.1",
        kind="decide",
        goal=("知道结果有多少取决于起点", "Know how much of a result is the luck of its start"),
        judge=_judge_inertia,
        hints={
            "right": (
                "搜索每次给出同样的分群，别人可以核对。",
                "The search gives the same segments next time, so others can check them.",
            ),
            "lowest": (
                "一次起点最好，换一个种子就变了。",
                "The best of a few starts changes with the seed.",
            ),
            "average": (
                "分群不能取平均。",
                "Segments cannot be averaged.",
            ),
        },
        right="search",
        wrong={"lowest": "best start", "average": "mean"},
    ),
)
