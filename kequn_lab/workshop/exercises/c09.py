"""Questions of chapter 09."""

from kequn_lab.workshop.exercises import Exercise, Guess

__all__: list[str] = []

#: Customers on a border may fall to either side on another machine: answers that share this part
#: of their union are the same answer.
SAME = 0.9


def _alike(answer: set, wanted) -> bool:
    wanted = set(wanted)
    return len(answer & wanted) >= SAME * len(answer | wanted)


def _judge_letters(answer, facts):
    given = {str(a) for a in answer}
    behaviour, model, both = (facts[key] for key in ("behaviour", "model", "both"))
    if _alike(given, behaviour):
        return "right"
    if 2 * len(given & {*behaviour, *model, *both}) < len(given):
        return "float"
    if _alike(given, [*behaviour, *model, *both]):
        return "all"
    return "both" if _alike(given, [*behaviour, *both]) else "model"


def _judge_unit(answer, facts):
    return {"correct the input": "right", "refit": "refit"}.get(answer, "ignore")


EXERCISES = (
    Guess(
        "09.a",
        (
            "把十八位账号当作数字读入，还有多少客户有自己独有的号码？",
            "Account numbers of 18 digits are read as numbers. How many customers keep one of "
            "their own?",
        ),
        (
            ("全部", "all"),
            ("大约一半", "about half"),
            ("几乎没有", "hardly any"),
        ),
    ),
    Guess(
        "09.b",
        (
            "同一个模型，一个月之后，有多少老客户换了客群？",
            "The same model, a month later: how many of the same customers have another segment?",
        ),
        (
            ("没有", "none"),
            ("百分之几", "a few per cent"),
            ("五分之一以上", "a fifth or more"),
        ),
    ),
    Exercise(
        "09.1",
        kind="decide",
        goal=(
            "只给自己变了的客户写信，不给被模型换了客群的客户写",
            "Write to customers who changed, not to those whom a new model put elsewhere",
        ),
        judge=_judge_letters,
        hints={
            "right": (
                "{n_behaviour} 位客户的行为变了，两个模型看法一致；{n_model} 位什么也没做，"
                "是新模型划法不同。",
                "{n_behaviour} customers behave differently, and both models say so; {n_model} did "
                "nothing: the new model cuts differently.",
            ),
            "all": (
                "换了客群的 {n_moved} 位里，有 {n_model} 位只是因为换了模型。他们什么也没做，"
                "收到信会莫名其妙。",
                "Of the {n_moved} who moved, {n_model} did so only because the model is another. "
                "They did nothing, and would not know what the letter means.",
            ),
            "both": (
                "有 {n_both} 位，旧模型和新模型对他们现在属于哪个客群说法不一：先别写。",
                "On {n_both} of these the old and the new model disagree where they are now: do "
                "not write yet.",
            ),
            "float": (
                "这些账号一个也不在名单里：按数字读过，末几位变了，例如 {example} 成了 "
                "{example_float}。账号要一直当作文字。",
                "None of these accounts is on the list: read as numbers, their last digits differ, "
                "{example} became {example_float}. Keep ids as text.",
            ),
            "model": (
                "这里有些客户在旧模型里没有变动。先看 before 与 old_model 是否不同，"
                "再看 old_model 与 new_model 是否相同。",
                "Some of these did not move under the old model. First, before and old_model "
                "differ; second, old_model and new_model agree.",
            ),
        },
        right=lambda facts: facts["behaviour"],
        wrong={
            "all": lambda facts: [*facts["behaviour"], *facts["model"], *facts["both"]],
            "both": lambda facts: [*facts["behaviour"], *facts["both"]],
            "float": lambda facts: [f"{float(a):.0f}" for a in facts["behaviour"]],
            "model": lambda facts: facts["model"],
        },
    ),
    Exercise(
        "09.2",
        kind="decide",
        goal=(
            "单位错了，改数据，不改模型",
            "A wrong unit is corrected in the data, not in the model",
        ),
        judge=_judge_unit,
        hints={
            "right": (
                "乘以 {fen_factor:g} 就对了。重新拟合会把错误固定在模型里。",
                "Multiply by {fen_factor:g}. A refit would build the mistake into the model.",
            ),
            "refit": (
                "群体稳定性指数 {fen_psi}，并非客户变了：是金额换了单位。看表的最后一列。",
                "A PSI of {fen_psi} is no change of customers: amounts came in another unit. Look "
                "at the last column of the table.",
            ),
            "ignore": (
                "不能不管：照这样打标签，{fen_moved} 的客户会换客群。",
                "It cannot be left alone: labelled so, {fen_moved} of the customers get another "
                "segment.",
            ),
        },
        right="correct the input",
        wrong={"refit": "refit", "ignore": "ignore"},
    ),
)
