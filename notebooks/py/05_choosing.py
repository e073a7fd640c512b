# %% [markdown] lang="zh"
# # 05 几个客群
#
# **学完能做到**：读几个指标、零模型和稳定性，说出它们各回答什么问题；选一个 k，
# 并写明理由是**证据**还是**用途**；看懂一个客群的结论有多确定。
#
# **时间** 20 分钟。数据是**合成**的（2,000 名客户，按文章的八个客群生成）。慢的计算已由
# `notebooks/evidence/05.py` 做完，这一章只读它的表。
#
# **术语**：轮廓系数 silhouette · 肘部 elbow · 零模型 null model · 稳定性 stability · 重抽样
# resampling · 惯量 inertia

# %% [markdown] lang="en"
# # 05 How many segments?
#
# **Afterwards you can** read indices, a null model and stability, and say which question each
# answers; choose a k and say whether your reason is **evidence** or **use**; see how sure the
# verdict on a segment is.
#
# **Time** 20 minutes. The data are **synthetic** (2,000 customers, made with the article's eight
# segments). What is slow was computed by `notebooks/evidence/05.py`; this chapter reads its tables.
#
# **Words**: silhouette (轮廓系数) · elbow (肘部) · null model (零模型) · stability (稳定性) ·
# resampling (重抽样) · inertia (惯量)

# %%
LANG = "en"

import matplotlib.pyplot as plt
import pandas as pd

from kequn_lab import plots
from kequn_lab.workshop import check, evidence, explore, guess

facts = evidence("05_facts")
scores = evidence("05_scores").set_index("k")

# %% [markdown] lang="zh"
# ## 1 猜：指标会选几？
#
# 要几个，k 均值就给几个。常用的做法是对每个 k 算一些指标，看哪个 k 最好。
# 这家银行是按**八个**客群生成的。指标会选八吗？

# %% [markdown] lang="en"
# ## 1 Guess: which k will the indices pick?
#
# k-means returns as many clusters as it is asked for. The usual way is to compute indices for
# each k and to take the best. This bank was made with **eight** segments. Will they pick eight?

# %%
guess("05.a", LANG)

# %%
shown = ["silhouette", "calinski_harabasz", "davies_bouldin"]
with plots.style(LANG, synthetic=True):
    plots.validation_plot(scores.reset_index(), indices=shown)

# %%
SAID = {
    "zh": "{n_indices} 个指标（连同肘部）中有 {index_agree} 个选 k = {index_k}",
    "en": "of {n_indices} indices, the elbow among them, {index_agree} prefer k = {index_k}",
}
print(SAID[LANG].format_map(facts))

# %% [markdown] lang="zh"
# **解释**　没有一个指标选八，尽管数据就是按八个生成的。指标奖励*相距最远*的群：
# 它们看到的是粗结构，几个客群合成一大群。这不是错，只是回答了另一个问题——*最宽的空隙在哪里？
# * 文章的问题是：*银行要对谁说不同的话？***八是文章的数**，依据是含义和用途，没有指标支持它。
#
# ## 2 猜：没有客群的数据会怎样？
#
# 现在把客群毁掉：每一列的形状、零值和各列之间的相关都保留，但全部客户只有一座“山”（零模型）。
# 做五份这样的数据，再算同样的指标。在没有客群的数据上，肘部在哪里？

# %% [markdown] lang="en"
# **Explain.** No index picks eight, although eight is how the data were made. Indices reward groups
# that are *far apart*: they see the coarse structure, in which several segments are one. That is no
# error, but the answer to another question: *where are the widest gaps?* The article's question
# was: *to whom do banks talk differently?* **Eight is the article's number**; it rests on meaning
# and use, and no index supports it.
#
# ## 2 Guess: and in data without segments?
#
# Now destroy the segments: keep the shape and the zeros of each column and the correlations between
# columns, but make a single hill of all customers (a null model). Make five such sets and compute
# the same. Where is the elbow in data without segments?

# %%
guess("05.b", LANG)

# %%
AXES = {
    "zh": ("客群数 k", "惯量（k = 2 时为 1）", "这家银行", "没有客群的数据"),
    "en": ("number of segments k", "inertia (1 at k = 2)", "this bank", "data without segments"),
}
null = evidence("05_null_scores")

