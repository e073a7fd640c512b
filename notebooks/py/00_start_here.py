# %% [markdown] lang="zh"
# # 00 从这里开始
#
# **目标**：用一句话和一张图说出这次分群的发现，并说出它的局限。
#
# **时间**：20 分钟。
#
# **词汇**：客群（segment）、簇（cluster）、目标客群（target group）、
# 标准差（standard deviation）、区间（interval）、标签（label）
#
# 客群实验室（kequn_lab）把相似的银行客户分在一起，给每一群起名，
# 再比较互联网银行与传统银行各自看重的客户。本章用几个单元格走完**全程**，
# 后面各章再把每一步慢慢走一遍。
#
# 本课程的客户全部是**合成数据**：按写明的假设随机生成，所以真实客群是已知的，
# 也不涉及任何人的资料。

# %% [markdown] lang="en"
# # 00 Start here
#
# **Goal**: say in one sentence, with one picture, what this segmentation finds, and where it ends.
#
# **Time**: 20 minutes.
#
# **Words**: segment (客群), cluster (簇), target group (目标客群), standard deviation (标准差),
# interval (区间), label (标签)
#
# kequn_lab puts bank customers who resemble each other into groups, names the groups, and compares
# the customers that internet banks want with those of traditional banks. This chapter goes the
# **whole way** in a few cells; the chapters after it take each step slowly.
#
# All customers in this course are **synthetic**: drawn from written-down assumptions, so that the
# true segments are known and nobody's data are shared.

# %%
# %matplotlib inline
from pathlib import Path
from tempfile import mkdtemp

import pandas as pd

import kequn_lab as kq
from kequn_lab import catalogue, features
from kequn_lab.workshop import check, evidence, guess, sample, true_segments

LANG = "en"
pd.set_option("display.max_colwidth", None)

# %% [markdown] lang="zh"
# ## 1 数据与猜测
#
# 一家小银行：`table` 是一年的交易流水，`customers` 是客户，`holdings` 是持有的产品，
# `as_of` 是统计截止日。

# %% [markdown] lang="en"
# ## 1 Data, and a guess
#
# A small bank: `table` holds a year of transactions, `customers` the customers, `holdings` what
# they own, `as_of` is the day on which we look back.

# %%
data = sample()
list(data)

# %% [markdown] lang="zh"
# 工具箱依据的是一篇谈银行客群经营的文章，文章点了八类客户的名：

# %% [markdown] lang="en"
# The kit starts from an article on how banks run their customer groups. It names eight of them:

# %%
catalogue.names(language=LANG).to_frame({"zh": "客群", "en": "segment"}[LANG])

# %% [markdown] lang="zh"
# k 均值算法马上要把客户分成八个簇。它不知道这些名称，也不知道哪位客户属于哪一类。分完之后，
# 工具箱才给簇起名：一个簇的平均水平接近某类客户的描述，就用那个名称；都不像，
# 就按它最突出的特点称呼。

# %% [markdown] lang="en"
# The k-means algorithm will now make eight clusters. It knows neither these names nor which
# customer belongs where. Names come afterwards: a cluster whose averages are close to the
# description of a segment gets its name; one that fits none is called by its strongest marks.

# %%
guess("00.a", LANG)

# %% [markdown] lang="zh"
# ## 2 分群
#
# 一次调用走完全程。`start="search"` 让数据自己说话：从许多起点出发，
# 保留惯量（簇内平方和）最低的结果。`stability=0` 表示暂不检验稳定性（第 05 章）。

# %% [markdown] lang="en"
# ## 2 Clusters
#
# One call goes the whole way. `start="search"` lets the data speak for themselves: many starts,
# and the result of the lowest inertia (sum of squares within clusters) is kept. `stability=0`
# leaves out whether the segments are stable (chapter 05).

# %%
result = kq.segment(**data, start="search", stability=0, quiet=True)
print(result.summary(language=LANG))

# %% [markdown] lang="zh"
# 各簇有多大？线段是 95% 区间：从同一家银行换一批客户，条形会在这个范围内变动。

# %% [markdown] lang="en"
# How large are they? The lines are 95 % intervals: other customers of the same bank would move the
# bars within them.

