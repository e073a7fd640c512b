"""Questions of chapter 07."""

from kequn_lab.workshop.exercises import Exercise, Guess

__all__: list[str] = []

#: Cohen's words for a standardised difference.
LARGE, SMALL = 0.8, 0.2


def _judge_sentence(answer, facts):
    effect = facts["effect"]
    said = {v: (answer[v][0], answer[v][1]) for v in effect}
    if any(said[v][0] != ("higher" if effect[v] > 0 else "lower") for v in effect):
        return "sign"
    size = {v: "large" if abs(e) >= LARGE else "small" for v, e in effect.items()}
    if said["cards_count"][1] != size["cards_count"]:
        return "significant"
    return "right" if all(said[v][1] == size[v] for v in effect) else "size"


def _judge_firm(answer, facts):
    chosen = set(answer)
    if chosen == set(facts["firm"]):
        return "right"
    if chosen == set(facts["targets_here"]):
        return "this bank"
    return "nearly" if set(facts["firm"]) < chosen < set(facts["targets_here"]) else "not a target"


EXERCISES = (
    Guess(
        "07.a",
        (
            "两类目标客群差别最大的是什么？",
            "In what do the two target groups differ most?",
        ),
        (
            ("年龄", "age"),
            ("柜台业务占比", "share of events at the counter"),
            ("活期占资产的比重", "share of the money on demand"),
            ("资产总额", "total assets"),
        ),
    ),
    Guess(
        "07.b",
        (
            "不少客户的客群名字是错的。两类客群的比较会受多大影响？",
            "Many customers have a wrong segment name. What happens to the comparison?",
        ),
        (
            ("几乎不变", "hardly anything"),
            ("差异缩小一半左右", "the differences shrink by about half"),
            ("有些差异变号", "some differences change sign"),
        ),
    ),
    Guess(
        "07.c",
        (
            "换一家银行（另抽一批客户），互联网银行的三个目标还是这三个吗？",
            "In another bank, are the internet bank's three targets the same three?",
        ),
        (
            ("都一样", "all the same"),
            ("两个一样", "two are the same"),
            ("一个一样", "one is the same"),
        ),
    ),
    Exercise(
        "07.1",
        kind="fill in",
        goal=(
            "用一句话说出差别：方向和大小",
            "Say a difference in a sentence: which way, and how large",
        ),
        judge=_judge_sentence,
        hints={
            "right": (
                "年龄 {effect[age_years]}、柜台 {effect[counter_share]} 个标准差；"
                "卡数只有 {effect[cards_count]}。",
                "Age {effect[age_years]} and counter {effect[counter_share]} standard deviations; "
                "cards only {effect[cards_count]}.",
            ),
            "sign": (
                "方向不对：效应量为正，表示互联网银行的客群更高。看 effect 一列的正负号。",
                "A direction is wrong: a positive effect means that the internet bank's group has "
                "more. Look at the sign in the column effect.",
            ),
            "significant": (
                "卡数的区间 {low[cards_count]} 到 {high[cards_count]} 不含零，差别确实存在；"
                "但大小只有 {effect[cards_count]} 个标准差。显著不等于大，请看效应量。",
                "The interval of cards, {low[cards_count]} to {high[cards_count]}, leaves zero "
                "out: there is a difference. But its size is {effect[cards_count]} standard "
                "deviations. Significant is not large: look at the effect.",
            ),
            "size": (
                "大小不对：年龄的效应量是 {effect[age_years]}，柜台是 {effect[counter_share]}。",
                "A size is wrong: the effect of age is {effect[age_years]}, of the counter "
                "{effect[counter_share]}.",
            ),
        },
        right={
            "age_years": ("lower", "large"),
            "counter_share": ("lower", "large"),
            "cards_count": ("higher", "small"),
        },
        wrong={
            "sign": {
                "age_years": ("higher", "large"),
                "counter_share": ("lower", "large"),
                "cards_count": ("higher", "small"),
            },
            "significant": {
                "age_years": ("lower", "large"),
                "counter_share": ("lower", "large"),
                "cards_count": ("higher", "large"),
            },
            "size": {
                "age_years": ("lower", "small"),
                "counter_share": ("lower", "large"),
                "cards_count": ("higher", "small"),
            },
        },
    ),
    Exercise(
        "07.2",
        kind="decide",
        goal=(
            "只推荐在每家银行都入选的目标",
            "Recommend only what is a target in every bank",
        ),
        judge=_judge_firm,
        hints={
            "right": (
                "{runs} 次分群，次次入选。{shaky_zh}只有 {shaky_runs} 次。",
                "A target in all {runs} segmentations; {shaky_en} in only {shaky_runs}.",
            ),
            "this bank": (
                "这三个是这一家银行的目标，并非百分之百可靠：换成随机种子 {gone_seed}，"
                "{shaky_zh}就落选了（{runs} 次中入选 {shaky_runs} 次）。",
                "These three are the targets of this bank, which is not “100 per cent safe”: with "
                "seed {gone_seed}, {shaky_en} is no target (it is one in {shaky_runs} of {runs}).",
            ),
            "nearly": (
                "还不是次次入选：其中一个在 {runs} 次中有几次落选。表中两列都要等于银行的家数。",
                "Not every time: one of these is no target in some of the {runs}. Both columns "
                "must be the number of banks.",
            ),
            "not a target": (
                "这里有客群并非次次入选。看上面的表：总共 {runs} 次，各客群入选几次？",
                "One of these is not a target every time. Look at how often each is one, "
                "out of {runs}.",
            ),
        },
        right=lambda facts: facts["firm"],
        wrong={
            "this bank": lambda facts: facts["targets_here"],
            "nearly": lambda facts: sorted({*facts["targets_here"]} - {facts["shaky"]}),
            "not a target": ["low_mid_income", "elderly"],
        },
    ),
)