# %%
with plots.style(LANG, synthetic=True):
    fig, ax = plt.subplots(figsize=(7, 3.4))
    for seed, one in null.set_index("k").groupby("set"):
        own = one["inertia"] / one["inertia"].iloc[0]
        ax.plot(own, color="0.6", lw=1, label=AXES[LANG][3] if seed == 0 else None)
    ax.plot(scores["inertia"] / scores["inertia"].iloc[0], "o-", label=AXES[LANG][2])
    ax.set(xlabel=AXES[LANG][0], ylabel=AXES[LANG][1])
    ax.legend()

# %%
SAID = {
    "zh": "肘部：这家银行 k = {elbow}；五份没有客群的数据 {null_elbows}",
    "en": "elbow: this bank k = {elbow}; five sets without segments {null_elbows}",
}
print(SAID[LANG].format_map(facts))

# %% [markdown] lang="zh"
# **解释**　两条线都弯，而且弯在同一个地方：肘部不是客群的证据。说明问题的是两条线的**距离**：
# 同样的 k，这家银行的惯量降得更多。轮廓系数和稳定性也要这样看，旁边放上零模型：

# %% [markdown] lang="en"
# **Explain.** Both lines bend, and at the same place: an elbow is no evidence of segments. What
# speaks is the **distance** of the lines: at the same k the inertia of this bank falls further.
# Silhouette and stability must be read in the same way, with the null model beside them:

# %%
HEAD = {
    "zh": ["k", "轮廓系数", "没有客群时（最大）", "稳定性（ARI）", "没有客群时"],
    "en": ["k", "silhouette", "without segments (most)", "stability (ARI)", "without segments"],
}
pairs, null_pairs = evidence("05_stability"), evidence("05_null_stability")

# %%
beside = pd.concat(
    [
        scores["silhouette"],
        null.groupby("k")["silhouette"].max(),
        pairs.groupby("k")["ari_data"].median(),
        null_pairs.groupby("k")["ari_data"].median(),
    ],
    axis=1,
).dropna()
beside.reset_index().set_axis(HEAD[LANG], axis=1).style.hide().format(precision=2)

# %%
explore("k", language=LANG)

# %% [markdown] lang="zh"
# **解释**　稳定性的做法：把客户重抽样两次（40 对），各自分群，再给全部客户贴标签，
# 比较两套标签（ARI）。看 k = 3 这一行：没有客群的数据也很*稳定*，
# 一座长长的山每次都在同样的地方被切开。**稳定是必要条件，不是充分条件。** k = 8
# 的稳定性不算高，但没有客群的数据在 k = 8 时差得多。
#
# 不稳定有两个来源：别的**样本**，或没做完的**搜索**。橙色是同一份样本搜索两次：
# 它离 1 的距离只怪搜索。

# %% [markdown] lang="en"
# **Explain.** Stability: resample the customers twice (40 pairs), cluster each, label everybody,
# and compare both labelings (ARI). See the row of k = 3: data without segments are *stable* as
# well; one long hill is cut at the same places each time. **Stability is needed, and it is not
# enough.** The stability at k = 8 is not high, and that of data without segments is far lower
# there.
#
# Instability has two sources: another **sample**, or an unfinished **search**. Orange is one sample
# searched twice: what it lacks to 1 is the fault of the search alone.

# %%
with plots.style(LANG, synthetic=True):
    plots.validation_plot(pairs[pairs["k"].isin([3, 6, 8, 10])])

# %% [markdown] lang="zh"
# ## 3 一个一个看
#
# 整体稳定的解里也可能有一个再也找不到的客群，反过来也一样。取搜索得到的 k = 8，
# 在 40 对重抽样里跟踪每个客群（杰卡德指数：两边都在的客户 ÷ 任一边在的客户）。猜：
# 只有一个客群会被叫作*自然*的，是哪一个？

# %% [markdown] lang="en"
# ## 3 Segment by segment
#
# A stable solution can hold a segment that never comes back, and the other way round. Take the
# search at k = 8 and follow each segment through 40 pairs of resamples (Jaccard index: customers in
# both over customers in either). Guess: one segment only will be called *natural*. Which?

