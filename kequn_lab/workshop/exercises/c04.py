"""Questions of chapter 04: a start's luck."""

from kequn_lab.workshop.exercises import Exercise, Guess

__all__: list[str] = []


def _judge_starts(answer, facts):
    if isinstance(answer, bool) or int(answer) != answer or answer < 1:
        raise ValueError("n_init is a whole number from 1 on")
    if answer >= facts["n_enough"]:
        return "right"
    return "one" if answer == 1 else "few"


def _judge_sentence(answer, facts):
    return {"A": "truest", "B": "right", "C": "once"}[str(answer).strip().upper()]


EXERCISES = (
    Guess(
        "04.a",
        (
            "40 个起点会得到几种不同的分群？（ARI 达到 0.95 就算相同）",
            "How many different segmentations do forty starts give? (the same from ARI 0.95 on)",
        ),
        (
            ("1 种", "one"),
            ("2 到 5 种", "two to five"),
            ("6 到 15 种", "six to fifteen"),
            ("超过 15 种", "more than fifteen"),
        ),
    ),
    Guess(
        "04.b",
        (
            "和 40 次里最好的一次相比，搜索带来什么？",
            "Compared with the best of forty starts, what does the search bring?",
        ),
        (
            ("惯量低得多", "a much lower inertia"),
            (
                "惯量几乎一样，但换种子也得到同样的客群",
                "nearly the same inertia, but with another seed the same segments again",
            ),
            ("更接近真相的客群", "segments nearer to the truth"),
        ),
    ),
    Guess(
        "04.c",
        (
            "40 个起点里，有几个比搜索更接近真相？",
            "How many of the forty starts are nearer to the truth than the search?",
        ),
        (
            ("没有", "none"),
            ("几个", "a few"),
            ("大约一半或更多", "about half or more"),
        ),
    ),
    Exercise(
        "04.1",
        kind="fill in",
        goal=("知道结果有多少取决于起点", "Know how much of a result is the luck of its start"),
        judge=_judge_starts,
        hints={
            "right": (
                "取 {n_enough} 个起点，{n_pairs} 对种子中有 {agree_enough:.0%} 一致。"
                "搜索（25 个起点加交换）：{agree_search:.0%}。",
                "With {n_enough} starts {agree_enough:.0%} of {n_pairs} pairs of seeds agree; "
                "the search (25 starts and swaps): {agree_search:.0%}.",
            ),
            "one": (
                "只有一个起点时，一对种子的 ARI 中位数是 {ari_1:.2f}，"
                "只有 {agree_1:.0%} 的对数一致。",
                "With one start the ARI of a pair of seeds is {ari_1:.2f} (median); only "
                "{agree_1:.0%} of the pairs agree.",
            ),
            "few": (
                "还不够：5 个起点时 {agree_5:.0%} 的对数一致，10 个起点时 {agree_10:.0%}。"
                "一对种子碰巧一致不算数，请看表里的最后一列。",
                "Not enough: with five starts {agree_5:.0%} of the pairs agree, with ten "
                "{agree_10:.0%}. One pair may agree by luck; look at the table's last column.",
            ),
        },
        right=lambda facts: facts["n_enough"],
        wrong={"one": 1, "few": 10},
    ),
    Exercise(
        "04.2",
        kind="decide",
        goal=(
            "分清惯量最低和最接近真相",
            "Tell the lowest inertia from the nearest to the truth",
        ),
        judge=_judge_sentence,
        hints={
            "right": (
                "可以重复的结果才能核对；是否真实，要靠别的证据（第 05、06 章）。",
                "What can be repeated can be checked; whether it is true needs other evidence "
                "(chapters 05 and 06).",
            ),
            "truest": (
                "数过了：这家银行 {n_starts} 个起点中有 {truer_here} 个惯量更高、却更接近真相；"
                "{n_banks} 家合成银行中，惯量最低的起点也最接近真相的有 "
                "{banks_lowest_is_truest} 家。",
                "Counted: at this bank {truer_here} of {n_starts} starts have no lower inertia and "
                "are nearer to the truth; of {n_banks} synthetic banks the lowest start was the "
                "truest in {banks_lowest_is_truest}.",
            ),
            "once": (
                "运行一次就是碰运气：换一个种子，ARI 的中位数只有 {ari_1:.2f}。",
                "One run is luck: with another seed the median ARI is only {ari_1:.2f}.",
            ),
        },
        right="B",
        wrong={"truest": "A", "once": "C"},
    ),
)
