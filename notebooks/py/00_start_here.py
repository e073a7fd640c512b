# %% [markdown]
# # 00 从这里开始 · Start here
#
# 客群实验室 (kequn_lab) puts bank customers into groups that resemble each other (客群, segments),
# names the groups, and compares the customers that internet banks want with those that
# traditional banks have. This page goes the **whole way** (全程) in a few cells. The chapters after
# it go the same way slowly.
#
# Every customer in this course is **synthetic** (合成数据): drawn from written-down assumptions, so
# that the true segments are known and nobody's data are shared.

# %%
# %matplotlib inline
from pathlib import Path

import kequn_lab as kq

SAMPLE, AS_OF = Path("../../data/sample"), "2024-12-31"

# %% [markdown]
# ## 1 数据 · Data
#
# A small bank comes with the kit: customers (客户), a year of events (交易流水) and holdings
# (持有产品).

# %%
if (SAMPLE / "events.parquet").exists():
    data = {
        "table": SAMPLE / "events.parquet",
        "customers": SAMPLE / "customers.csv",
        "holdings": SAMPLE / "holdings.parquet",
        "as_of": AS_OF,
    }
else:  # no sample here: draw one
    data = {"table": kq.make_bank(2000, random_state=0, as_of=AS_OF)}
kq.read_table(SAMPLE / "customers.csv").head(3) if "customers" in data else data["table"]

# %% [markdown]
# ## 2 猜 · Guess
#
# The article behind this kit names eight segments: 小微企业, 个体户, 农户, 年轻人, 中低收入者,
# 结构性存款客群, 老年客群, 科创企业. The algorithm (k-means) starts where we expect each of them to
# stand (older customers, more counter visits, …; mostly our assumption) and then follows the
# customers. No truth is told. Write down: will each of the eight keep its name?

# %%
result = kq.segment(**data, stability=0, quiet=True)
print(result.summary())

# %% [markdown]
# ## 3 看 · Look
#
# How large is each segment? Bars carry an interval (区间): another sample of customers from the
# same bank would give a slightly different bar.

# %%
result.plot("sizes", language="zh")

# %% [markdown]
# What marks them? Each cell is the distance of a segment from all other customers, in standard
# deviations (标准差): red is more than the others, blue is less.

# %%
result.plot("heat_map", language="zh")

# %% [markdown]
# **解 Explain.** *The price of this reading* is the cost of having the article's segments:
# tighter groups exist, which are others (chapter 04). Read one column from top to bottom and
# you have a segment. If a cluster is called by its marks (such as 柜台多·年龄大), it resembles none
# of the eight well enough; and a name that is missing from the picture was not found. K-means
# always returns as many clusters as it is asked for: that says nothing about how many there
# *are* (chapter 05).
#
# ## 4 比较 · Compare
#
# Internet banks (互联网银行) against traditional banks (传统银行): the largest differences between
# the two target groups.

# %%
comparison = result.comparison
comparison[["variable", "mean_a", "mean_b", "effect", "effect_low", "effect_high"]].head(8).round(2)

# %% [markdown]
# `effect` is in standard deviations; `_low` and `_high` are a 95 % interval. `mean_a` is the
# internet banks' group, `mean_b` the traditional banks'. That the groups are made of *these*
# segments is partly the article's and partly our reading of it (chapters 01 and 07).
#
# ## 5 带走 · Take it with you
#
# One row per customer, ready for a campaign system (chapter 09):

# %%
result.labels.head()

# %% [markdown]
# `result.to_csv("labels.csv")` writes them, `result.report("report.html", language="zh")` writes
# everything as one page, and `result.rename({5: "高净值客户"})` gives a segment another name. The
# same on the command line, with all tables, pictures and a record of the run:
#
# ```
# kequn run --out data/output/first
# ```
#
# ## 你自己的数据 · Your own data
#
# ```
# kequn run  my_customers.xlsx --out results      # one row per customer
# kequn init my_events.csv                        # transactions: guesses a mapping to look through
# kequn run  my_events.csv --mapping mapping.toml --out results
# ```
#
# In Python: `kq.segment(my_table, id="客户编号", k=5)`. Files may be CSV of any encoding (UTF-8,
# GBK …), Excel or Parquet. A mapping (映射, a small TOML file; examples in `data/mappings/`) says
# which of your columns and codes is which. A column that your bank lacks costs the features that
# need it, by name, and nothing else. These columns are understood; the `required` ones must be
# there:

# %%
from kequn_lab import contract

contract.EVENTS.describe()[["column", "dtype", "unit", "required", "meaning"]]

# %% [markdown]
# What if a table is wrong? It is refused, and the message says where:

# %%
import pandas as pd

wrong = pd.DataFrame(
    {
        "customer_id": ["a", "b"],
        "timestamp": ["2024-03-01", "2024-02-30"],
        "amount_cny": [-5.0, 20.0],
    }
)
contract.check(wrong, contract.EVENTS)

# %% [markdown]
# ## 接下来 · Where to go next
#
# | 章 chapter | 问题 question |
# |---|---|
# | [01 文章](01_article.ipynb) | What does the article say, and what not? |
# | [02 合成银行](02_synthetic_bank.ipynb) | How is a synthetic customer made? |
# | [03 特征](03_features.ipynb) | From raw tables to one row per customer |
# | [04 分群](04_segments.ipynb) | Does k-means find the segments? |
# | [05 几个](05_choosing.ipynb) | How many segments, and are they stable? |
# | [06 画像](06_profiles.ipynb) | Who is in each segment? |
# | [07 比较](07_compare.ipynb) | Internet bank against traditional bank |
# | [08 产品](08_products.ipynb) | Who gets what, and where? |
# | [09 交付](09_export_and_monitor.ipynb) | Labels, scorecard, next month |

# %% [markdown]
# ## 这一章没有说明什么 · What this does not show
#
# - Nothing about any real customer or bank: the data are **synthetic**.
# - Not that there are eight segments: eight is the number of groups that the article names.
# - The article names the groups; it gives no sizes, no ages, no balances and no statistical method.
# - That a cluster bears a name does not make it true: chapter 04 opens the box.
