# %% [markdown] lang="zh"
# # 02 合成银行
#
# **目标**：说清楚一家合成银行里的分数是谁定的，并预测改动一个数会怎样。
#
# **时间**：20 分钟。
#
# **词汇**：合成数据（synthetic data）、生成器（generator）、假设（assumption）、
# 校准（calibration）、混合客户（mixed customer）、循环论证（circularity）、
# 调整兰德指数（adjusted Rand index）
#
# 银行不能拿出客户资料，所以本课程自己造客户：一家**合成**银行。它不是从任何人的数据里学来的；
# 每个数都写在表里，并注明出自文章、出自公布的统计，还是我们自己的假设。本章打开这些表。

# %% [markdown] lang="en"
# # 02 The synthetic bank
#
# **Goal**: say who chose the score that a method reaches in a synthetic bank, and predict what
# changing one number does.
#
# **Time**: 20 minutes.
#
# **Words**: synthetic data (合成数据), generator (生成器), assumption (假设), calibration (校准),
# mixed customer (混合客户), circularity (循环论证), adjusted Rand index (调整兰德指数)
#
# Banks cannot share customers, so the course makes its own: a **synthetic** bank. Nothing is
# learned from anybody's data. Each number is written down in a table, with its origin: the article,
# a published figure, or our own assumption. This chapter opens those tables.

# %%
# %matplotlib inline
import shutil
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd

from kequn_lab import catalogue, plots, synth
from kequn_lab.workshop import check, evidence, guess

LANG = "en"
NAMES = catalogue.names(language=LANG)

# %% [markdown] lang="zh"
# ## 1 一位客户
#
# 先造一家两千客户的银行，再看第一位客户。银行看得见的：

# %% [markdown] lang="en"
# ## 1 One customer
#
# We draw a bank of two thousand and look at its first customer. What a bank would see:

# %%
bank = synth.make_bank(2000, random_state=0, as_of="2024-12-31")
seen = ["customer_id", "customer_type", "age_years", "city_tier", "opening_channel", "opened_on"]
bank.customers[seen].head(1)

# %% [markdown] lang="zh"
# 银行看不见的，是单独存放的真值：

# %% [markdown] lang="en"
# And what no bank sees, the truth, which is kept in a table of its own:

# %%
bank.truth.head(1)

# %% [markdown] lang="zh"
# 造一位客户分四步：（1）抽一个客群；有些人再抽**第二个**，因为文章里的客群本来就有重叠，
# 这就是混合客户；（2）一起抽四个隐藏的性格：规模、活跃、数字化、稳健；（3）由客群和性格决定年龄、
# 金额、渠道和产品；（4）最后由产品规则把关，例如起购金额。
#
# 混合客户有多少？

# %% [markdown] lang="en"
# A customer is made in four steps: (1) a segment is drawn, and for some a *second* one, because the
# article's groups overlap: a mixed customer; (2) four hidden traits are drawn together: size,
# activity, digital, safety; (3) segment and traits decide age, money, channels and products; (4)
# the rules of products have the last word, such as least amounts.
#
# How many are mixed?

# %%
mixed = bank.truth[bank.truth["second_segment_id"].notna()]
weight = mixed["primary_weight"]
print(f"{len(mixed) / len(bank.truth):.0%}; {weight.min():.2f} – {weight.max():.2f}")
pairs = mixed[["segment_id", "second_segment_id"]].apply(lambda ids: ids.map(NAMES))
HEADS = {"zh": ["第一客群", "第二客群", "客户数"], "en": ["first", "second", "customers"]}[LANG]
pairs.value_counts().head(4).reset_index().set_axis(HEADS, axis=1)

# %% [markdown] lang="zh"
# 第一行是混合客户的占比，以及第一客群在混合中的比重。**解释**：这样的客户介于两类之间，
# 只按第一客群计数。没有算法能把他们全部说对：上限是我们自己造出来的。
#
# ## 2 多少出自文章？
#
# 工具箱以文章的客群命名。这家银行背后的数，有多少出自文章？

# %% [markdown] lang="en"
# The first line is the share of mixed customers, and the weight of the first segment in the
# mixture. **Explain.** Such a customer lies between two segments and counts under the first only.
# No algorithm can name all of them right: there is a ceiling, and we built it.
#
# ## 2 How much is the article's?
#
# The kit is named after the article's groups. Which part of the numbers behind this bank is the
# article's?

