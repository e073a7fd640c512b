# %% [markdown] lang="zh"
# # 07 比较：互联网银行与传统银行
#
# **目标**：能用一句话说出两类银行目标客群的差别，包括方向和大小；能决定推荐哪些客群，
# 并说出这个决定有多可靠。**时间**：25 分钟。
#
# | 词 | 英文 | 意思 |
# |---|---|---|
# | 目标客群 | target group | 一类银行想要的那些客群，合在一起 |
# | 效应量 | effect size | 两组之差，以标准差为单位 |
# | 区间 | interval | 换一批客户、重新分群，结果会落在什么范围 |
# | 门槛 | knock-out | 达不到就不考虑的标准 |
# | 决策矩阵 | decision matrix | 客群吸引力 × 银行竞争力 |
#
# 文章列出了互联网银行的目标客群，也描述了传统银行的客户。本章在**合成数据**上比较这两类人，
# 然后决定各家银行该服务谁。

# %% [markdown] lang="en"
# # 07 Internet bank against traditional bank
#
# **Goal**: you can say in one sentence how the target groups of the two kinds of bank differ, with
# direction and size; you can decide which segments to recommend, and say how sure that is.
# **Time**: 25 minutes.
#
# | word | in Chinese | meaning |
# |---|---|---|
# | target group | 目标客群 | the segments that one kind of bank wants, taken together |
# | effect size | 效应量 | the difference of two groups in standard deviations |
# | interval | 区间 | where a result lies with other customers, clustered again |
# | knock-out | 门槛 | a criterion that a segment must meet to be considered at all |
# | decision matrix | 决策矩阵 | how attractive a segment is × how strong the bank is there |
#
# The article lists target customers of internet banks and describes customers of traditional ones.
# This chapter compares the two groups in a **synthetic** bank, then decides whom each kind of bank
# should serve.

# %%
# %matplotlib inline
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

import kequn_lab as kq
from kequn_lab import catalogue, compare, plots, segments
from kequn_lab.workshop import check, evidence, explore, guess, sample

LANG = "en"
at, NAME = int(LANG == "en"), f"name_{LANG}"

# %% [markdown] lang="zh"
# ## 1 先把标准写下来
#
# 先看到客群、再挑目标，什么目标都能说出理由。所以标准（criteria）和权重（weights）要在分群**之前**
# 写好，并留下指纹（fingerprint）：以后改了一个字，指纹就不同。

# %% [markdown] lang="en"
# ## 1 Write the criteria down first
#
# Whoever chooses targets after seeing the segments can justify any of them. So the criteria and
# their weights are written down *before* anything is clustered, with a fingerprint: if one
# character changes later, the fingerprint is another one.

# %%
declared = compare.Criteria(catalogue.read("criteria"), catalogue.read("weights"))
print("SHA-256:", declared.sha256[:16])
wide = declared.weights.pivot_table("weight", "criterion_id", "bank_kind")
rows = declared.table.set_index("criterion_id")[[NAME, "role", "at_least", "basis"]].join(wide)
HEAD = {
    "zh": ["标准", "类型", "门槛", "依据", "互联网银行权重", "传统银行权重"],
    "en": ["criterion", "role", "at least", "basis", "weight, internet", "weight, traditional"],
}
rows.set_axis(HEAD[LANG], axis=1).set_index(HEAD[LANG][0]).astype(object).fillna("")

# %% [markdown] lang="zh"
# 每一行的依据都是 `assumption`（假设）：文章没有给客群排过名次。你可以改，但要改在前面。
#
# ## 2 猜：最大的差别是什么？

# %% [markdown] lang="en"
# The basis of every row is `assumption`: the article ranks no segment. You may change them, but
# change them now.
#
# ## 2 Guess: what is the largest difference?

# %%
guess("07.a", LANG)

# %%
result = kq.segment(**sample(), stability=0, quiet=True)
result.plot("comparison", language=LANG)
# %% [markdown] lang="zh"
# 蓝色表示互联网银行的客群更高，橙色表示传统银行的更高。横线是区间：重抽客户，**并且重新分群**，
# 因为换一批客户，客群的边界也会变。虚线以内（0.1）的差别可以忽略。
#
# 把图里的几行念成一句话，需要三样东西：两组的平均数、方向、大小。

