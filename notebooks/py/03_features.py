# %% [markdown] lang="zh"
# # 03 特征
#
# **目标**：把交易流水变成每位客户一行的数，并看出单位和尺度怎样决定“距离”。
#
# **时间**：25 分钟。
#
# **词汇**：特征（feature）、数据契约（data contract）、缺失值（missing value）、
# 中位数（median）、方差（variance）、对数（logarithm）、标准化（standardisation）
#
# 银行手里有**交易流水**、**持有产品**和**客户**三张表。
# k 均值要的是**每位客户一行、全是数、各列尺度相近**的一张表。本章走完这段路，
# 并指出几处悄悄出错的地方。
#
# 客户全部是**合成**的。

# %% [markdown] lang="en"
# # 03 Features
#
# **Goal**: turn transactions into one row of numbers per customer, and see how units and scale
# decide what “near” means.
#
# **Time**: 25 minutes.
#
# **Words**: feature (特征), data contract (数据契约), missing value (缺失值), median (中位数),
# variance (方差), logarithm (对数), standardisation (标准化)
#
# A bank has *transactions*, *holdings* and *customers*. K-means wants **one row per customer,
# numbers only, every column on a like scale**. This chapter goes that way and shows where it goes
# wrong without a word.
#
# All customers are **synthetic**.

# %%
# %matplotlib inline
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

import kequn_lab as kq
from kequn_lab import contract, features, plots
from kequn_lab.workshop import check, explore, guess, sample

LANG = "en"
AS_OF = "2024-12-31"

# %% [markdown] lang="zh"
# ## 1 原始表
#
# `read_table` 按数据契约检查一张表：列名、单位、取值范围、主键。

# %% [markdown] lang="en"
# ## 1 The raw tables
#
# `read_table` checks a table against its data contract: names, units, ranges, keys.

# %%
data = sample()
if "customers" in data:
    raw, holdings = data["table"], data["holdings"]
    events = contract.read_table(raw, contract.EVENTS)
    customers = contract.read_table(data["customers"], contract.CUSTOMERS)
else:
    bank = data["table"]
    raw, customers, holdings = bank.events, bank.customers, bank.holdings
    events = raw
events = events[["customer_id", "timestamp", "amount_cny", "direction", "channel", "type"]]
print(f"{len(customers):,} · {len(events):,}")
events.head(4)

# %% [markdown] lang="zh"
# 两个数依次是客户数和流水笔数；流水只留下六列。
#
# ## 2 亲手算一个特征
#
# **练习 03.1**（填空）：算出每位客户的**柜台占比**，即他的交易中在柜台办理（`channel` 为
# `"counter"`）的比例。结果是一个以 `customer_id` 为索引的 Series。

# %% [markdown] lang="en"
# The two numbers are customers and transactions, of which we keep six columns.
#
# ## 2 One feature by hand
#
# **Exercise 03.1** (fill in): compute for each customer the **counter share**, the share of the
# customer's transactions whose `channel` is `"counter"`. The result is a Series indexed by
# `customer_id`.

# %% tags=["exercise"]
own_share = ...
check("03.1", own_share, LANG)

# %% tags=["solution"]
own_share = (events["channel"] == "counter").groupby(events["customer_id"]).mean()
check("03.1", own_share, LANG)

# %% [markdown] lang="zh"
# 工具箱用**一段 SQL** 算出全部特征，审计能读，任何数据库都能跑。一次看一个特征：

# %% [markdown] lang="en"
# The kit makes all features by **one SQL text**, which an auditor can read and any database can
# run. One feature at a time:

# %%
sql = features.feature_sql({"events": {"channel"}}, as_of=AS_OF)
for name in ("tx_per_month", "counter_share", "weekend_share"):
    line = next(line for line in sql.splitlines() if f" AS {name}" in line)
    print(f"{name}\n    {line.strip().rstrip(',')}\n")

# %% [markdown] lang="zh"
# 现在把三张表的特征全部算出来：

# %% [markdown] lang="en"
# Now all of them, from all three tables:

# %%
table = features.customer_features(raw, customers=customers, holdings=holdings, as_of=AS_OF)
print(table.shape)
table.iloc[:4, :7].round(2)

# %% [markdown] lang="zh"
# 文章讲“人货场”：用户、产品和服务、渠道。每个特征归入其中一块，归法是**我们**定的：

# %% [markdown] lang="en"
# The article speaks of 人货场: people, goods and place. Each feature belongs to one of the three
# blocks; which one is *our* choice:

# %%
names = features.feature_dictionary()
blocks = names.groupby("block")[f"meaning_{LANG}"].agg(["count", "first", "last"])
blocks.set_axis({"zh": ["个数", "例如", "又如"], "en": blocks.columns}[LANG], axis=1)