# %%
guess("02.a", LANG)

# %%
parameters = synth.parameter_table()
share = parameters["basis"].value_counts(normalize=True)
BASIS = {"assumption": "假设", "calibrated": "校准", "article": "文章"}
share = share.rename(BASIS) if LANG == "zh" else share
print(len(parameters))
share.map("{:.0%}".format).to_frame({"zh": "占比", "en": "share"}[LANG]).rename_axis(None)

# %% [markdown] lang="zh"
# **解释**：**文章**：方向出自文章的话，大小仍是我们定的，因为文章不给数字。**校准**：
# 取自公布的统计数字。**假设**：谁也没说，而我们需要一个数。这家银行的大部分是假设。
# 例如各类客户的平均年龄：

# %% [markdown] lang="en"
# **Explain.** `article`: its *direction* follows from the article's words; the size is still ours,
# as the article gives no numbers. `calibrated`: taken from a published figure. `assumption`: nobody
# said so, and we needed a number. Most of this bank is assumption. As an example, the mean ages:

# %%
ages = parameters.query("table == 'segments' and parameter == 'age_mean'").copy()
ages["segment"] = ages["column"].map(NAMES)
ages["basis"] = ages["basis"].replace(BASIS) if LANG == "zh" else ages["basis"]
ages = ages.dropna(subset="segment")[["segment", "value", "basis"]]
ages.set_axis({"zh": ["客群", "平均年龄", "依据"], "en": ages.columns}[LANG], axis=1)

# %% [markdown] lang="zh"
# ## 3 校准
#
# “校准”是可以检查的说法：造一家大的，量一量（`synth.calibration_table(bank)`），
# 与公布的数字对照，每项给一个容差。

# %% [markdown] lang="en"
# ## 3 Calibration
#
# A calibrated number is a claim that can be checked: measure a bank that was drawn, a large one,
# and compare it with the published figures, each with a tolerance
# (`synth.calibration_table(bank)`).

# %%
facts = evidence("02_facts")
table = evidence("02_calibration").set_index("measure")
print(f"{facts['measured']:,}: {table['met'].sum()} / {len(table)}")

# %%
SHOWN = {
    "off_counter": ("不在柜台的交易", "events away from the counter"),
    "online_60": ("60 岁以上：上网", "60 and older: online"),
    "counter_preferred_60": ("60 岁以上：最常用柜台", "60 and older: counter most"),
    "income_q5": ("最高五分之一的收入", "income of the highest fifth"),
    "payment_mean": ("平均每笔支付", "mean payment"),
    "turnover_sole_proprietor": ("个体户年流水", "turnover of sole proprietors"),
    "consumer_loan_mean": ("平均消费贷", "mean consumer loan"),
    "structured_share": ("结构性存款占存款", "structured deposits of all"),
    "assets_top20": ("最富五分之一的资产", "assets of the richest fifth"),
}
XLABEL = {"zh": "（合成银行 − 公布值）÷ 容差", "en": "(bank − published) ÷ tolerance"}

# %%
rows = table.loc[list(SHOWN)]
off = ((rows["value"] - rows["target"]) / rows["tolerance"]).clip(-4, 4)
with plots.style(LANG, synthetic=True):
    fig, ax = plt.subplots(figsize=(8, 3.4))
    ax.axvspan(-1, 1, color="0.9", lw=0)
    ax.axvline(0, color="0.4", lw=0.8)
    ax.scatter(off, range(len(off)), c=rows["met"].map({True: "#0072B2", False: "#D55E00"}))
    ax.set_yticks(range(len(off)), [SHOWN[m][LANG == "en"] for m in rows.index])
    ax.set(xlim=(-4.3, 4.3), ylim=(len(off) - 0.5, -0.5), xlabel=XLABEL[LANG])

# %% [markdown] lang="zh"
# 灰带是容差，橙色的点没有达到；超出 ±4 的画在 ±4。**解释**：没达到的留在表里，并写明原因。
# 结构性存款比实际多，因为课程要找得到买它的人：这是教学上的取舍。一家样样都达标的合成银行，
# 多半只检查了它达得到的项目。
#
# ## 4 改一个数
#
# 不同意某个假设？把表复制一份，改一个格，重新造一家银行。混合客户的占比叫 `hybrid_share`：