# %% [markdown] lang="en"
# Blue: the internet banks' group has more; orange: the traditional banks' group. Lines are
# intervals: customers are drawn again *and clustered again*, since with other customers the
# borders of segments move, too. Within the dotted lines (0.1) a difference may be forgotten.
#
# To say a row of the picture in a sentence you need three things: the two means, the direction,
# the size.

# %%
comparison = result.comparison.set_index("variable")
columns = ["mean_a", "mean_b", "effect", "effect_low", "effect_high"]
wanted = ["age_years", "counter_share", "current_aum_share", "cards_count", "city_tier_rank"]
HEAD = {
    "zh": ["互联网银行均值", "传统银行均值", "效应量", "区间下限", "区间上限"],
    "en": ["mean, internet", "mean, traditional", "effect", "low", "high"],
}
comparison.loc[wanted, columns].set_axis(HEAD[LANG], axis=1).round(2)

# %% [markdown] lang="zh"
# ### 练习 07.1 填空：把差别说成一句话
#
# “与传统银行的目标客群相比，互联网银行的目标客群年龄更……，柜台业务占比更……，卡数更……。”
# 每个空填两个词：方向 `"higher"`（高）或 `"lower"`（低），大小 `"large"`（大，0.8 个标准差以上）
# 或 `"small"`（小）。这条界线是科恩（Cohen）的习惯说法。

# %% [markdown] lang="en"
# ### Exercise 07.1 Fill in: say the difference in a sentence
#
# “Compared with the group of traditional banks, the age of the internet banks' group is …, its
# share of events at the counter …, its number of cards … .” Two words for each: the direction,
# `"higher"` or `"lower"`, and the size, `"large"` (0.8 standard deviations or more, by Cohen's
# custom) or `"small"`.

# %% tags=["exercise"]
answer = {
    "age_years": (..., ...),
    "counter_share": (..., ...),
    "cards_count": (..., ...),
}
check("07.1", answer, LANG)

# %% tags=["solution"]
answer = {
    "age_years": ("lower", "large"),
    "counter_share": ("lower", "large"),
    "cards_count": ("higher", "small"),
}
check("07.1", answer, LANG)

# %% [markdown] lang="zh"
# ### 为什么没有 p 值？
#
# 表里没有 p 值。客群本来就是按这些列分出来的，所以两组在这些列上一定有差别，客户是什么样都一样。
# 拿纯噪声试一试：用 k 均值切成两半，再做检验。

# %% [markdown] lang="en"
# ### Why no p-values?
#
# There are none in the table. The groups were made from these columns, so they differ in them
# whatever the customers are like. Try it on pure noise, cut in two by k-means, then tested.

# %%
noise = pd.DataFrame(np.random.default_rng(0).normal(size=(2000, 6))).add_prefix("noise_")
halves = pd.Series(segments.KMeansSearch(2, random_state=0).fit(noise).labels_)
tested = compare.compare_groups(noise, halves, n_boot=0)
SAID = (
    "纯噪声的 {n} 列中，校正后 p < 0.05 的有 {found} 列",
    "of {n} columns of pure noise, {found} have an adjusted p below 0.05",
)
print(SAID[at].format(n=len(tested), found=(tested["p_adjusted"] < 0.05).sum()))

# %% [markdown] lang="zh"
# **解释**：“显著”的只是我们自己切的那一刀。所以看效应量和区间，不看 p 值。
#
# ## 3 猜：名字错了，比较还成立吗？
#
# 只有合成数据才知道每位客户真正的客群。按簇起的名字并不总对。那么上面的比较还可信吗？

# %% [markdown] lang="en"
# **Explained**: what is “significant” is the cut that we made ourselves. So look at effects and
# intervals, not at p-values.
#
# ## 3 Guess: does the comparison survive wrong names?
#
# Only with synthetic data is every customer's true segment known. Names of clusters are not always
# right. Can the comparison above be trusted, then?

# %%
guess("07.b", LANG)

