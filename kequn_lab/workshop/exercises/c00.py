"""Questions of chapter 00."""

from kequn_lab.workshop.exercises import Exercise, Guess

__all__: list[str] = []


def _judge_missing(answer, facts):
    ids = {name: i for i, names in facts["names"].items() for name in (i, *names)}
    given = {ids.get(str(a).strip(), a) for a in ([answer] if isinstance(answer, str) else answer)}
    if given == set(facts["missing"]):
        return "right"
    if not given:
        return "none"
    return "named" if given <= set(facts["names"]) else "cluster"


def _judge_top3(answer, facts):
    given = {str(a).strip() for a in answer}
    if given == set(facts["top3"]):
        return "right"
    if facts["money"] in given:
        return "money"
    return "one side" if given <= set(facts["more_in_a"]) else "other"


EXERCISES = (
    Guess(
        "00.a",
        (
            "不告诉它名称，k 均值会为八类客户各找到一个簇吗？",
            "Will k-means, told no names, find a cluster for each of the eight?",
        ),
        (
            ("八类都能找到", "for all eight"),
            ("找到六七类", "for six or seven"),
            ("找到五类或更少", "for five or fewer"),
        ),
    ),
    Exercise(
        "00.1",
        kind="decide",
        goal=("看出哪一类客户没有自己的簇", "See which segment has no cluster of its own"),
        judge=_judge_missing,
        hints={
            "right": (
                "八个簇里只有 {readings[search][named]} 个得到文章的名称，缺的就是它。",
                "Only {readings[search][named]} of the eight clusters have a name of the article; "
                "this is the one that lacks.",
            ),
            "none": (
                "数一数结果里的名称：得到文章名称的簇不到八个。",
                "Count the names in the result: fewer than eight clusters have one of the "
                "article's.",
            ),
            "named": (
                "这一类有一个以它命名的簇。要找的是名称没有出现的那一类。",
                "A cluster is named after this one. Look for a name that appears nowhere.",
            ),
            "cluster": (
                "要写的是没有簇的客群，不是没有名称的簇。把第 1 节的八个名称逐个划掉，剩下的就是。",
                "Wanted is a segment without a cluster, not a cluster without a name. Cross out "
                "each name of section 1 that the result holds; what is left is the answer.",
            ),
        },
        right=lambda facts: facts["missing"],
        wrong={
            "none": [],
            "named": lambda facts: [facts["named_for_two"]],
            "cluster": ["cluster_6"],
        },
    ),
    Guess(
        "00.b",
        (
            "两组目标客群相差最大的是哪一项？",
            "In which variable do the two target groups differ most?",
        ),
        (
            ("金融资产的多少", "how much money they hold"),
            ("年龄", "age"),
            ("柜台交易占比", "the share of transactions at the counter"),
            ("交易的次数", "how many transactions they make"),
        ),
    ),
    Exercise(
        "00.2",
        kind="fill in",
        goal=("用标准差读出最大的差异", "Read the largest differences in standard deviations"),
        judge=_judge_top3,
        hints={
            "right": (
                "差异按标准差比较，与单位无关，所以岁数、占比和金额可以放在一张图里。",
                "Differences are compared in standard deviations, so that years, shares and money "
                "fit into one picture.",
            ),
            "money": (
                "金额的数字大，是因为单位是元。按标准差排，金融资产排在第 {money_rank} 位。",
                "Money has big numbers because its unit is the yuan. In standard deviations it "
                "comes as number {money_rank}.",
            ),
            "one side": (
                "零线左边的差异一样算数：那里是传统银行一组更高。",
                "Differences left of zero count as much: there the traditional banks' group has "
                "more.",
            ),
            "other": (
                "图中变量按差异大小从上到下排列，看最上面三个。",
                "The picture has the largest difference on top: take the first three.",
            ),
        },
        right=lambda facts: facts["top3"],
        wrong={
            "money": lambda facts: [*facts["top3"][:2], facts["money"]],
            "one side": lambda facts: facts["more_in_a"][:3],
            "other": lambda facts: facts["last3"],
        },
    ),
)