# %% [markdown] lang="en"
# The grey band is the tolerance, an orange dot is a miss; beyond ±4 it is drawn at ±4.
# **Explain.** What is not met stays in the table, with a reason. Structured deposits are more than
# in fact, since the course must be able to find those who buy them: a teaching choice. A synthetic
# bank without a miss would be one that checks only what it can meet.
#
# ## 4 Change a number
#
# You disagree with an assumption? Copy the folder of tables, edit one cell, draw again. The share
# of mixed customers is called `hybrid_share`:

# %%
folder = Path(tempfile.mkdtemp()) / "population"
shutil.copytree(catalogue.path() / "population", folder)
mine = pd.read_csv(folder / "presets.csv", index_col="parameter")
mine.loc["hybrid_share", "standard"] = 0
mine.to_csv(folder / "presets.csv")
pure = synth.make_bank(500, random_state=0, population=folder)
print(mine.loc["hybrid_share"].to_dict(), pure.truth["second_segment_id"].notna().sum())

# %% [markdown] lang="zh"
# 现在一位混合客户也没有了。k 均值能把客户分得多准？“准”用调整兰德指数衡量：
# 1 是与真实客群完全相同，0 是碰巧。改动之前：

# %% [markdown] lang="en"
# Now no customer is mixed. How well will k-means tell customers? Well is measured by the adjusted
# Rand index: 1 is the true segments, 0 is chance. Before the change:

# %%
was = parameters.query("parameter == 'hybrid_share' and column == 'standard'")["value"].item()
print(f"hybrid_share = {was}: {facts['ari_standard']:.2f}")

# %% [markdown] lang="zh"
# **练习 02.1**（判断）：`hybrid_share = 0` 时调整兰德指数大约是多少，为什么？
# `ari` 填一个 0 到 1 之间的数，`why` 填 `"a"`、`"b"` 或 `"c"`。
#
# - a：介于两类之间的客户没有了，但噪声还在；有多少混合、多少噪声，都是写生成器的人定的。
# - b：没有混合客户，k 均值就能把每一位都分对。
# - c：说明 k 均值在我的银行也能达到这个水平。

# %% [markdown] lang="en"
# **Exercise 02.1** (decide): about how large is the adjusted Rand index with `hybrid_share = 0`,
# and why? `ari` is a number from 0 to 1, `why` is `"a"`, `"b"` or `"c"`.
#
# - a: Customers between two segments are gone, but the noise is still there; how much of both there
#   is was chosen by whoever wrote the generator.
# - b: Without mixed customers k-means tells every one of them.
# - c: It shows that k-means reaches this in my bank, too.

# %% tags=["exercise"]
answer = {"ari": ..., "why": ...}
check("02.1", answer, LANG)

# %% tags=["solution"]
answer = {"ari": facts["ari_pure"], "why": "a"}
check("02.1", answer, LANG)

# %% [markdown] lang="zh"
# ## 5 分数是谁定的？
#
# 同样的特征，六家银行，只差一两个数。三种分法：k 均值自己来；
# k 均值从签名出发（我们预期各客群所在的位置）；完全不聚类，每位客户归入最近的签名。
# 每家银行用五个种子各造一次：点是平均，线是最小到最大。

# %% [markdown] lang="en"
# ## 5 Who chose the score?
#
# The same features, six banks that differ in one or two numbers. Three ways to tell customers:
# k-means by itself; k-means started at the signatures, where we expect the segments; and no
# clustering at all, each customer called by the nearest signature. Each bank is drawn with five
# seeds: a dot is the mean, a line goes from the least to the most.

# %%
BANKS = {
    "standard": ("标准", "standard"),
    "no mixed customers": ("没有混合客户", "no mixed customers"),
    "half the noise": ("噪声减半", "half the noise"),
    "both": ("两者都改", "both"),
    "easy": ("预设“容易”", "preset easy"),
    "hard": ("预设“困难”", "preset hard"),
}

# %%
WAYS = {
    "k-means": ("k 均值", "k-means"),
    "started": ("从签名出发", "started at signatures"),
    "nearest signature": ("不聚类", "no clustering"),
}