# %%
names = evidence("07_names")
HEAD = {
    "zh": {"wrong_name": "客群名字错", "lost": "两边都不算", "wrong_side": "算到另一边",
           "correlation": "效应量相关系数", "other_sign": "变号的变量（合计）"},
    "en": {"wrong_name": "wrong segment", "lost": "in no group", "wrong_side": "on the wrong side",
           "correlation": "correlation of effects", "other_sign": "changed signs, all banks"},
}  # fmt: skip
READING = {"signatures": ("从特征签名起步", "start at signatures"), "search": ("搜索", "search")}
table = names.groupby("reading", sort=False)[list(HEAD[LANG])].mean()
table["other_sign"] = names.groupby("reading")["other_sign"].sum()
table.index = [READING[key][at] for key in table.index]
table.rename(columns=HEAD[LANG]).round(3)

# %% [markdown] lang="zh"
# 这张表由 `notebooks/evidence/07.py` 算出：许多家合成银行，每家用两种读法分群，
# 再分别按真实客群和按找到的名字比较两组。下面是第一家银行的每个变量，一个点是一个变量。

# %% [markdown] lang="en"
# The table was computed by `notebooks/evidence/07.py`: a number of synthetic banks, each clustered
# in two readings, the two groups compared by true segments and by the names found. Below is the
# first bank, one point per variable.

# %%
WORDS = {
    "zh": ("效应量：按真实客群", "效应量：按找到的名字"),
    "en": ("effect by true segments", "effect by the names found"),
}
with plots.style(LANG, synthetic=True):
    fig, ax = plt.subplots(figsize=(5.6, 4.6))
    ax.axline((0, 0), slope=1, color="0.7")
    for (key, part), color in zip(evidence("07_effects").groupby("reading"), ("C1", "C0")):
        label = READING[key][at]
        ax.scatter(part["by_truth"], part["by_names"], s=22, color=color, alpha=0.8, label=label)
    ax.set(xlabel=WORDS[LANG][0], ylabel=WORDS[LANG][1])
    ax.legend()

# %% [markdown] lang="zh"
# 点都在对角线附近。为什么错了这么多名字，比较却不变？看看每个真实客群的客户被算到了哪一边：

# %% [markdown] lang="en"
# The points lie along the diagonal. So many wrong names, and yet the same comparison: why? Look on
# which side the customers of each true segment were counted:

# %%
sides = evidence("07_sides").query("reading == 'search'")
GROUP = {
    "internet_bank": ("互联网银行", "internet bank"),
    "traditional_bank": ("传统银行", "traditional bank"),
    "neither": ("两边都不算", "neither"),
}
table = sides.pivot_table("customers", "true_segment", "group", fill_value=0).astype(int)
table = table[list(GROUP)].rename(columns={k: v[at] for k, v in GROUP.items()})
table.rename(index=catalogue.names("segments", language=LANG)).rename_axis(None)

# %% [markdown] lang="zh"
# **解释**：名字多半错在**同一组之内**，比如年轻人与中低收入者，两个都是互联网银行的目标。
# 有的簇没有名字，其中的客户就退出比较。真正算到另一边的很少。所以**比较经得起名字出错**：
# 说“互联网银行的客群更年轻、少去柜台”，比说“这位客户是个体户”可靠得多。
#
# 也要看到代价：退出比较的不是随便哪些人，往往是整个客群（第 04b 章）。

# %% [markdown] lang="en"
# **Explained**: most wrong names are wrong *within a group*: young adults and low incomes, for
# example, are both targets of internet banks. Some clusters have no name, and their customers drop
# out. Very few are counted on the other side. So **the comparison survives wrong names**: “the
# internet banks' group is younger and rarely at the counter” is much safer to say than “this
# customer is a sole proprietor”.
#
# Mind the price, too: those who drop out are no random customers, but often a whole segment
# (chapter 04b).

# %% [markdown] lang="zh"
# ## 4 决策：该服务谁？
#
# 比较说的是两组人有什么不同。决策还要问：每个客群有多吸引人，银行在那里有多强，**有多可靠**？
# 先猜，再看图。

# %% [markdown] lang="en"
# ## 4 Decide: whom to serve?
#
# The comparison says how two groups differ. A decision asks more: how attractive is each segment,
# how strong is the bank there, and **how sure is that**? Guess first, then look.

# %%
guess("07.c", LANG)

# %%
facts, targets = evidence("07_facts"), evidence("07_targets")
count = targets.pivot_table(
    "bank", ["bank_kind", "segment_id"], "reading", aggfunc="count", fill_value=0
)
banks = facts["banks"][1] + 1
decision = result.decision.join(
    (count["signatures"] / banks).rename("target_share_banks"), on=["bank_kind", "segment_id"]
)
with result.styled(LANG):
    plots.decision_plot(decision.fillna({"target_share_banks": 0}))

