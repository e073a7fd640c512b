# %% [markdown] lang="zh"
# # 11 一台机器装不下时
#
# **目标**：能在 Spark 上做同一件事，并说清什么变了、什么不变；能决定在哪里拟合。
# **时间**：20 分钟。
#
# | 词 | 英文 | 意思 |
# |---|---|---|
# | 集群 | cluster (of machines) | 一起干活的多台机器；与聚类的“簇”无关 |
# | 驱动程序 | driver | 你运行的这一端，收回结果 |
# | 分区 | partition | 表的一块，一次由一个核处理 |
# | 分层样本 | stratified sample | 每一层都按同样比例抽取的样本 |
# | 标签 | label | 每位客户属于哪个客群 |
#
# 本章用 `local[2]`：Spark 就在这台机器上，用两个核。代码与真的集群上一样。客户都是**合成**的。
# 没有安装 PySpark 或 Java 时，Spark 的单元会跳过，其余照常。

# %% [markdown] lang="en"
# # 11 Where one machine ends
#
# **Goal**: do the same job on Spark, and say what changes and what does not; decide where to fit.
# **Time**: 20 minutes.
#
# | word | in Chinese | meaning |
# |---|---|---|
# | cluster (of machines) | 集群 | several machines that work together; nothing to do with k-means |
# | driver | 驱动程序 | the side that you run, which gets the results |
# | partition | 分区 | a piece of a table, on which one core works at a time |
# | stratified sample | 分层样本 | a sample with the same share of each stratum |
# | label | 标签 | which segment each customer is in |
#
# This chapter uses `local[2]`: Spark on this machine, with two cores. The code is that of a real
# cluster. All customers are **synthetic**. Without PySpark or Java the cells of Spark are skipped.

# %%
import tempfile
from pathlib import Path

import numpy as np

import kequn_lab as kq
from kequn_lab import features, spark, synth
from kequn_lab.workshop import check, evidence, guess

LANG = "en"
at, AS_OF = int(LANG == "en"), "2024-12-31"
facts = evidence("11_facts")

# %% [markdown] lang="zh"
# 先启动 Spark。它是一个 Java 程序，启动要几秒；之后本章都用这一个会话。

# %% [markdown] lang="en"
# First, start Spark. It is a Java program and takes some seconds to start; the whole chapter uses
# this one session.

# %%
session = spark.local_session(2)
if session is None:
    print(
        ("没有 PySpark 或 Java：Spark 的单元会跳过", "No PySpark or no Java: Spark is skipped")[at]
    )

# %% [markdown] lang="zh"
# 再生成 300 位合成客户，写成 Parquet 文件；两个引擎读的是同样的文件。

# %% [markdown] lang="en"
# Then draw 300 synthetic customers and write them as Parquet files, which both engines read.

# %%
folder = Path(tempfile.mkdtemp())
synth.write_bank(folder, n_customers=300, random_state=0, as_of=AS_OF, progress=False)
paths = {name: folder / f"{name}.parquet" for name in ("events", "customers", "holdings")}

# %%
tables = {name: session.read.parquet(str(path)) for name, path in paths.items()} if session else {}

# %% [markdown] lang="zh"
# ## 1 猜：多少行要离开集群？
#
# 一家银行有两千位客户，一年的交易在集群上。k 均值要的是客户表，不是交易。

# %% [markdown] lang="en"
# ## 1 Guess: how many rows must leave the cluster?
#
# A bank of two thousand customers has a year of transactions on a cluster. k-means needs the table
# of customers, not the transactions.

# %%
guess("11.a", LANG)

# %%
words = (
    "{events:,} 笔交易，{customers:,} 行客户：每行代表 {events_per_row} 笔",
    "{events:,} transactions, {customers:,} rows of customers: {events_per_row} to a row",
)
print(words[at].format(**facts))

# %% [markdown] lang="zh"
# ## 2 特征：在数据所在之处计算
#
# 同一段 SQL，这里由 DuckDB 执行，那里由 Spark 执行。结果应当相同，差别只在浮点数最后几位：

# %% [markdown] lang="en"
# ## 2 Features: computed where the data lie
#
# One SQL text, executed by DuckDB here and by Spark there. Results should be the same up to the
# last digits of a floating-point number:

