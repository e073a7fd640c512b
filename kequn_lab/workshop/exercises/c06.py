"""Questions of chapter 06."""

from kequn_lab import catalogue
from kequn_lab.workshop.exercises import Exercise, Guess

__all__: list[str] = []


def _judge_name(answer, facts):
    chosen = [answer] if isinstance(answer, str) else list(answer)
    names = catalogue.segments()
    if {facts["nearest"], facts["nearest_zh"], facts["nearest_en"]} & set(chosen):
        return "nearest name"
    if set(chosen) & {s for column in ("segment_id", "name_zh", "name_en") for s in names[column]}:
        return "another name"
    if len(set(chosen)) != facts["features"]:
        return "how many"
    return "right" if set(chosen) <= set(facts["marks"]) else "no mark"


def _judge_wrong(answer, facts):
    key = {facts["wrong"]: "right", facts["least"]: "similarity"}
    return key.get(answer, "other")


EXERCISES = (
    Guess(
        "06.a",
        (
            "最好的两个坐标轴，能装下全部变量多少方差？",
            "How much of the variance of all variables do the best two axes hold?",
        ),
        (
            ("九成以上", "nine tenths or more"),
            ("一半到九成", "half to nine tenths"),
            ("不到一半", "less than half"),
        ),
    ),
    Guess(
        "06.b",
        (
            "有个簇没有名字。其中真正属于最相近那个文章客群的客户，占多少？",
            "A cluster has no name. How many of its customers are of the nearest named segment?",
        ),
        (
            ("大多数", "most"),
            ("一半左右", "about half"),
            ("三分之一以下", "a third or less"),
        ),
    ),
    Guess(
        "06.c",
        (
            "每个客群的特征签名去掉最强的一行，会有几个簇改名？",
            "Each signature loses its strongest line. How many clusters change their names?",
        ),
        (("没有", "none"), ("一两个", "one or two"), ("一半以上", "more than half")),
    ),
    Exercise(
        "06.1",
        kind="explain",
        goal=(
            "用三个特征给一个簇起名",
            "Name a cluster by three features",
        ),
        judge=_judge_name,
        hints={
            "right": (
                "三个特征都在前 {top} 个标志变量里。这样的名字说的是数据，不是愿望。",
                "All three are among its first {top} marks. Such a name says what the data say, "
                "not what was hoped for.",
            ),
            "nearest name": (
                "最相近的文章客群是{nearest_zh}，但这个簇里只有 {nearest_share} 的客户真正属于它。"
                "请写特征，不写文章里的名字。",
                "The article's nearest segment is {nearest_en}, but only {nearest_share} of the "
                "customers in this cluster truly are of it. Give features, not the article's name.",
            ),
            "another name": (
                "这是文章里的名字，而这个簇与任何一个特征签名都不够像。请写特征。",
                "That is a name of the article's, and this cluster resembles none of the "
                "signatures enough. Give features.",
            ),
            "how many": (
                "请给 {features} 个不同的特征。",
                "Give {features} different features.",
            ),
            "no mark": (
                "其中有的特征不在前 {top} 个标志变量里：这个簇在它上面与其他客户差别不大。",
                "One of these is not among the first {top} marks: in it the cluster differs little "
                "from the others.",
            ),
        },
        right=["consumer_loan_cny", "counter_minutes_per_visit", "loan_event_share"],
        wrong={
            "nearest name": lambda facts: facts["nearest_en"],
            "another name": ["elderly", "age_years", "counter_share"],
            "how many": ["loan_event_share"],
            "no mark": ["loan_event_share", "weekend_share", "city_tier_rank"],
        },
    ),
    Exercise(
        "06.2",
        kind="decide",
        goal=(
            "名字像，不等于人对：找出名不副实的簇",
            "A similar centre is no proof: find the name that fits the minority",
        ),
        judge=_judge_wrong,
        hints={
            "right": (
                "相似度 {wrong_similarity}，看上去很好；但只有 {wrong_purity} 的客户名副其实，"
                "多数是{majority_zh}。",
                "Similarity {wrong_similarity} looks good, but only {wrong_purity} of its people "
                "are what the name says; most are {majority_en}.",
            ),
            "similarity": (
                "{least_zh}的相似度最低（{least_similarity}），但 {least_purity} 的客户名副其实。"
                "相似度说的是中心，不是客户。请看纯度。",
                "The similarity of {least_en} is the lowest ({least_similarity}), but "
                "{least_purity} of its customers are what the name says. Similarity speaks of the "
                "centre, not of customers: look at the purity.",
            ),
            "other": (
                "这个簇里多数客户名副其实。找纯度不到一半、却有名字的簇。",
                "Most customers of this one are what the name says. Look for a named cluster whose "
                "purity is below one half.",
            ),
        },
        right=lambda facts: facts["wrong"],
        wrong={"similarity": lambda facts: facts["least"], "other": "elderly"},
    ),
)
