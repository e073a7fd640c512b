"""Questions of chapter 08."""

from kequn_lab.workshop.exercises import Exercise, Guess

__all__: list[str] = []


def _judge_trap(answer, facts):
    flags = {"cd_trap": "right", "long_rungs_closed": "age", "above_insurance": "insurance"}
    return flags.get(answer, "no")


def _judge_list(answer, facts):
    words = {"cannot tell": "right", "segment": "segments lead", "age": "age is enough"}
    return words.get(answer, "wealth")


EXERCISES = (
    Guess(
        "08.a",
        (
            "老年客群最合适的产品是哪一类？",
            "Which kind of product suits the elderly best?",
        ),
        (
            ("大额存单", "large CDs"),
            ("储蓄国债", "savings bonds"),
            ("银行理财", "wealth products"),
        ),
    ),
    Guess(
        "08.b",
        (
            "一部分到店业务转到线上，人工会比到店次数降得多，还是少？",
            "Some visits go online. Does staff time fall more than visits, or less?",
        ),
        (("更多", "more"), ("一样", "the same"), ("更少", "less")),
    ),
    Guess(
        "08.c",
        (
            "只打两成客户的电话，哪份名单找到的接受者最多？",
            "Only a fifth of the customers is called. Which list finds most who accept?",
        ),
        (
            ("按客群", "by segment"),
            ("年长优先", "the oldest first"),
            ("资产多者优先", "the wealthiest first"),
            ("分不出来", "it cannot be told"),
        ),
    ),
    Exercise(
        "08.1",
        kind="explain",
        goal=(
            "说出为什么刚过起点的人不宜买大额存单",
            "Say why a saver just above the minimum is not offered a large CD",
        ),
        judge=_judge_trap,
        hints={
            "right": (
                "钱刚过起点：一急用就得全部支取，三到六个月的备用金也没了。这是文章自己的提醒。",
                "The money is just above the minimum: whoever needs some has to take out all, and "
                "the reserve would be gone. It is the article's own warning.",
            ),
            "age": (
                "B 没有超过文章所说的年龄条件；看 B 那一行哪个标志是 1。",
                "Age is not what stops B: look which flag of B is 1.",
            ),
            "insurance": (
                "B 的钱没有超过存款保险的限额，超过的是 A。",
                "The money of B is below the limit of the deposit insurance; A is above it.",
            ),
            "no": (
                "请从标志表里选一行的名字，再看 B 那一列。",
                "Take the name of a row of the table of flags, and look at the column B.",
            ),
        },
        right="cd_trap",
        wrong={"age": "long_rungs_closed", "insurance": "above_insurance", "no": "poor"},
    ),
    Exercise(
        "08.2",
        kind="decide",
        goal=(
            "判断客群是否比一条简单规则更有用",
            "Judge whether segments are of more use than a simple rule",
        ),
        judge=_judge_list,
        hints={
            "right": (
                "按客群找到 {segment[reached]}（{segment[low]} 到 {segment[high]}），"
                "按资产 {wealth[reached]}（{wealth[low]} 到 {wealth[high]}）：区间重叠，"
                "一次活动分不出来。换 {n} 家银行来看，按客群领先资产 {wealth[segment_ahead]} 次。",
                "By segment {segment[reached]} ({segment[low]} to {segment[high]}), by wealth "
                "{wealth[reached]} ({wealth[low]} to {wealth[high]}): the intervals overlap, and "
                "one campaign cannot tell. In {n} banks segments are ahead of wealth in "
                "{wealth[segment_ahead]}.",
            ),
            "segments lead": (
                "曲线领先，但看色带：{segment[low]} 到 {segment[high]}，"
                "与按资产的 {wealth[low]} 到 {wealth[high]} 重叠。",
                "The line leads, but look at the band: {segment[low]} to {segment[high]} overlaps "
                "{wealth[low]} to {wealth[high]} of the list by wealth.",
            ),
            "age is enough": (
                "数一数电话：要找到一半的接受者，按年龄要打 {age[calls]} 个，按客群 "
                "{segment[calls]} 个，按资产 {wealth[calls]} 个。",
                "Count the calls: to find half of those who accept takes {age[calls]} by age, "
                "{segment[calls]} by segment, {wealth[calls]} by wealth.",
            ),
            "wealth": (
                "打两成电话，按资产找到 {wealth[reached]}，按客群 {segment[reached]}，"
                "区间重叠：这一次活动证明不了谁更好。",
                "With this part called, wealth finds {wealth[reached]} and segments "
                "{segment[reached]}, and the intervals overlap: this campaign does not prove "
                "either.",
            ),
        },
        right="cannot tell",
        wrong={"segments lead": "segment", "age is enough": "age", "wealth": "wealth"},
    ),
)