# %%
told, at = evidence("02_ari"), LANG == "en"
with plots.style(LANG, synthetic=True):
    fig, ax = plt.subplots(figsize=(8, 3.4))
    for i, (way, label) in enumerate(WAYS.items()):
        rows = told[told["way"] == way].set_index("bank").loc[list(BANKS)]
        y = [n + 0.2 * (i - 1) for n in range(len(BANKS))]
        ax.hlines(y, rows["min"], rows["max"], color=f"C{i}")
        ax.plot(rows["mean"], y, "o", color=f"C{i}", label=label[at])
    ax.set_yticks(range(len(BANKS)), [name[at] for name in BANKS.values()])
    ax.set(xlim=(0, 1), ylim=(5.5, -0.5), xlabel=("调整兰德指数", "adjusted Rand index")[at])
    ax.legend(loc="lower left")

# %% [markdown] lang="zh"
# **解释**：写生成器的人定了分数，写签名的人也定了分数：两样都出自我们之手，
# 所以连**不聚类**有时都不输给 k 均值。这就是循环论证。合成数据上的任何分数，
# 都不是真实银行的证据。它的用处是：查出代码的错误，看清一种方法在答案已知时的表现，以及练习。
# 第四个预设 `sealed` 谁也不拿来调试，留作最后的检验。

# %% [markdown] lang="en"
# **Explain.** Whoever writes the generator chooses the score, and so does whoever writes the
# signatures: both are ours, so that even *no clustering at all* does not always lose to k-means by
# itself. That is circularity. No score on synthetic data is evidence about a real bank. What it is
# good for: finding faults in code, seeing what a method does when the answer is known, practice. A
# fourth preset, `sealed`, is tuned on by nobody and kept for a last check.

# %% [markdown] lang="zh"
# 同一个种子总造出同一家银行，换一个种子就是另一家：

# %% [markdown] lang="en"
# The same seed gives the same bank, another seed another one:

# %%
once, again, other = (synth.make_bank(500, random_state=seed) for seed in (0, 0, 1))
print(again.events.equals(once.events), other.customers.equals(once.customers))

# %% [markdown] lang="zh"
# ## 带走三句话
#
# 1. 合成银行的大部分是假设；每个数都写明依据，才能争论、才能改。
# 2. 混合客户和噪声定下了能达到的上限，而它们是我们选的。
# 3. 用自己写的数据证明自己写的方法，是循环论证。
#
# **延伸阅读**
#
# - Hubert, Arabie (1985), *Comparing partitions*, Journal of Classification 2：
#   调整兰德指数的出处。
# - Jordon 等 (2022), *Synthetic Data – what, why and how?*, The Royal Society / The Alan Turing
#   Institute：合成数据能做什么、不能做什么。

# %% [markdown] lang="en"
# ## Three things to take away
#
# 1. Most of a synthetic bank is assumption; with its basis beside it, each number can be argued
#    about and changed.
# 2. Mixed customers and noise set the ceiling, and we chose both.
# 3. To prove a method of one's own with data of one's own is circular.
#
# **Further reading**
#
# - Hubert and Arabie (1985), *Comparing partitions*, Journal of Classification 2: where the
#   adjusted Rand index comes from.
# - Jordon et al. (2022), *Synthetic Data – what, why and how?*, The Royal Society / The Alan Turing
#   Institute: what such data can do and what they cannot.

# %% [markdown] lang="zh"
# ## 这一章没有说明什么
#
# - 没有说明任何地方各类客户有多少：各客群的占比是教学上的取舍。
# - 没有说明校准用的数字是最新的，也没有说明不同年份、不同来源的数字合得起来；
#   一个平均数可以对应许多种分布。
# - 文章提供名称和方向，**没有任何关于客户的数字**，也没有方法。
# - 这个**合成**世界里没有家庭、没有相互认识的客户、没有欺诈，也没有谁都没想到的事；
#   真实数据里全都有。
#
# **下一章**：[03 特征](03_features.ipynb)

# %% [markdown] lang="en"
# ## What this does not show
#
# - Not how many customers of each kind there are anywhere: the shares are teaching choices.
# - Not that a calibrated figure is up to date, or that figures of different years and sources fit
#   together; one mean can be met by many distributions.
# - The article supplies names and directions, **no number about customers** and no method.
# - Missing from this **synthetic** world: households, customers who know each other, fraud, and
#   everything that nobody thought of. Real data have all of it.
#
# **Next:** [03 Features](03_features.ipynb)