# %%
ax = result.plot("sizes", language=LANG)

# %% [markdown] lang="zh"
# 簇里是些什么人？下表列出每个簇与其他客户相差最大的一项。

# %% [markdown] lang="en"
# Who is in them? The table gives for each the variable in which it differs most from all others.

# %%
marks = result.cards.query("part == 'mark'").drop_duplicates("segment_id")
heading = {"zh": "最突出的特点", "en": "strongest mark"}[LANG]
marks.set_index(f"name_{LANG}")[f"text_{LANG}"].to_frame(heading).rename_axis(None)

# %% [markdown] lang="zh"
# ## 3 八类都找到了吗？
#
# **练习 00.1**（判断）：文章的八类客户里，哪些**没有自己的簇**？把 `segment_id` 写成列表，
# 例如 `["elderly"]`；编号在第 1 节的表里。

# %% [markdown] lang="en"
# ## 3 Were all eight found?
#
# **Exercise 00.1** (decide): which of the article's eight have **no cluster of their own**? Write
# a list of `segment_id`, such as `["elderly"]`; the ids are in the table of section 1.

# %% tags=["exercise"]
missing = ...
check("00.1", missing, LANG)

# %% tags=["solution"]
missing = result.nameless_segments["segment_id"].tolist()
check("00.1", missing, LANG)

# %% [markdown] lang="zh"
# 那么这些客户到哪里去了？客户是合成的，所以可以查：把每位客户的簇与其真实客群对照。

# %% [markdown] lang="en"
# Where did these customers go, then? As they are synthetic we can look: the cluster of each
# customer beside the true segment.

# %%
SHARED = {
    "zh": "“{lost}”共 {all} 人，其中 {there} 人落在名为“{name}”的簇里。该簇共 {size} 人，"
    "真正属于“{name}”的只有 {fits} 人（{share:.0%}）。",
    "en": "{lost}: {there} of its {all} customers are in the cluster named “{name}”. Of that "
    "cluster's {size} customers only {fits} ({share:.0%}) truly are what the name says.",
}
who = result.labels.merge(true_segments(), on="customer_id", suffixes=("", "_true"))
NAMES = catalogue.names(language=LANG)

# %%
for lost in result.nameless_segments["segment_id"]:
    own = who[who["segment_id_true"] == lost]
    there = own["segment_id"].mode()[0]
    inside = who.loc[who["segment_id"] == there, "segment_id_true"].value_counts()
    counts = {"all": len(own), "there": inside[lost], "fits": inside[there], "size": inside.sum()}
    share = inside[there] / inside.sum()
    print(SHARED[LANG].format(lost=NAMES[lost], name=NAMES[there], share=share, **counts))

# %% [markdown] lang="zh"
# **解释**：两类企业合成了一个簇，而这个簇的名称只适合**少数**。起名看的是平均水平，
# 平均水平看不出里面装着两类客户。没有真实客群可对照的银行，只会看到一个名称很体面的簇。
# 第 04b 章专门去找这个失踪的客群。
#
# 工具箱还有另一种分法（默认的 `start="auto"`）：从描述中的位置出发再做 k 均值。
# 两种分法在这家银行上的比较：

# %% [markdown] lang="en"
# **Explain.** Two kinds of firms became one cluster, and its name fits the **minority**. A name is
# given by averages, and averages do not show that two kinds of customers are inside. A bank that
# cannot look up the truth sees one cluster with a respectable name. Chapter 04b goes after the
# lost segment.
#
# The kit has another reading (the default, `start="auto"`): k-means that starts where the
# descriptions expect the segments. Both on this bank:

# %%
facts = evidence("00_facts")
READING = {
    "zh": "{start}：八个簇中 {named} 个得到文章的名称，与真实客群的调整兰德指数 {ari:.2f}",
    "en": "{start}: {named} of 8 clusters get a name of the article; adjusted Rand index with "
    "the true segments {ari:.2f}",
}
for start in ("search", "auto"):
    print(READING[LANG].format(start=start, **facts["readings"][start]))

# %% [markdown] lang="zh"
# 这不算发现：描述和这家合成银行出自同一批人之手（第 02 章）。真实的银行没有这样的保证。