# %% [markdown] lang="zh"
# ## 3 缺一列，缺一个值
#
# 假如银行没有记录渠道，`counter_share` 会怎样？

# %% [markdown] lang="en"
# ## 3 A missing column, a missing value
#
# Suppose the bank does not record channels. What becomes of `counter_share`?

# %%
guess("03.a", LANG)

# %%
without = features.customer_features(events.drop(columns="channel"), as_of=AS_OF)
for name in ("counter_share", "helped_share", "aum_cny"):
    print(f"{name:14} {name in without}   {without.attrs['left_out'][name]}")

# %% [markdown] lang="zh"
# **解释**：它被**点名**略去，并说明缺了什么。如果填零，就成了“没有人去过柜台”，而模型会当真。
# 缺失不是零。
#
# 有些值只对一部分客户缺失。谁的缺？

# %% [markdown] lang="en"
# **Explain.** It is left out **by name**, with what was lacking. Zeros would say that nobody ever
# came to the counter, and the model would believe it. Missing is not zero.
#
# Some values are missing for some customers only. For whom?

# %%
missing = table.isna().mean().loc[lambda share: share > 0]
firm = table["is_business"] == 1
shares = pd.DataFrame({"all": missing, "firms": table[firm].isna().mean()[missing.index]})
shares["persons"] = table[~firm].isna().mean()[missing.index]
HEADS = {"zh": ["全部客户", "企业户", "个人"], "en": shares.columns}[LANG]
shares.map("{:.0%}".format).set_axis(HEADS, axis=1)

# %% [markdown] lang="zh"
# 企业没有个人风险等级；没去过柜台的人没有柜台时长。这些缺失本身就是信息。k 均值不能算缺失值，
# 预处理用**中位数**填补。常有人说中位数是“中性”的。看一看标准化之后的风险等级：

# %% [markdown] lang="en"
# A firm has no personal risk class; who never came to the counter has no minutes there. These gaps
# mean something. K-means cannot compute with a gap, so that preprocessing fills it with the
# **median**. The median is often called neutral. Look at the risk class after scaling:

# %%
model_table = features.model_columns(table)
z = features.preprocessor(model_table.columns).fit_transform(model_table)
gap = table["risk_rank"].isna()
filled, known = z.loc[gap, "risk_rank"], z.loc[~gap, "risk_rank"]
GROUPS = {"zh": ["填补的客户", "有记录的客户"], "en": ["filled", "known"]}[LANG]
HEADS = {"zh": ["平均位置", "两人的平均平方距离"], "en": ["mean", "mean squared distance of two"]}
told = [(x.mean(), 2 * x.var()) for x in (filled, known)]
pd.DataFrame(told, index=GROUPS, columns=HEADS[LANG]).round(2)

# %%
LABELS = {"zh": ("风险等级（标准化之后）", "客户数"), "en": ("risk class, scaled", "customers")}
with plots.style(LANG, synthetic=True):
    fig, ax = plt.subplots(figsize=(8, 2.8))
    colours, bins = ["0.6", "#D55E00"], np.arange(-2, 3.5, 0.1)
    ax.hist([known, filled], bins, stacked=True, color=colours, label=GROUPS[::-1])
    for values, colour in zip((known, filled), colours):
        ax.axvline(values.mean(), color=colour, ls="--")
    ax.set(xlabel=LABELS[LANG][0], ylabel=LABELS[LANG][1])
    ax.legend()

# %% [markdown] lang="zh"
# **解释**：并不中性。填补的客户全部落在**同一个值**上，在这一列里彼此距离为零，就被拉到一起；
# 他们也不在平均位置，而是偏在一边（虚线是两组的平均）。这么多客户共有一个值，
# 足以帮着造出一个“簇”。补救：让另一列（这里是 `is_business`）写明谁缺失，缺得太多的列干脆不用，
# 并记下填了多少。第 00 章的警告里就有这一条。
#
# ## 4 谁决定“距离”？
#
# k 均值看的是平方距离。就用原来的表：所有客户之间的平方距离，有多少出自最强的**一列**？

# %% [markdown] lang="en"
# **Explain.** It is not neutral. All filled customers sit at **one value**: in this column their
# distance is zero, and that pulls them together. Nor do they sit at the mean, but to one side of it
# (the dashed lines are the two means). One value shared by so many customers can
# help to make a cluster. What helps: another column that says who was missing (here `is_business`),
# leaving out a column with too many gaps, and saying how many were filled. A warning in chapter 00
# says so.
#
# ## 4 What decides the distance?
#
# K-means works with squared distances. Take the table as it is: how much of all squared distance
# between customers comes from the strongest **single column**?

# %%
guess("03.b", LANG)