# %%
here = features.customer_features(**paths, as_of=AS_OF)
if session:
    lazy = spark.customer_features(**tables, as_of=AS_OF).cache()
    there = lazy.toPandas().set_index("customer_id").sort_index()[here.columns]
    gap = np.nanmax(np.abs(there.to_numpy(float) - here.to_numpy(float)))
    print(here.shape, there.shape, f"{gap:.1e}")

# %% [markdown] lang="zh"
# Spark 是惰性的：`spark.customer_features` 只写下计划，`toPandas` 才真正计算并取回。
#
# ## 3 在这里拟合，在那里打标签
#
# 模型只有一页（第 09 章的评分卡），可以送到集群上；客户不必过来：

# %% [markdown] lang="en"
# Spark is lazy: `spark.customer_features` writes down a plan, `toPandas` computes it and brings the
# rows home.
#
# ## 3 Fit here, label there
#
# The model is one page (the scorecard of chapter 09) and can be sent to the cluster; customers
# stay where they are:

# %%
more = {"customers": paths["customers"], "holdings": paths["holdings"], "as_of": AS_OF}
result = kq.segment(paths["events"], **more, stability=0, starts=5, quiet=True)
if session:
    labels = spark.label(result.card, lazy).toPandas().set_index("customer_id")["cluster"]
    own = result.labels.set_index("customer_id")["cluster"]
    differ = int((labels.loc[own.index] != own).sum())
    print(("标签不同的客户：", "customers with another label:")[at], differ)

# %% [markdown] lang="zh"
# ## 4 客户多得取不回来：抽样
#
# 客户不超过一百万时，`kq.segment(spark 表)` 全部取回；更多时取分层样本，并说明占比的误差。
# 占比为 p 时，样本 n 位的误差（95%）至多是 1.96 × √(p(1 − p) / n)，p 为一半时最大。
#
# ### 练习 11.1 填空：要多少位？
#
# 占比的误差不超过**半个百分点**（95%），样本至少要多少位客户？

# %% [markdown] lang="en"
# ## 4 Too many customers to bring home: a sample
#
# Up to a million customers `kq.segment(Spark tables)` brings all home; of more, a stratified
# sample, and it says the error of a share. For a share p and n customers the error (95 %) is at
# most 1.96 × √(p(1 − p) / n), and largest where p is one half.
#
# ### Exercise 11.1 Fill in: how many?
#
# The share of a segment shall be off by **half a point** at most (95 %). How many customers must
# the sample have?

# %% tags=["exercise"]
answer = ...
check("11.1", answer, LANG)

# %% tags=["solution"]
answer = (1.96 / 0.005) ** 2 * 0.5 * (1 - 0.5)
check("11.1", answer, LANG)

# %% [markdown] lang="zh"
# ## 5 样本也不许取回：让 Spark 拟合
#
# `kq.segment(表, fit_on="cluster")`（命令行 `--fit-on cluster`）用 Spark 自带的 k 均值
# （`pyspark.ml`，k-means||）在全部客户上拟合，中心装进同一个评分卡，名称、画像、报告照旧
# （最多取回十万位客户用于画像）。它只有三个起点，没有本工具的换点搜索，
# 所以结果会说明自己离搜索有多远：

# %% [markdown] lang="en"
# ## 5 Not even a sample to fit on: let Spark fit
#
# `kq.segment(table, fit_on="cluster")` (`--fit-on cluster` on the command line) fits Spark's own
# k-means (`pyspark.ml`, k-means||) to all customers. Its centres go into the same scorecard; names,
# profiles and report are made as ever, from 100,000 customers at most. It has three starts and no
# search by swaps, so the result says how far it is from the search:

# %%
words = (
    "{customers:,} 位客户：组内平方和是搜索的 {ratio} 倍，调整兰德指数 {rand}，"
    "{n_segments} 个客群中 {same} 个相同",
    "{customers:,} customers: inertia {ratio} times that of the search, adjusted Rand index "
    "{rand}, {same} of {n_segments} segments the same",
)
print(words[at].format(**facts))

# %% [markdown] lang="zh"
# ### 练习 11.2 决定：在哪里拟合？
#
# 你的银行有四千万位客户，样本可以离开集群。填 `"collect"`（全部取回）、`"sample"`（样本上搜索）或
# `"cluster"`（由 Spark 拟合）。

