# %% [markdown]
# # 03 特征 · From raw tables to one row per customer
#
# 问：聚类吃什么？ What does k-means eat?
#
# A bank has *events* (交易流水), *holdings* (持有产品) and *customers* (客户). K-means wants **one
# row per customer, numbers only, every column on a like scale**. This chapter goes that way, and
# shows two places where it silently goes wrong.
#
# All customers here are **synthetic** (合成数据).

# %%
# %matplotlib inline
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from kequn_lab import contract, features, plots, synth
from kequn_lab.contract import reading
from kequn_lab.features import preprocessing

SAMPLE, AS_OF = Path("../../data/sample"), "2024-12-31"

# %% [markdown]
# ## 原始表 · The raw tables
#
# `reading.read_table` checks a table against its contract (数据契约): names, units, ranges, keys.

# %%
if (SAMPLE / "events.parquet").exists():
    customers = reading.read_table(SAMPLE / "customers.csv", contract.CUSTOMERS)
    events = reading.read_table(SAMPLE / "events.parquet", contract.EVENTS)
    holdings = reading.read_table(SAMPLE / "holdings.parquet", contract.HOLDINGS)
else:  # no sample here: draw one
    bank = synth.make_bank(2000, random_state=0, as_of=AS_OF)
    customers, events, holdings = bank.customers, bank.events, bank.holdings
print(f"synthetic: {len(customers):,} customers, {len(events):,} events")
events.head()

# %% [markdown]
# ## 一个特征,亲手算 · One feature by hand
#
# 柜台占比, the share of a customer's events at the counter. In pandas it is one line:

# %%
by_hand = (events["channel"] == "counter").groupby(events["customer_id"]).mean()
by_hand.describe().round(3)

# %% [markdown]
# The kit makes all features by **one SQL text**, which a bank's auditor can read and any engine
# can run. Given a table that has channels only, it says what it can:

# %%
print(features.feature_sql({"events": {"channel"}}, as_of=AS_OF))

# %% [markdown]
# Now all of them, from all three tables; and the check that hand and SQL agree:

# %%
table = features.customer_features(events, customers=customers, holdings=holdings, as_of=AS_OF)
same = np.allclose(table["counter_share"].dropna(), by_hand.reindex(table.index).dropna())
print(f"{table.shape[0]:,} customers × {table.shape[1]} features; by hand the same: {same}")
table.iloc[:4, :8].round(2)

# %% [markdown]
# The article speaks of 人货场, people, goods and place ("用户,产品和服务,渠道、平台和系统"). Each
# feature stands in one of the three blocks. Which feature belongs where is *our* choice.

# %%
names = features.feature_dictionary()
names.groupby("block")["feature"].agg(["count", "first", "last"])

# %% [markdown]
# ## 猜：银行没有这一列会怎样？ · Guess: what if a bank lacks a column?
#
# Suppose the bank does not record channels. What becomes of `counter_share`: zero, the average,
# an error, or something else?

# %%
without = features.customer_features(events.drop(columns="channel"), as_of=AS_OF)
for name in ("counter_share", "helped_share", "aum_cny", "age_years"):
    print(f"{name:14} in the table: {name in without}; {without.attrs['left_out'][name]}")

# %% [markdown]
# **解 Explain.** It is left out **by name**. A column of zeros would read "nobody ever visits the
# counter", and the model would believe it. Missing is not zero (缺失不是零).
#
# ## 猜：谁的值会缺？ · Guess: whose values are missing?

# %%
missing = table.isna().mean()
firm = table["is_business"] == 1
print(missing[missing > 0].sort_values(ascending=False).round(3).to_string(), "\n")
print("risk class missing, firms:  ", f"{table.loc[firm, 'risk_rank'].isna().mean():.0%}")
print("risk class missing, persons:", f"{table.loc[~firm, 'risk_rank'].isna().mean():.0%}")

# %% [markdown]
# **解 Explain.** These gaps mean something: a firm has no personal risk class, a customer who
# never came to the counter has no minutes there. The preprocessor fills a gap with the median,
# which is *neutral* for k-means: it pulls the customer nowhere. It also hides the meaning, and
# `is_business` has to carry it.

# %% [markdown]
# ## 猜：两位客户的"距离"由谁决定？ · Guess: which column decides the distance?
#
# K-means works with squared distances. Take the table as it is. What part of all squared
# distances between customers comes from the single strongest column? From age?

# %%
share = (table.var() / table.var().sum()).sort_values(ascending=False)
print(share.head(4).map("{:.1%}".format).to_string())
print(f"\nage_years {share['age_years']:.0e}")

