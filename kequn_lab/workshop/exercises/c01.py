"""Questions of chapter 01."""

from kequn_lab.workshop.exercises import Exercise, Guess

__all__: list[str] = []

_KINDS = {"明说": "stated", "解读": "reading", "假设": "assumption"}


def _judge_sorted(answer, facts):
    given = {key: _KINDS.get(kind, kind) for key, kind in answer.items()}
    right = facts["basis"]
    wrong = {key for key in right if given[key] != right[key]}
    for key, hint in (("b", "quote"), ("e", "quote"), ("f", "sizes"), ("d", "farm")):
        if key in wrong:
            return hint
    return "careful" if wrong else "right"


def _with(**changed):
    """The right answer but for some sentences."""
    return lambda facts: {**facts["basis"], **changed}


EXERCISES = (
    Guess(
        "01.a",
        ("哪个客群说得最多？", "Which segment does the article say most about?"),
        (
            ("小微企业", "micro enterprises"),
            ("农户", "farm households"),
            ("年轻人", "young adults"),
            ("老年客群", "the elderly"),
        ),
    ),
    Guess(
        "01.b",
        (
            "谈客群的话里，有几句带数字？",
            "How many of the statements about segments hold a number?",
        ),
        (
            ("一句也没有", "none"),
            ("少数几句", "a few"),
            ("大约一半", "about half"),
        ),
    ),
    Exercise(
        "01.1",
        kind="explain",
        goal=(
            "分清明说、解读与假设",
            "Distinguish what is stated, what is a reading and what is an assumption",
        ),
        judge=_judge_sorted,
        hints={
            "right": (
                "目录也是这样标的。假设最多：签名的 {n_signatures} 行里，"
                "方向出自文章的只有 {n_article} 行。",
                "The catalogue marks them so, too. Assumptions are the most: of {n_signatures} "
                "rows of signatures the direction is the article's in {n_article}.",
            ),
            "quote": (
                '找一找原文：catalogue.quote("relies_on_counter") 和 '
                'catalogue.quote("digital_gap")。'
                "它们说的是依赖柜台、缺少手段；谁是谁的客户，是我们读出来的。",
                'Find the quote: catalogue.quote("relies_on_counter") and '
                'catalogue.quote("digital_gap"). They speak of the counter and of lacking means; '
                "whose customers these are is what we read into it.",
            ),
            "sizes": (
                "文章没有给任何客群的人数；谁多谁少，是我们为合成银行定的。",
                "The article gives no size of any segment; who is more and who is fewer we chose "
                "for the synthetic bank.",
            ),
            "farm": (
                "关于农户，单独说的话只有 {n_farm} 句，说的是谁以他们为目标，没有谈渠道。",
                "Of farm households alone it says {n_farm} thing, whose target they are, and "
                "nothing about channels.",
            ),
            "careful": (
                '这一句原文里有：看 catalogue.quote("suning_target") 和 '
                'catalogue.quote("rather_old")。',
                'This one is written there: see catalogue.quote("suning_target") and '
                'catalogue.quote("rather_old").',
            ),
        },
        right=lambda facts: facts["basis"],
        wrong={
            "quote": _with(b="stated"),
            "sizes": _with(f="stated"),
            "farm": _with(d="stated"),
            "careful": _with(c="assumption"),
        },
    ),
)