# %%
guess("05.c", LANG)

# %%
verdicts = evidence("05_verdicts")
mine = verdicts[verdicts["run"] == "search"]
with plots.style(LANG, segments=mine[["segment_id", "name_zh", "name_en"]], synthetic=True):
    plots.validation_plot(evidence("05_draws"))

# %%
HEAD = {
    "zh": ["客群", "中位数", "低", "高", "结论", "确定？", "建议"],
    "en": ["segment", "median", "low", "high", "verdict", "sure?", "action"],
}
WORDS = {
    "zh": {"natural": "自然", "reproducible": "可重现", "constructed": "人为", True: "是",
           False: "否", "keep": "保留", "merge": "合并", "drop": "放弃"},
    "en": {True: "yes", False: "no"},
}  # fmt: skip

# %%
COLUMNS = ["slsw_median", "slsw_low", "slsw_high", "reading", "sure", "action"]


def verdict_table(rows):
    rows = rows[[f"name_{LANG}", *COLUMNS]].set_axis(HEAD[LANG], axis=1).astype(object)
    rows = rows.map(lambda value: WORDS[LANG].get(value, value) if value != 1.0 else value)
    return rows.style.hide().format(precision=2)


mine = mine.assign(sure=mine["sure"].map(WORDS[LANG]))
verdict_table(mine)

# %% [markdown] lang="zh"
# 三个词有写明的界限：**可重现**，95% 的重抽样里达到 0.5；**自然**，达到 0.75，
# 离邻居比零模型里任何一群都远，而且每条边界上都有低谷；**人为**，边界是 k 均值画的。**“确定？
# ”**这一列说，这个客群自己的区间会不会跨过界限：写“否”的结论，换一批客户就可能变，
# 不能据此放弃一个客群。
#
# 合成数据还能问一件真实银行问不了的事：那个“自然”的客群，里面是谁？

# %% [markdown] lang="en"
# Three words with stated thresholds: **reproducible**, 0.5 or more in 95 % of the resamples;
# **natural**, 0.75 or more, further from its neighbours than any group of the null model, with a
# valley at each border; **constructed**, k-means drew the border. The column **sure?** says whether
# the segment's own interval reaches across a threshold: where it says no, other customers may turn
# the verdict, and nobody should drop a segment for it.
#
# Synthetic data can be asked what no real bank can be: who is inside the "natural" segment?

# %%
SAID = {
    "zh": "名为“{name}”，其中 {purity:.0%} 其实是{true}",
    "en": "called {name}; {purity:.0%} of it are {true}",
}
natural = mine[mine["reading"] == "natural"].iloc[0]
others = verdicts.drop_duplicates("segment_id").set_index("segment_id")[f"name_{LANG}"]
true = others[natural["truest_id"]]
said = {"name": natural[f"name_{LANG}"], "purity": natural["purity"], "true": true}
print(SAID[LANG].format(**said))

# %% [markdown] lang="zh"
# **解释**　唯一“自然”的客群，正是第 04b 章那个**合并而且叫错名字**的簇：小微和科创合在一起，
# 离其他人都远。“自然”说的是边界清楚，不是名字正确，也不是里面只有一种人。
#
# ### 抽几次才够？
#
# 一份报告如果只抽 8 对就下结论，会怎样？把 40 对分成五批，每批 8 对，各下一次结论；再对一家只有
# 800 名客户的 合成银行做同样的事：

# %% [markdown] lang="en"
# **Explain.** The only natural segment is the **merged and misnamed** cluster of chapter 04b: micro
# and sci-tech together, far from everybody else. *Natural* speaks of clear borders, not of a right
# name, nor of one kind of customer inside.
#
# ### How many draws are enough?
#
# What if a report rests on eight pairs? Cut the 40 pairs into five batches of eight and give the
# verdicts of each; the same for a synthetic bank of 800 customers:

# %%
HEAD_FEW = {
    "zh": ["客户数", "结论（五批）", "建议与 40 对不同", "其中标为确定"],
    "en": ["customers", "verdicts (five batches)", "action other than by 40", "called sure"],
}
few = evidence("05_few").merge(
    verdicts[["run", "segment_id", "action"]], on=["run", "segment_id"], suffixes=("", "_40")
)

