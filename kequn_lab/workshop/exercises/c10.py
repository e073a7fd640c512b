"""Questions of the quiz that ends the course: one letter each, and a reason for every letter."""

from kequn_lab.workshop.exercises import Exercise, Texts

__all__: list[str] = []


def _question(number: int, kind: str, goal: Texts, right: str, reasons: dict[str, Texts]):
    """One of three letters is right; the others have their hints."""
    hints = {("right" if letter == right else letter): said for letter, said in reasons.items()}
    outcome = {letter: letter for letter in reasons} | {right: "right"}
    return Exercise(
        f"10.{number}",
        kind=kind,
        goal=goal,
        judge=lambda answer, facts: outcome[answer.strip(" .)").lower()],
        hints=hints,
        right=right,
        wrong={letter: letter for letter in reasons if letter != right},
    )


EXERCISES = (
    _question(
        1,
        "decide",
        ("知道哪些数字来自文章", "Know which numbers are the article's"),
        "c",
        {
            "a": (
                "文章没有给出任何客群的年龄；这个数字是从合成银行算出来的。",
                "The article gives no age of any group; this one comes from a synthetic bank.",
            ),
            "b": (
                "文章只说老年人依赖柜台，没有给出占比；占比是算出来的。",
                "It says that the elderly rely on the counter; the share is computed.",
            ),
            "c": (
                "八类是文章点的名；数据并没有选出这个数目。",
                "The article names eight. No data chose that number.",
            ),
        },
    ),
    _question(
        2,
        "decide",
        ("向上级汇报时不越界", "Say no more to a director than was shown"),
        "a",
        {
            "a": (
                "合成数据只能检验方法，不能说明贵行。",
                "Synthetic data test a method. They say nothing about your bank.",
            ),
            "b": (
                "“我们的客户”一个也不在数据里。谁写的生成器，这句话就是谁说的。",
                "None of our customers is in the data. Whoever wrote the generator said that.",
            ),
            "c": (
                "八是文章的数目，没有在我们的客户上检验过。",
                "Eight is the article's number and was not tested on our customers.",
            ),
        },
    ),
    _question(
        3,
        "explain",
        ("知道什么会改变结论", "Know what would change a conclusion"),
        "b",
        {
            "a": (
                "更多的合成客户，还是同一个人写的。",
                "More synthetic customers come from the same author.",
            ),
            "b": (
                "数据、重复、行内的知识，缺一样都不够。",
                "Data, repetition and knowledge of the customers: none of them is enough alone.",
            ),
            "c": (
                "k-means 要几个给几个；多分几个不是证据。",
                "k-means returns as many as it is asked for; more of them is no evidence.",
            ),
        },
    ),
    _question(
        4,
        "decide",
        ("处理起点的运气", "Deal with the luck of a start"),
        "b",
        {
            "a": (
                "惯量说簇有多紧，不说有多真（第 04 章）。",
                "Inertia says how tight clusters are, not how true (chapter 04).",
            ),
            "b": (
                "别人用另一个种子也能得到同样的结果，才可以核对。",
                "Then others get the same with another seed, and can check it.",
            ),
            "c": (
                "簇的编号没有含义，分群不能取平均。",
                "Numbers of clusters mean nothing; segments cannot be averaged.",
            ),
        },
    ),
    _question(
        5,
        "decide",
        ("找回丢失的客群", "Find a lost segment"),
        "c",
        {
            "a": (
                "在小银行里，k 加大几个仍然没有它（第 04b 章）。",
                "In the small bank it is still missing with several more (chapter 04b).",
            ),
            "b": (
                "簇里多半是别的客户，改名之后丢的是另一个。",
                "Most customers of that cluster are others; after renaming another one is lost.",
            ),
            "c": (
                "一个业务决定，比更多的簇更有用。",
                "One decision of the bank does more than more clusters.",
            ),
        },
    ),
    _question(
        6,
        "explain",
        ("区分稳定与真实", "Tell stable from real"),
        "a",
        {
            "a": (
                "没有客群的数据也会稳定；高出它的部分才算数（第 05 章）。",
                "Data without segments can be stable, too; what counts is the rest (chapter 05).",
            ),
            "b": (
                "一刀切开一团数据，每次都切在同一处，也很稳定。",
                "One cloud that is always cut at the same place is stable, too.",
            ),
            "c": ("没有客群的数据也有肘部。", "Data without segments have an elbow, too."),
        },
    ),
    _question(
        7,
        "explain",
        ("读懂簇的名称", "Read the name of a cluster"),
        "b",
        {
            "a": ("簇里总有别的客户；请数一数。", "There are always others in it; count them."),
            "b": (
                "名称说的是中心，而且预期大多是假设。",
                "A name speaks of the centre, and most of what is expected is an assumption.",
            ),
            "c": ("文章没有给出任何客户的数据。", "The article holds no data on any customer."),
        },
    ),
    _question(
        8,
        "decide",
        ("区分显著与重要", "Tell significant from large"),
        "c",
        {
            "a": (
                "客户多时，很小的差别也显著。",
                "With many customers a tiny difference is significant.",
            ),
            "b": (
                "显著与否取决于客户数，不只取决于差别。",
                "That depends on the number of customers, not on the difference alone.",
            ),
            "c": (
                "大小用效应量说，把握用区间说（第 07 章）。",
                "The effect size says how large, the interval how sure (chapter 07).",
            ),
        },
    ),
    _question(
        9,
        "decide",
        ("带着不确定做决定", "Decide with doubt"),
        "a",
        {
            "a": (
                "决定的不确定性包括分群本身。",
                "The clusters are part of the doubt of a decision.",
            ),
            "b": (
                "换一批客户就不成立的推荐，钱会花错。",
                "A recommendation that fails with other customers spends money wrongly.",
            ),
            "c": ("删掉的，读者就无从判断。", "Then readers cannot judge."),
        },
    ),
    _question(
        10,
        "decide",
        ("知道谁真的变了", "Know who has really changed"),
        "b",
        {
            "a": ("有些人没有变，变的是模型。", "Some have not changed: the model has."),
            "b": (
                "用同一个模型给两个月打标签，差别才是行为（第 09 章）。",
                "Label both months by one model: what differs then is behaviour (chapter 09).",
            ),
            "c": ("真的变了的人里可能正有需要。", "Some who really changed may need something."),
        },
    ),
)