# %% [markdown] lang="en"
# ### Exercise 11.2 Decide: where to fit?
#
# Your bank has forty million customers, and a sample may leave the cluster. Choose `"collect"`
# (bring all home), `"sample"` (search a sample) or `"cluster"` (let Spark fit).

# %% tags=["exercise"]
answer = ...
check("11.2", answer, LANG)

# %% tags=["solution"]
answer = "sample"
check("11.2", answer, LANG)

# %% [markdown] lang="zh"
# ## 6 换到真的集群，什么会变？
#
# | | 这里 | 集群上 |
# |---|---|---|
# | 地址 | `local[2]` | `spark://主机:7077`、`yarn`、`k8s://…`；Connect 写 `sc://主机:15002` |
# | 文件 | 本机路径 | 每台机器都能读的路径，如 `hdfs://…`、`s3a://…` |
# | Java | 本机要有 | 用 Connect 时只在服务器上 |
# | 机器坏了 | 任务停止 | 那一块在别处重算，标签不变 |
# | 标签 | 取回 | `--labels-to 路径` 写在集群上；看到 `_SUCCESS` 才算写完 |
# | 没有应答 | 不会 | 几秒内报错，不会一直等 |
#
# SQL、评分卡和客群名称都不变。小表不要上集群：光是启动和排计划就要几十秒。

# %% [markdown] lang="en"
# ## 6 On a real cluster, what changes?
#
# | | here | on a cluster |
# |---|---|---|
# | address | `local[2]` | `spark://HOST:7077`, `yarn`, `k8s://…`; Connect: `sc://HOST:15002` |
# | files | paths of this machine | paths that every machine reads, such as `hdfs://…`, `s3a://…` |
# | Java | needed here | with Connect, on the server only |
# | a machine dies | the job ends | its pieces are computed elsewhere; labels are the same |
# | labels | brought home | `--labels-to PATH` on the cluster; whole once `_SUCCESS` is there |
# | no answer | cannot be | an error after seconds, no endless waiting |
#
# SQL, scorecard and names stay as they are. A small table has no place on a cluster: starting and
# planning alone take tens of seconds.

# %%
if session:
    session.stop()

# %% [markdown] lang="zh"
# ## 带走三句话
#
# 1. 聚合在数据所在之处做，取回的是每位客户一行；模型送过去，客户不用过来。
# 2. 样本的误差看样本有多大，不看银行有多大。
# 3. 换了引擎要对答案：特征和标签都应相同；拟合方法变了，就要说明差多少。
#
# ## 延伸阅读
#
# - Zaharia et al. (2012), Resilient Distributed Datasets, NSDI：机器坏了为什么能重算。
# - Armbrust et al. (2015), Spark SQL: Relational Data Processing in Spark, SIGMOD。
# - Bahmani et al. (2012), Scalable K-Means++, PVLDB 5:622：k-means|| 的起点。

# %% [markdown] lang="en"
# ## Three things to take away
#
# 1. Aggregate where the data lie: only one row per customer leaves it; the model is sent there.
# 2. The error of a sample depends on the size of the sample, not of the bank.
# 3. Another engine is checked: features and labels must be the same; another way of fitting says
#    how far it is off.
#
# ## Further reading
#
# - Zaharia et al. (2012), Resilient Distributed Datasets, NSDI: why lost pieces are computed again.
# - Armbrust et al. (2015), Spark SQL: Relational Data Processing in Spark, SIGMOD.
# - Bahmani et al. (2012), Scalable K-Means++, PVLDB 5:622: the starts of k-means||.

# %% [markdown] lang="zh"
# ## 这一章没有说明什么
#
# - 没有说明集群有多快：`local[2]` 与 DuckDB 在同一台机器上，多台机器之间还有网络。
# - 没有说明你的集群的权限、队列和费用。
# - 这里的客户是**合成**的；真实的表有倾斜（少数客户占去大多数交易），个别分区会慢得多。
# - 文章没有谈数据量和机器。
#
# 回到[00 从这里开始](00_start_here.ipynb)。

# %% [markdown] lang="en"
# ## What this does not show
#
# - Not how fast a cluster is: `local[2]` shares a machine with DuckDB, several machines have a
#   network between them.
# - Not the rights, queues and costs of your cluster.
# - Customers here are **synthetic**; real tables are skewed (few customers with most of the
#   transactions), and some partitions take much longer.
# - The article says nothing of the amount of data or of machines.
#
# Back to [00 Start here](00_start_here.ipynb).