# %%
few["other"] = few["action"] != few["action_40"]
few["sure"] = few["other"] & few["sure"]
counted = few.groupby("run")[["other", "sure"]].sum()
counted.insert(0, "all", few.groupby("run").size())
counted.insert(0, "rows", verdicts.groupby("run")["rows"].sum())
counted.set_axis(HEAD_FEW[LANG], axis=1).style.hide()

# %% [markdown] lang="zh"
# **解释**　客户多时，8 对和 40 对说的一样。客户少时有几个建议变了，而且多数还标着“确定”：
# 抽得太少，区间也太窄，连“确定”都靠不住。所以**先抽够，再看“确定？”**；因为 8 对就放弃一个客群，
# 是冤枉它。
#
# 同样的 40 对，另外两种分法（从特征签名出发；对公、对私分开）又怎么样？

# %% [markdown] lang="en"
# **Explain.** With many customers eight pairs say what forty say. With few, several actions differ,
# and most of them are called sure: from too few draws the intervals are too narrow, so that even
# *sure* cannot be relied on. **Draw enough first, then look at sure?**; nobody should drop a
# segment because of eight pairs.
#
# And the two other ways, by the same 40 pairs (start at the signatures, the expected levels of
# features; sides separately)?

# %%
RUNS = {
    "zh": {"search": "搜索", "signatures": "从特征签名出发", "sides": "对公、对私分开"},
    "en": {"search": "search", "signatures": "start at the signatures", "sides": "two sides"},
}
kinds = ["natural", "reproducible", "constructed"]
counts = pd.crosstab(verdicts["run"], verdicts["reading"])
counts = counts.reindex(RUNS[LANG]).reindex(columns=kinds, fill_value=0)
counts["unsure"] = (~verdicts["sure"]).groupby(verdicts["run"]).sum()
names = {k: WORDS[LANG].get(k, k) for k in kinds} | {
    "unsure": {"zh": "不确定", "en": "not sure"}[LANG]
}
counts.rename(index=RUNS[LANG], columns=names).rename_axis(index=None, columns=None)

# %% [markdown] lang="zh"
# **解释**　从特征签名出发，八个客群都可重现——但每次重抽样也都从同样的地方出发，
# 所以这里的“找得回来”比搜索容易，不能直接相比。对公、对私分开找回了小微企业（第 04b 章），
# 但不确定的客群也最多。三种分法，没有一种样样都好。
#
# ### 练习 05.1（填空）
#
# 看搜索的结论表：有几个客群可以在报告里写“换一批客户也会找到，建议保留”？（建议保留，并且确定。）

# %% [markdown] lang="en"
# **Explain.** Started at the signatures, all eight are reproducible; yet each resample starts at
# the same places, too, so coming back is easier than for the search, and the two cannot be compared
# directly. The sides, clustered separately, find the micro enterprises (chapter 04b), and have
# the most segments that are not sure. None of the three ways is best in everything.
#
# ### Exercise 05.1 (fill in)
#
# By the verdicts of the search: of how many segments may the report say "found again with other
# customers, keep it"? (The action is keep, and it is sure.)

# %% tags=["exercise"]
answer = ...  # a number
check("05.1", answer, LANG)

# %% tags=["solution"]
answer = int(((mine["action"] == "keep") & (verdicts.loc[mine.index, "sure"])).sum())
check("05.1", answer, LANG)

# %% [markdown] lang="zh"
# ## 4 一条写明的规则
#
# 程序必须自己往下走时，工具箱用一条规则，并说明理由：k 要稳定，最小的客群不能太小，
# 界线要比没有客群的数据清楚；合格的 k 里，取惯量比零模型低得最多的。一个都没有，答案就是 k = 1：
# *没有客群*。

# %% [markdown] lang="en"
# ## 4 One stated rule
#
# Where a program must go on by itself, the kit applies one rule and says why: k must be stable, the
# smallest segment not too small, the borders clearer than in data without segments; of those, the k
# whose inertia is furthest below the null model. If there is none, k = 1: *no segments*.

