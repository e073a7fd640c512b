"""Questions of chapter 02."""

from kequn_lab.workshop.exercises import Exercise, Guess

__all__: list[str] = []


def _judge_pure(answer, facts):
    ari, why = float(answer["ari"]), answer["why"].strip().lower()
    if why == "c":
        return "my bank"
    if ari > 0.97 or why == "b":
        return "one"
    return "same" if ari < facts["ari_standard"] + 0.02 else "right"


EXERCISES = (
    Guess(
        "02.a",
        (
            "这家银行背后的数，有多少出自文章？",
            "How many of the numbers behind this bank are the article's?",
        ),
        (
            ("一大半", "most of them"),
            ("三分之一左右", "about a third"),
            ("不到十分之一", "fewer than a tenth"),
        ),
    ),
    Exercise(
        "02.1",
        kind="decide",
        goal=(
            "知道合成数据上的分数是谁定的",
            "Know who chose the score that is reached on synthetic data",
        ),
        judge=_judge_pure,
        hints={
            "right": (
                "算出来是 {ari_pure:.2f}（原来 {ari_standard:.2f}）。改一个格，分数就变："
                "它是我们选的。",
                "It is {ari_pure:.2f}, from {ari_standard:.2f}. One cell was edited and the score "
                "moved: it is our choice.",
            ),
            "one": (
                "噪声还在：没有混合客户时是 {ari_pure:.2f}，再把噪声减半也只有 {ari_both:.2f}。",
                "The noise stays: without mixed customers it is {ari_pure:.2f}, and with half the "
                "noise as well {ari_both:.2f}.",
            ),
            "same": (
                "混合客户正是最难分的：没有他们，指数从 {ari_standard:.2f} 升到 {ari_pure:.2f}。",
                "Mixed customers are the hardest to tell: without them the index rises from "
                "{ari_standard:.2f} to {ari_pure:.2f}.",
            ),
            "my bank": (
                "hybrid_share 是谁写的？你的银行里没有这个格可以改。",
                "Who wrote hybrid_share? Your bank has no such cell to edit.",
            ),
        },
        right=lambda facts: {"ari": round(facts["ari_pure"], 1), "why": "a"},
        wrong={
            "one": {"ari": 1, "why": "a"},
            "same": lambda facts: {"ari": facts["ari_standard"], "why": "a"},
            "my bank": lambda facts: {"ari": facts["ari_pure"], "why": "c"},
        },
    ),
)