# %%
share = (table.var() / table.var().sum()).sort_values(ascending=False)
print(share.head(4).map("{:.1%}".format).to_string())
print(f"\nage_years {share['age_years']:.0e}")

# %% [markdown] lang="zh"
# **解释**：几列金额就是全部的距离。用这张表聚类，等于只按钱分群：元的数字大，占比的数字小。
# 没有任何提示。
#
# **练习 03.2**（填空）：把 `table` 的各列放到相近的尺度上，使最强的一列占方差的 5% 以下。
# 缺失值先用中位数填好了。

# %% [markdown] lang="en"
# **Explain.** A few columns of money are the distance. Clustering this table is clustering by money
# alone: yuan are big numbers, shares are small ones. Nothing warns you.
#
# **Exercise 03.2** (fill in): bring the columns of `table` to a like scale, so that the strongest
# column has less than 5 % of the variance. Gaps are filled with the median already.

# %%
whole = table.fillna(table.median())

# %% tags=["exercise"]
scaled = ...
check("03.2", scaled, LANG)

# %% tags=["solution"]
scaled = (whole - whole.mean()) / whole.std()
check("03.2", scaled, LANG)

# %% [markdown] lang="zh"
# 除以标准差是修补的一半。再看金融资产取对数前后：

# %% [markdown] lang="en"
# Dividing by the standard deviation is half of the repair. Look at assets before and after a
# logarithm:

# %%
AXES = {
    "zh": ("金融资产（万元）", "log(1 + 金融资产/元)", "客户数"),
    "en": ("assets (10,000 CNY)", "log(1 + assets in CNY)", "customers"),
}[LANG]
with plots.style(LANG, synthetic=True):
    fig, (raw, logged) = plt.subplots(1, 2, figsize=(9, 3))
    raw.hist(table["aum_cny"] / 1e4, bins=60, color="0.5")
    raw.set(xlabel=AXES[0], ylabel=AXES[2])
    logged.hist(np.log1p(table["aum_cny"]), bins=60, color="#0072B2")
    logged.set(xlabel=AXES[1])

# %% [markdown] lang="zh"
# 左图里几乎所有人挤在最前面几根，少数人决定了尺度；取对数之后，“多十倍”在哪里都一样远。
# 预处理依次做四件事：填补、截去最外面的值、对金额和次数取对数、标准化。
#
# 谁和谁相近？自己试：`explore` 的两个开关是取对数和标准化，黑星是一位客户，彩点是离他最近的五位。
# （它要一个分群结果来取客户表。）

# %% [markdown] lang="en"
# On the left almost everybody is in the first bars and a few decide the scale; after the logarithm
# “ten times more” is as far everywhere. Preprocessing does four things: fill gaps, clip the
# outermost values, take logarithms of money and counts, scale.
#
# Who is near whom? Try it: the two switches of `explore` are logarithm and scaling, the black star
# is a customer, the coloured dots are the five nearest. (It takes the customer table from a
# result.)

# %%
result = kq.segment(**data, k=2, start="search", starts=1, stability=0, quiet=True)
explore("scale", result, language=LANG)

# %% [markdown] lang="zh"
# ## 5 对数也治不了的
#
# 经营贷余额，取对数并标准化之后是什么形状？

# %% [markdown] lang="en"
# ## 5 What the logarithm does not cure
#
# Business loans: which shape have they after logarithm and scaling?

# %%
guess("03.c", LANG)

# %%
LABELS = {
    "zh": ("经营贷余额（取对数、标准化之后）", "客户数（对数轴）"),
    "en": ("business loan, log and scaled", "customers (log axis)"),
}[LANG]
with plots.style(LANG, synthetic=True):
    fig, ax = plt.subplots(figsize=(8, 2.8))
    ax.hist(z["micro_loan_cny"], bins=60, color="#D55E00")
    ax.set(xlabel=LABELS[0], ylabel=LABELS[1], yscale="log")
print(f"micro_loan_cny == 0: {(table['micro_loan_cny'] == 0).mean():.0%}")

# %% [markdown] lang="zh"
# **解释**：两堆：没有和有（纵轴是对数，否则看不见第二堆）。这一列说的是**有没有**贷款，
# 几乎不说**多少**。也许这正是你要的，但应当是你知道的。
#
# ## 6 类别变量与权重
#
# 银行的表里还有文字列。k 均值只认数，而 1、2、3 这样的编码会让“护士”落在“农民”与“职员”之间。
# 做法：职业变成每个类别一列（除以占比的平方根，再整体缩放），学历按写明的顺序打分。
# 这样一列三种职业，比起年龄有多重？