# %% [markdown] lang="en"
# That is no discovery: the same people wrote the descriptions and this synthetic bank (chapter 02).
# A real bank comes with no such promise.

# %% [markdown] lang="zh"
# ## 4 一句话的发现
#
# 互联网银行的目标客群与传统银行的目标客群相比，哪些变量差得最多？

# %% [markdown] lang="en"
# ## 4 The finding in one sentence
#
# The target group of internet banks against that of traditional banks: in which variables do they
# differ most?

# %%
guess("00.b", LANG)

# %%
ax = result.plot("comparison", language=LANG)

# %% [markdown] lang="zh"
# 点在零线右边，互联网银行一组更高；在左边，传统银行一组更高。单位是标准差，线段是 95% 区间。
#
# **练习 00.2**（填空）：写出差得最多的**三个**变量，用下表左边的变量名。下表按字母排列，
# 两列是两组的平均值（a 互联网银行，b 传统银行）。

# %% [markdown] lang="en"
# A dot right of zero: the internet banks' group has more; left: the traditional banks'. The unit
# is the standard deviation, lines are 95 % intervals.
#
# **Exercise 00.2** (fill in): write the **three** variables with the largest difference, by the
# names at the left of the table below. It is in alphabetical order and gives the means of both
# groups (a internet banks, b traditional banks).

# %%
words = features.feature_dictionary().set_index("feature")[f"meaning_{LANG}"]
means = result.comparison.head(8).set_index("variable")[["mean_a", "mean_b"]].round(2)
means.insert(0, {"zh": "含义", "en": "meaning"}[LANG], words)
means.sort_index()

# %% tags=["exercise"]
top3 = [..., ..., ...]
check("00.2", top3, LANG)

# %% tags=["solution"]
top3 = result.comparison["variable"].head(3).tolist()
check("00.2", top3, LANG)

# %% [markdown] lang="zh"
# 这句话由代码写出，数字不是抄上去的：

# %% [markdown] lang="en"
# The sentence is written by code; no number in it is typed:

# %%
SENTENCE = {
    "zh": "在这家合成银行里，互联网银行的目标客群平均 {age_years_a} 岁，"
    "传统银行的平均 {age_years_b} 岁；柜台交易占 {counter_share_a}，对 {counter_share_b}；"
    "资产中活期占 {current_aum_share_a}，对 {current_aum_share_b}。",
    "en": "In this synthetic bank the internet banks' group averages {age_years_a} years against "
    "{age_years_b}, does {counter_share_a} against {counter_share_b} of its transactions at the "
    "counter, and keeps {current_aum_share_a} against {current_aum_share_b} of its money on "
    "demand.",
}

# %%
rows, told = result.comparison.set_index("variable"), {}
for name in ("age_years", "counter_share", "current_aum_share"):
    for group in ("a", "b"):
        value = rows.loc[name, f"mean_{group}"]
        told[f"{name}_{group}"] = f"{value:.0%}" if name.endswith("share") else f"{value:.0f}"
print(SENTENCE[LANG].format(**told))

# %% [markdown] lang="zh"
# **解释**：哪些客群算哪一组，一部分是文章说的，一部分是我们的解读（第 01 章）。
# 而且有些簇不在任何一组里：

# %% [markdown] lang="en"
# **Explain.** Which segments make up which group is partly the article's word and partly our
# reading of it (chapter 01). And some clusters are in neither group:

# %%
apart = result.groups.query("target_group == 'no group'").merge(result.names, on="segment_id")
for row in apart.itertuples():
    print(f"{getattr(row, f'name_{LANG}')}: {row.customers} ({row.share_of_customers:.0%})")

# %% [markdown] lang="zh"
# 失踪的客群就在其中：它本是互联网银行的目标，现在却不在比较里。所以这句发现说的是个人和小店，
# 几乎不含公司。

# %% [markdown] lang="en"
# The lost segment is among them: internet banks want it, and now it is not compared. So the finding
# speaks of persons and small shops, and hardly of companies.

# %% [markdown] lang="zh"
# ## 5 带走标签
#
# 每位客户一行，可以直接交给营销系统（第 09 章）：