# %% [markdown] lang="zh"
# 每个名字后面有三个百分比：换权重、换客户（重新分群）、换银行之后，这个客群仍是目标的比例。
# 决策不会比它所依据的客群更可靠。三个数都高，才算站得住；有一个低，就要说出来。
#
# 换一种读法又如何？下表数的是：同样这些银行，两种读法，每个客群各入选了几次。

# %% [markdown] lang="en"
# Behind each name are three percentages: how often the segment is still a target with other
# weights, with other customers (clustered again), and in other banks. No decision is surer than
# the segments it rests on. All three high: firm. One low: say so.
#
# And in another reading? The table counts, over the same banks in both readings, how often each
# segment is a target.

# %%
shown = count.loc["internet_bank"].rename(columns={k: v[at] for k, v in READING.items()})
shown = shown.rename_axis(columns=None)
known = catalogue.names("segments", language=LANG)
shown["id"] = shown.index
shown.index = [known.get(i, ("没有名字的簇", "a cluster without a name")[at]) for i in shown.index]
SAID = (
    "每种读法各 {n} 家银行；没有名字的簇在 {a} 次分群中入选，得到推荐 {b} 次",
    "{n} banks in each reading; a nameless cluster is a target in {a} runs, recommended in {b}",
)
again = (facts["nameless_runs"], facts["nameless_recommended"])
print(SAID[at].format(n=banks, a=again[0], b=again[1]))
shown

# %% [markdown] lang="zh"
# 没有名字的簇得分再高也不推荐：谁也不知道那是谁（`recommended` 一列）。
#
# ### 练习 07.2 决定：向行长推荐谁？
#
# 为互联网银行列出**每一次**（两种读法、每家银行）都入选的客群，写 `id` 一列里的名字，
# 例如 `["elderly", "young_adult"]`。

# %% [markdown] lang="en"
# A cluster without a name is not recommended, whatever its score: nobody knows who that is (the
# column `recommended`).
#
# ### Exercise 07.2 Decide: whom do you recommend to your director?
#
# For the internet bank, list the segments that are a target **every** time: in each bank, in both
# readings. Write what stands in the column `id`, for example `["elderly", "young_adult"]`.

# %% tags=["exercise"]
answer = [...]
check("07.2", answer, LANG)

# %% tags=["solution"]
always = (count.loc["internet_bank"] == banks).all(axis=1)
answer = list(always[always].index)
check("07.2", answer, LANG)

# %% [markdown] lang="zh"
# ## 5 改一个权重
#
# 不同意这些权重？改一个，其余按比例缩放。下面改的是互联网银行对“规模”的权重：

# %% [markdown] lang="en"
# ## 5 Change one weight
#
# You disagree with a weight? Change it; the others are scaled. Here it is the internet bank's
# weight of size:

# %%
segment = result.labels.set_index("customer_id")["segment_id"]
values = compare.segment_values(result.features, segment, declared.table)


def targets_with(criterion, weight):
    new = declared.weights.merge(declared.table[["criterion_id", "axis", "role"]])
    mine = (new["bank_kind"] == "internet_bank") & (new["role"] == "score")
    mine &= new["axis"] == new.loc[new["criterion_id"] == criterion, "axis"].iloc[0]
    one = mine & (new["criterion_id"] == criterion)
    new.loc[mine & ~one, "weight"] *= (1 - weight) / new.loc[mine & ~one, "weight"].sum()
    new.loc[one, "weight"] = weight
    new["weight"] = new["weight"].round(9)
    changed = compare.Criteria(declared.table, new[declared.weights.columns])
    return compare.attractiveness_matrix(values, changed, declared_sha256=declared.sha256)


# %%
sets = {}
for weight in (0.05, 0.20, 0.35, 0.50, 0.65):
    rows = targets_with("size", weight).query("bank_kind == 'internet_bank' and target")
    sets[weight] = [*rows["segment_id"].map(known), rows["declared"].iloc[0]]