# %%
print(facts[f"rule_{LANG}"])

# %% [markdown] lang="zh"
# 指标选一个数，规则选另一个数，文章是第三个。`kequn run` 默认用八，因为目录里有八个名字，
# 并且照实说明。
#
# ### 练习 05.2（决定）
#
# 填三样：指标选的 k、你自己的 k、理由。
#
# - `"A"`　肘部在 8，所以是 8。
# - `"B"`　k = 3 最稳定；稳定，所以这三个客群是真实的。
# - `"C"`　用途：每个客群都有不同的话要说、有人负责；没有指标支持这个数，报告里照写。
# - `"D"`　各指标一致，所以它就是真实的客群数。

# %% [markdown] lang="en"
# The indices give one number, the rule another, the article a third. `kequn run` takes eight by
# default, because the catalogue has eight names, and says so.
#
# ### Exercise 05.2 (decide)
#
# Three things: the k of the indices, your own k, your reason.
#
# - `"A"` The elbow is at 8, so it is 8.
# - `"B"` k = 3 is the most stable; it is stable, so these three segments are real.
# - `"C"` Use: there is something else to say to each segment, and somebody is in charge of it; no
#   index supports the number, and the report says so.
# - `"D"` The indices agree, so that is the true number of segments.

# %% tags=["exercise"]
answer = {"index_k": ..., "your_k": ..., "reason": ...}
check("05.2", answer, LANG)

# %% tags=["solution"]
answer = {"index_k": 3, "your_k": 8, "reason": "C"}
check("05.2", answer, LANG)

# %% [markdown] lang="zh"
# ## 记住三点
#
# 1. 任何一个数，旁边都要放上没有客群的数据：肘部、轮廓系数、稳定性，在零模型上也都有。
# 2. 稳定是必要条件，不是充分条件；“自然”也不等于名字正确。先看“确定？”，再下结论。
# 3. k 的理由只有两种：证据或用途。写明是哪一种，由谁决定。
#
# **延伸阅读**　S. Dolnicar, F. Leisch (2017), Using segment level stability to select target
# segments, *Marketing Letters* 28　·　C. Hennig (2007), Cluster-wise assessment of cluster
# stability, *CSDA* 52 ·　R. Tibshirani, G. Walther, T. Hastie (2001), Estimating the number of
# clusters via the gap statistic, *JRSS B* 63

# %% [markdown] lang="en"
# ## Three things to take away
#
# 1. Put data without segments beside every figure: elbow, silhouette and stability are there, too.
# 2. Stability is needed and not enough, and natural does not mean rightly named. Look at *sure?*
#    before a verdict.
# 3. There are two kinds of reasons for a k, evidence and use. Say which, and who decides.
#
# **Further reading** S. Dolnicar, F. Leisch (2017), Using segment level stability to select target
# segments, *Marketing Letters* 28 · C. Hennig (2007), Cluster-wise assessment of cluster stability,
# *CSDA* 52 · R. Tibshirani, G. Walther, T. Hastie (2001), Estimating the number of clusters via the
# gap statistic, *JRSS B* 63

# %% [markdown] lang="zh"
# ## 这一章没有说明什么
#
# - 不说明客群的“正确个数”：证据和用途在这里指向不同的数，要由人说明问的是哪个问题。
# - 不说明八是错的，也不说明文章用什么方法得到八：文章没有数，也没有方法。
# - 零模型保留了列的形状和相关；换一种零模型，数字会变。
# - **合成**银行的客群稳定，不说明你们银行的客群稳定。
#   `kequn run --k 2:12` 可以在自己的数据上做一遍。
#
# **下一章**　[06 画像](06_profiles.ipynb)

# %% [markdown] lang="en"
# ## What this does not show
#
# - Not the right number of segments: evidence and use point to different numbers here, and a person
#   has to say which question is asked.
# - Not that eight is wrong, nor by which method the article found eight: it counts none.
# - The null model keeps shapes and correlations of the columns; another null model gives other
#   figures.
# - Stable segments of a **synthetic** bank say nothing about yours. `kequn run --k 2:12` does all
#   this with your own data.
#
# **Next** [06 Profiles](06_profiles.ipynb)