# %% [markdown] lang="en"
# ## 5 Take the labels with you
#
# One row per customer, ready for a campaign system (chapter 09):

# %%
path = Path(mkdtemp()) / "labels.csv"
result.to_csv(path)
shown = ["customer_id", "cluster", "segment_id", f"name_{LANG}", "target_group"]
pd.read_csv(path, dtype=str)[shown].head()

# %% [markdown] lang="zh"
# `result.to_excel("labels.xlsx")` 写成工作簿，`result.report("report.html", language="zh")`
# 把所有结果写成一页，`result.rename({4: "企业客户"})` 换一个名称而不重新分群。
#
# ### 换成你自己的数据
#
# 在终端里：
#
# ```
# kequn check my_customers.xlsx                   # 每位客户一行：先检查
# kequn run   my_customers.xlsx --out results
# kequn init  my_events.csv                       # 交易流水：先猜一份列名对照表，请你过目
# kequn run   my_events.csv --mapping mapping.toml --out results
# ```
#
# 在 Python 里：`kq.segment(my_table, id="客户编号", k=5)`。表有错会被拒绝，并指出错在哪一行。

# %% [markdown] lang="en"
# `result.to_excel("labels.xlsx")` writes a workbook, `result.report("report.html")` everything as
# one page, and `result.rename({4: "Companies"})` gives another name without a refit.
#
# ### Your own data
#
# In a terminal:
#
# ```
# kequn check my_customers.xlsx                   # one row per customer: check it first
# kequn run   my_customers.xlsx --out results
# kequn init  my_events.csv                       # transactions: guesses a mapping to look through
# kequn run   my_events.csv --mapping mapping.toml --out results
# ```
#
# In Python: `kq.segment(my_table, id="customer_no", k=5)`. A table with errors is refused, and the
# message says in which row.

# %% [markdown] lang="zh"
# ## 带走三句话
#
# 1. 要八个簇就会有八个簇；得到名称不等于名称正确。
# 2. 一个簇的名称可能只适合其中的少数，平均水平看不出来。
# 3. 比较的结论要连同口径一起说：谁在哪一组，谁不在任何一组。
#
# **延伸阅读**
#
# - Dolnicar, Grün, Leisch (2018), *Market Segmentation Analysis*, Springer，开放获取：
#   从数据到细分市场的十个步骤。
# - Steinley (2006), *K-means clustering: A half-century synthesis*, British Journal of
#   Mathematical and Statistical Psychology 59：k 均值的综述。

# %% [markdown] lang="en"
# ## Three things to take away
#
# 1. Ask for eight clusters and you get eight; that one has a name does not make the name right.
# 2. A name may fit the minority of its cluster, and averages do not show it.
# 3. Say a comparison together with its terms: who is in which group, and who is in neither.
#
# **Further reading**
#
# - Dolnicar, Grün, Leisch (2018), *Market Segmentation Analysis*, Springer, open access: ten steps
#   from data to segments.
# - Steinley (2006), *K-means clustering: A half-century synthesis*, British Journal of
#   Mathematical and Statistical Psychology 59: a review of k-means.

# %% [markdown] lang="zh"
# ## 这一章没有说明什么
#
# - 没有说明任何真实客户或真实银行的情况：数据是**合成**的。
# - 没有说明客群就是八个：八是文章点名的个数（第 05 章）。
# - 没有说明这些客群换一批客户还会出现：本章没有检验稳定性（第 05 章）。
# - 文章只点名和描述，没有给出任何客群的人数、年龄、余额，也没有提到统计方法（第 01 章）。
#
# **下一章**：[01 文章与目录](01_article.ipynb)

# %% [markdown] lang="en"
# ## What this does not show
#
# - Nothing about any real customer or bank: the data are **synthetic**.
# - Not that there are eight segments: eight is the number that the article names (chapter 05).
# - Not that these segments come back with other customers: stability was not looked at
#   (chapter 05).
# - The article names and describes; it gives no size, age or balance of any segment and no
#   statistical method (chapter 01).
#
# **Next:** [01 The article and its catalogue](01_article.ipynb)