HEAD = {
    "zh": ["第一", "第二", "第三", "是否事先声明"],
    "en": ["first", "second", "third", "declared"],
}
pd.DataFrame(sets, index=HEAD[LANG]).T.rename_axis(("规模的权重", "weight of size")[at])

# %% [markdown] lang="zh"
# **解释**：中间一行是事先声明的权重。权重改得够多，目标就换人。改权重是允许的，但表里会写
# `changed since`（声明之后改过）：读报告的人看得见。
#
# 你来试：换银行、换标准、移动权重，看目标什么时候换人。

# %% [markdown] lang="en"
# **Explained**: the middle row is the weight that was declared. Change it far enough, and the
# targets are others. Changing a weight is allowed, and the table says `changed since`: whoever
# reads the report sees it.
#
# Try it: take another bank, another criterion, move its weight, and see when a target changes.

# %%
explore("weights", result, language=LANG)

# %% [markdown] lang="zh"
# ## 6 九家银行
#
# 文章提到的九家银行对各客群。颜色是按合成客户和可改的假设算出的契合度；记号是文章的说法
# （● 明说，○ 我们的理解，△ 文章指出的不足）。两者互不影响。

# %% [markdown] lang="en"
# ## 6 Nine banks
#
# The article's nine banks against the segments. Colour: a fit computed from synthetic customers
# and assumptions that you can edit. Marks: what the article says (● stated, ○ our reading, △ a gap
# that it states). Neither enters the other.

# %%
fit = compare.target_fit(
    result.features, segment, catalogue.read("bank_focus"), catalogue.read("bank_channels")
)
with result.styled(LANG):
    plots.fit_plot(fit, names=catalogue.read("banks"))

# %% [markdown] lang="zh"
# **解释**：契合度只看渠道。渠道相同的银行，各行也相同：关于它们，文章没有说更多。
#
# ## 带走三句话
#
# 1. 先写标准，再看客群；改了要看得见。
# 2. 比较经得起名字出错，单个客户的名字经不起。
# 3. 目标有多可靠，要看换权重、换客户、换银行之后还在不在；只推荐一直都在的。
#
# ## 延伸阅读
#
# - Austin (2009), Statistics in Medicine 28:3083：标准化差异，0.1 以内可忽略。
# - Cohen (1988), Statistical Power Analysis for the Behavioral Sciences：大、中、小的习惯界线。
# - Dolnicar, Grün & Leisch (2018), Market Segmentation Analysis，第 2、8 步：先定标准，再选目标。

# %% [markdown] lang="en"
# **Explained**: the fit knows a bank by its channels only. Banks with the same channels have the
# same row: the article says no more about them.
#
# ## Three things to take away
#
# 1. Criteria first, segments second; a later change must be seen.
# 2. A comparison of groups survives wrong names; one customer's name does not.
# 3. How sure a target is shows when weights, customers and banks are drawn again. Recommend what
#    is there every time.
#
# ## Further reading
#
# - Austin (2009), Statistics in Medicine 28:3083: standardised differences, negligible below 0.1.
# - Cohen (1988), Statistical Power Analysis for the Behavioral Sciences: what is called large.
# - Dolnicar, Grün & Leisch (2018), Market Segmentation Analysis, steps 2 and 8: criteria first,
#   then targets.

# %% [markdown] lang="zh"
# ## 这一章没有说明什么
#
# - 不是说文中的哪家银行应该服务谁：客户是**合成**的，权重和门槛是假设，文章没有报告任何做法的结果。
# - “传统银行的目标是老年客群和结构性存款客群”是**我们的理解**；文章只说他们是银行的客户。
# - 各组的大小是教学用的设定，不是市场份额。
# - 这些银行都出自同一个生成器：它们之间的差别，比真实银行之间的小。
#
# 下一章：[08 产品：给谁、什么、在哪里](08_products.ipynb)

# %% [markdown] lang="en"
# ## What this does not show
#
# - Not that any bank named here should serve anybody: the customers are **synthetic**, weights and
#   thresholds are assumptions, and the article reports no result of any action.
# - That traditional banks aim at the elderly and at structured-deposit customers is *our reading*;
#   the article says that they are banks' customers, and no more.
# - Sizes of the groups are set for teaching; they are no market shares.
# - The banks all come from one generator: they differ less than real banks do.
#
# Next: [08 Who gets what, where](08_products.ipynb)