# %% [markdown]
# **解 Explain.** A few columns of money are the distance. Clustering this table is clustering
# by money alone: yuan are big numbers, shares are small ones. Nothing warns you.
#
# ## 修：对数与尺度 · Repair: logarithm and scale
#
# Dividing by the standard deviation is half of the repair. Look at assets, before and after a
# logarithm:

# %%
with plots.style("zh", synthetic=True):
    fig, (raw, logged) = plt.subplots(1, 2, figsize=(9, 3.2))
    raw.hist(table["aum_cny"] / 1e4, bins=60, color="0.5")
    raw.set(xlabel="金融资产（万元）", ylabel="客户数", title="原始值")
    logged.hist(np.log1p(table["aum_cny"]), bins=60, color="#0072B2")
    logged.set(xlabel="log(1 + 金融资产/元)", title="取对数之后")

# %% [markdown]
# On the left almost everyone is in the first bars and a handful decides the scale; after the
# logarithm "ten times more" counts the same everywhere. The preprocessor imputes, clips the
# outermost values, takes logs where the feature table says so, then scales:

# %%
model_table = preprocessing.model_columns(table)
pipeline = preprocessing.preprocessor(model_table.columns)
z = pipeline.fit_transform(model_table)
share = (z.var() / z.var().sum()).sort_values(ascending=False)
print("strongest and weakest column's part of the squared distance:")
print(f"{share.iloc[0]:.2%}  {share.iloc[-1]:.2%}")

# %% [markdown]
# ## 还有一个坑 · One more trap
#
# The logarithm does not cure everything. Business loans: guess the shape of the picture first.

# %%
with plots.style("zh", synthetic=True):
    fig, ax = plt.subplots(figsize=(8, 3))
    ax.hist(z["micro_loan_cny"], bins=60, color="#D55E00")
    ax.set(xlabel="经营贷余额（取对数、标准化之后）", ylabel="客户数（对数轴）", yscale="log")
print(f"share of customers without a business loan: {(table['micro_loan_cny'] == 0).mean():.0%}")

# %% [markdown]
# **解 Explain.** Two heaps: none, and some (the vertical axis is logarithmic, or you would not see
# the second). After log and scale the column says *whether* there is a loan and hardly *how much*.
# That may be what you want. It should be what you know.

# %% [markdown]
# ## 类别变量：职业、学历 · Categories: occupation, education
#
# 您银行的表里有文字列。K 均值只认数字，而 1、2、3 这样的编码会让"护士"落在"农民"与"职员"之间。
# 做法：职业变成每个类别一列（除以占比的平方根，再整体缩放），学历按申明的顺序打分。
#
# A bank's own table has words in it. Codes such as 1, 2, 3 would put nurses between farmers and
# clerks. Guess: how much does one column of three occupations weigh, beside age?

# %%
rng = np.random.default_rng(0)
own = pd.DataFrame(
    {
        "age": rng.normal(45, 12, 600),
        "job": rng.choice(["farmer", "clerk", "nurse"], 600, p=[0.6, 0.3, 0.1]),
        "education": rng.choice(["小学", "中学", "大学"], 600),
    }
)
declared = {"job": [], "education": ["小学", "中学", "大学"]}
coded = preprocessing.preprocessor(own.columns, categories=declared).fit_transform(own)
print(coded.groupby(own["job"]).mean().round(2).to_string(), "\n")
variance = coded.var(ddof=0).groupby(coded.columns.str.split(":").str[0]).sum()
print(f"variance of each column:\n{variance.round(2).to_string()}")

# %% [markdown]
# **解 Explain.** 每列的总方差都是 1：职业虽有三个坐标，合起来与年龄一样重。
#
# Each column has variance 1 in all, however many levels it has. A rare occupation lies farther out
# than a common one, and education stays one coordinate. In a run: `kq.segment(table,
# categories=…)`, and `weights=…` where a column shall count more (权重). Clusters of such a table
# are found by a search, and the verdicts on their stability were calibrated on numbers only.

# %% [markdown]
# ## 这一章没有说明什么 · What this does not show
#
# - Not that these are the right features. They were chosen by the same people who wrote the
#   **synthetic** bank, so they see what it hides: see the warning on circularity (循环论证) in
#   chapter 02.
# - Equal weight for each column is a choice, too: several columns that say the same thing count
#   several times.
# - `as_of` and the window of twelve months are arguments. Another day gives another table.
# - Nothing here comes from the article except the words 人货场.
#
# **下一章 Next:** [04 分群 · segments](04_segments.ipynb).