# %% [markdown] lang="en"
# **Explain.** Two heaps: none, and some (the vertical axis is logarithmic, or the second would not
# be seen). The column says *whether* there is a loan and hardly *how much*. That may be what you
# want. It should be what you know.
#
# ## 6 Categories and weights
#
# A bank's table has words in it, too. K-means takes numbers only, and codes such as 1, 2, 3 would
# put nurses between farmers and clerks. Instead an occupation becomes one column per level (over
# the square root of its share, then scaled together), and education is scored in the order that
# you give. How much does one column of three occupations weigh, beside age?

# %%
rng = np.random.default_rng(0)
JOBS = {"zh": ["农民", "职员", "护士"], "en": ["farmer", "clerk", "nurse"]}[LANG]
LEVELS = {"zh": ["小学", "中学", "大学"], "en": ["primary", "secondary", "tertiary"]}[LANG]
words = pd.DataFrame({"age": rng.normal(45, 12, 600)})
words["job"] = rng.choice(JOBS, 600, p=[0.6, 0.3, 0.1])
words["education"] = rng.choice(LEVELS, 600)
declared = {"job": [], "education": LEVELS}
coded = features.preprocessor(words.columns, categories=declared).fit_transform(words)
coded.groupby(words["job"]).mean().round(2)

# %%
variance = coded.var(ddof=0).groupby(coded.columns.str.split(":").str[0]).sum()
print({"zh": "每列的方差：", "en": "variance of each column:"}[LANG])
print(variance.round(2).to_string())

# %% [markdown] lang="zh"
# **解释**：每列的总方差都是 1：职业虽有三个坐标，合起来与年龄一样重。少见的职业离得比常见的远；
# 学历只有一个坐标。分群时写 `kq.segment(table, categories=…)`；要让某列更重，
# 写 `weights={"age": 2}`，它就当两列算。这样的簇一律用搜索得到，
# 而稳定性的判断标准只用数值变量检验过。

# %% [markdown] lang="en"
# **Explain.** Each column has variance 1 in all: an occupation has three coordinates and weighs as
# much as age. A rare occupation lies farther out than a common one; education stays one coordinate.
# In a run it is `kq.segment(table, categories=…)`; where a column shall count more,
# `weights={"age": 2}` lets it count as two. Clusters of such a table are found by a search, and the
# verdicts on stability were checked on numbers only.

# %% [markdown] lang="zh"
# ## 带走三句话
#
# 1. 每位客户一行；缺失不是零，填补也不是中性的。
# 2. 不缩放，距离就由单位决定；缩放之后，每一列一样重，这同样是一种选择。
# 3. 聚类之前先画一画每一列的形状。
#
# **延伸阅读**
#
# - Hastie, Tibshirani, Friedman (2009), *The Elements of Statistical Learning*, 14.3 节：
#   变量的尺度与权重怎样决定聚类。
# - Little, Rubin (2019), *Statistical Analysis with Missing Data*, 第 3 版：
#   用一个数填补会带来什么。
# - Milligan, Cooper (1988), *A study of standardization of variables in cluster analysis*,
#   Journal of Classification 5：各种标准化的比较。

# %% [markdown] lang="en"
# ## Three things to take away
#
# 1. One row per customer; missing is not zero, and filling is not neutral.
# 2. Unscaled, units decide the distance; scaled, every column counts alike, which is a choice, too.
# 3. Draw the shape of every column before you cluster.
#
# **Further reading**
#
# - Hastie, Tibshirani and Friedman (2009), *The Elements of Statistical Learning*, section
#   14.3: how scale and weights of variables decide a clustering.
# - Little and Rubin (2019), *Statistical Analysis with Missing Data*, 3rd edition: what filling
#   with one number does.
# - Milligan and Cooper (1988), *A study of standardization of variables in cluster analysis*,
#   Journal of Classification 5: ways to scale compared.

# %% [markdown] lang="zh"
# ## 这一章没有说明什么
#
# - 没有说明这些就是该用的特征：选特征的人和写**合成**银行的人是同一批，
#   所以它们看得见银行里藏了什么（第 02 章的循环论证）。
# - 没有说明各列一样重就对：几列说同一件事，那件事就算了几次。
# - 截止日和十二个月的窗口是参数，换一天就是另一张表。
# - 除了“人货场”三个字，这里没有一样出自文章。
#
# **下一章**：[04 起点的运气](04_segments.ipynb)

# %% [markdown] lang="en"
# ## What this does not show
#
# - Not that these are the right features: those who chose them also wrote the **synthetic** bank,
#   so that they see what it hides (circularity, chapter 02).
# - Not that equal weights are right: several columns that say one thing count it several times.
# - The last day and the window of twelve months are arguments; another day gives another table.
# - Nothing here comes from the article except the words 人货场.
#
# **Next:** [04 A start's luck](04_segments.ipynb)
