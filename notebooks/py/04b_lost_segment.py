# %% [markdown] lang="zh"
# # 04b 失踪的客群
#
# **学完能做到**：看出哪个真实客群没有自己的簇；数出一个名字有多准（纯度、召回率）；
# 比较几种补救办法，并用数字说出哪一个决定真正有用。
#
# **时间** 25 分钟。数据是**合成**的，所以“失踪”的客户查得到；真实的银行只能从线索推断。
#
# **术语**：纯度 purity · 召回率 recall · 对公/对私 business/personal · 交叉表 cross table ·
# 特征签名 signature · 惯量 inertia

# %% [markdown] lang="en"
# # 04b The lost segment
#
# **Afterwards you can** see which true segment has no cluster of its own, count how good a name is
# (purity, recall), compare several remedies, and say in figures which decision helps.
#
# **Time** 25 minutes. The data are **synthetic**, so lost customers can be looked up; at a real
# bank there are only clues.
#
# **Words**: purity (纯度) · recall (召回率) · business/personal (对公/对私) · cross table
# (交叉表) · signature (特征签名) · inertia (惯量)

# %%
LANG = "en"

import pandas as pd
from sklearn.cluster import KMeans

import kequn_lab as kq
from kequn_lab.plots.grids import truth_plot
from kequn_lab.validation.agreement import truth_table
from kequn_lab.workshop import check, evidence, explore, guess, sample, true_segments

# %%
search = kq.segment(**sample(), k=8, start="search", stability=0, quiet=True)
customers = search.features
true = true_segments().set_index("customer_id")["segment_id"].reindex(customers.index)
name = search.known_segments.set_index("segment_id")[f"name_{LANG}"]
said = {"zh": "{:,} 名合成客户，{} 个簇", "en": "{:,} synthetic customers, {} clusters"}
print(said[LANG].format(len(customers), len(search.names)))

# %% [markdown] lang="zh"
# ## 1 猜：谁没有簇？
#
# 第 04 章的搜索把客户分成八簇并起了名。文章的八个客群里，有一个没有分到簇。会是谁？

# %% [markdown] lang="en"
# ## 1 Guess: who has no cluster?
#
# The search of chapter 04 made eight clusters and named them. One of the article's eight segments
# got none. Which?

# %%
guess("04b.a", LANG)

# %%
HEAD = {
    "zh": ["簇", "客户数", "相似度", "领先次选"],
    "en": ["cluster", "customers", "similarity", "lead over next"],
}
names = search.names.merge(search.sizes[["segment_id", "customers"]], on="segment_id")
shown = names[[f"name_{LANG}", "customers", "similarity", "margin"]]
shown.style.hide().format(precision=2, na_rep="—").relabel_index(HEAD[LANG], axis="columns")

# %%
lost = name.index.difference(search.names["segment_id"])
print({"zh": "没有簇的客群：", "en": "segments without a cluster: "}[LANG], *name[lost])

# %% [markdown] lang="zh"
# **小微企业**不见了，多出一个用特征起暂用名的簇。科创企业客户这一簇的相似度很高，看上去没有问题；
# 只有一个线索：它领先次选最少（次选正是小微企业）。
#
# ## 2 它的客户去了哪里？
#
# 合成数据可以查。每一行是一个找到的簇，每一列是一个真实客群。

# %% [markdown] lang="en"
# **Micro enterprises** are gone, and there is a cluster with a working name instead. The similarity
# of the sci-tech cluster is high, all looks well; there is one clue: its lead over the next name is
# the smallest (and that name is micro enterprises).
#
# ## 2 Where did its customers go?
#
# Synthetic data can tell. Each row is a cluster found, each column a true segment.


# %%
def found_by(result):
    return result.labels.set_index("customer_id")["segment_id"].astype("str").reindex(true.index)


with search.styled(LANG):
    truth_plot(truth_table(found_by(search), true), names=search.known_segments)

# %% [markdown] lang="zh"
# 小微企业和科创企业同在一簇，而簇的名字给了**人少的一方**。有两个数说明一个名字有多准：
#
# - **纯度**：叫这个名字的客户里，有多少真的是？
# - **召回率**：真的是的客户里，有多少叫这个名字？
#
# ### 练习 04b.1（填空）
#
# 假如把这一簇改叫“小微企业”，纯度是多少？（`inside` 是这一簇里各真实客群的客户数）

# %% [markdown] lang="en"
# Micro enterprises and sci-tech corporates share a cluster, and its name went to **the smaller of
# the two**. Two figures say how good a name is:
#
# - **purity**: of the customers who bear the name, how many are it?
# - **recall**: of the customers who are it, how many bear the name?
#
# ### Exercise 04b.1 (fill in)
#
# If this cluster were called "Micro enterprises", what would its purity be? (`inside` counts the
# true segments in the cluster)

# %%
inside = true[found_by(search) == "scitech_corporate"].value_counts()
inside

# %% tags=["exercise"]
answer = ...  # a share between 0 and 1, computed from inside
check("04b.1", answer, LANG)

# %% tags=["solution"]
answer = inside["micro_enterprise"] / inside.sum()
check("04b.1", answer, LANG)

# %% [markdown] lang="zh"
# **线索**　在真实的银行没有 `true`。标签的 `margin`（在两簇边界上为 0，在中心为 1）能提醒我们吗？
# 被叫错的小微企业，是不是都站在边界上？

# %% [markdown] lang="en"
# **A clue.** A real bank has no `true`. Does the `margin` of a label (0 on the border of two
# clusters, 1 at a centre) warn us? Do the misnamed micro enterprises stand on a border?

# %%
SAID = {
    "zh": "margin 的中位数：被叫错的小微企业 {:.2f}，全体客户 {:.2f}",
    "en": "median margin: the misnamed micro enterprises {:.2f}, all customers {:.2f}",
}
margin = search.labels.set_index("customer_id")["margin"].reindex(true.index)
wrong = (true == "micro_enterprise") & (found_by(search) == "scitech_corporate")
print(SAID[LANG].format(margin[wrong].median(), margin.median()))

# %% [markdown] lang="zh"
# 不能。合并的簇离别的簇都很远，所以错误的标签看上去比平均更清楚。`margin` 衡量到别的簇的距离，
# 不衡量真假。
#
# ## 3 第一个嫌疑：簇太少
#
# 八簇不够，那就多要几个。猜：k = 9、10 或 12 能找到小微企业吗？

# %% [markdown] lang="en"
# It does not. The merged cluster lies far from all others, so the wrong labels look clearer than
# the average. `margin` measures the distance to other clusters, not the truth.
#
# ## 3 First suspect: too few clusters
#
# If eight are not enough, ask for more. Guess: do k = 9, 10 or 12 find the micro enterprises?

# %%
guess("04b.b", LANG)

# %%
HEAD = {
    "zh": {"method": "做法", "k": "k", "purity": "小微企业的纯度", "recall": "召回率",
           "named": "有这个名字", "right": "名字正确的客户"},
    "en": {"method": "method", "k": "k", "purity": "purity of micro", "recall": "recall",
           "named": "has the name", "right": "customers named right"},
}  # fmt: skip
METHOD = {
    "zh": {"search": "搜索", "sides": "对公、对私分开", "signatures": "从特征签名出发"},
    "en": {"search": "search", "sides": "two sides", "signatures": "start at the signatures"},
}

# %%
attempts = evidence("04b_attempts")


def table(rows):
    rows = rows.replace({"method": METHOD[LANG], "named": {True: "✓", False: "—"}})
    rows = rows[list(HEAD[LANG])].rename(columns=HEAD[LANG])
    return rows.style.hide().format(dict.fromkeys(list(rows)[2:4], "{:.2f}"))


table(attempts[attempts["method"] == "search"])

# %% [markdown] lang="zh"
# 找不到：纯度一点没变，名字正确的客户反而更少了（表由 `notebooks/evidence/04b.py` 算出）。
# 新的中心去了哪里？看把每一簇再切成两半，惯量各能降低多少：

# %% [markdown] lang="en"
# They do not: the purity is the same as before, and fewer customers are named right (the table was
# computed by `notebooks/evidence/04b.py`). Where did the new centres go? See how much the inertia
# falls when each cluster is cut in two:

# %%
z, clusters = search.pipeline["preprocess"].transform(customers), found_by(search)
falls = {}
for cluster, rows in z.groupby(clusters):
    halves = KMeans(2, n_init=10, random_state=0).fit(rows)
    falls[cluster] = ((rows - rows.mean()) ** 2).to_numpy().sum() - halves.inertia_
label = search.names.set_index("segment_id")[f"name_{LANG}"]
TITLE = {"zh": "切成两半，惯量降低", "en": "fall of the inertia when cut in two"}[LANG]
pd.Series(falls, name=TITLE).rename(label).sort_values(ascending=False).round(0).to_frame()

# %% [markdown] lang="zh"
# **解释**　k 均值把中心放到*惯量降得最多*的地方。切开老年客群或结构性存款客群，
# 比把小微和科创分开更“划算”，所以多出来的中心先到那里去。更大的 k 回答的是惯量的问题，
# 不是银行的问题。
#
# ## 4 第二个嫌疑：名字错了
#
# 那就把这一簇改名为小微企业（`search.rename({...})`，不用重新计算）。猜：
# 名字正确的客户多了还是少了？

# %% [markdown] lang="en"
# **Explain.** k-means puts a centre where it *lowers the inertia most*. Cutting the elderly or the
# structured-deposit customers pays more than telling micro from sci-tech, so further centres go
# there first. A larger k answers the question of the inertia, not that of the bank.
#
# ## 4 Second suspect: the name is wrong
#
# Then call the cluster Micro enterprises (`search.rename({...})`, nothing is fitted again). Guess:
# are more or fewer customers named right?

# %%
SAID = {
    "zh": ("名字正确的客户：改名前 {} 名，改名后 {} 名", "改名后没有簇的客群：{}（{} 名客户）"),
    "en": (
        "customers named right: {} before, {} after",
        "without a cluster now: {} ({} customers)",
    ),
}
before = (found_by(search) == true).sum()
after = before - inside["scitech_corporate"] + inside["micro_enterprise"]
print(SAID[LANG][0].format(before, after))
print(SAID[LANG][1].format(name["scitech_corporate"], (true == "scitech_corporate").sum()))

# %% [markdown] lang="zh"
# **解释**　改名让多数人的名字对了，却让另一个客群失踪：一簇装着两个客群，一个名字怎么取都会错一边。
#
# ## 5 一个银行家的决定
#
# 银行本来就把客户分成两边管理：**对公和对私**，不同的部门、产品和流程。`by=` 让每一边各自分群。
#
# ### 练习 04b.2（填空）
#
# 按哪一列分开？每个取值要几簇？目标：小微企业的纯度至少 0.7，**并且**名字正确的客户比搜索多。
# 例：`by = "risk_rank"`，`k = {1: 2, 2: 3}` 表示取值 1 的客户分两簇，取值 2 的分三簇。

# %% [markdown] lang="en"
# **Explain.** Another name is right for more customers and loses the other segment: one cluster
# holds two segments, so any single name is wrong for one of them.
#
# ## 5 A banker's decision
#
# Banks manage **business and personal customers** (对公/对私) separately anyway: other departments,
# other products. `by=` clusters each side separately.
#
# ### Exercise 04b.2 (fill in)
#
# By which column, and how many clusters for each of its values? The aim: a purity of micro
# enterprises of at least 0.7 **and** more customers named right than by the search. Example:
# `by = "risk_rank"`, `k = {1: 2, 2: 3}` makes two clusters of customers with 1, three of those
# with 2.


# %%
def score(result):
    """Purity of the cluster that holds most micro enterprises; points of right names gained."""
    found = found_by(result)
    counts = found[true == "micro_enterprise"].value_counts()
    gained = (found == true).sum() - (found_by(search) == true).sum()
    return {"purity": counts.max() / (found == counts.idxmax()).sum(),
            "points": 100 * gained / len(true)}  # fmt: skip


# %% tags=["exercise"]
by = ...  # a column of customers
k = ...  # clusters for each value: {value: number, value: number}
answer = {"by": by, "k": k}
if by is not ... and k is not ...:
    answer |= score(kq.segment(customers, by=by, k=k, stability=0, quiet=True))
    print(answer)
check("04b.2", answer, LANG)

# %% tags=["solution"]
by = "is_business"
k = {0: 6, 1: 3}
answer = {"by": by, "k": k}
answer |= score(kq.segment(customers, by=by, k=k, stability=0, quiet=True))
print(answer)
check("04b.2", answer, LANG)

# %% [markdown] lang="zh"
# 目录里的八个客群，对公三个，对私六个（个体户两边都有）。`by="is_business"` 默认就用这两个数：

# %% [markdown] lang="en"
# Of the catalogue's eight segments three bank as a business and six as persons (sole proprietors as
# both). `by="is_business"` takes these two numbers by default:

# %%
sides = kq.segment(customers, by="is_business", stability=0, quiet=True)
with sides.styled(LANG):
    truth_plot(truth_table(found_by(sides), true), names=sides.known_segments)

# %%
table(attempts)

# %% [markdown] lang="zh"
# **解释**　数一数：
#
# - **分开对公、对私**找到了小微企业，名字正确的客户也多了。只给了一列和两个数，没有给任何预期水平。
#   代价：科创企业有不少人落进了小微这一簇。
# - 但不是“一分就灵”：对公只要两簇（6+2），名字正确的客户也多了，小微和科创却还在一起；
#   对私少一簇（5+3），找到了小微，却丢了中低收入者。决定有两部分：**怎么分**，每边**几簇**。
# - 默认的做法（从特征签名出发）也找到了，而且更纯；不过它事先被告知去哪里找，而那些水平多数是假设。
#
# 换别的银行还成立吗？猜一猜，再看十家合成银行（“找到”：有一簇至少 70% 是小微企业，
# 并装下至少一半小微企业）。

# %% [markdown] lang="en"
# **Explain.** Counted:
#
# - **Business and personal separately** finds the micro enterprises, and more customers are
#   named right. One column and two numbers were given, and no expected level. The price: many
#   of the sci-tech corporates are now among the micro enterprises.
# - But the split alone does not do it: with two clusters of businesses (6+2) more customers are
#   named right, yet micro and sci-tech stay together; with one cluster of persons less (5+3)
#   micro enterprises are found and the low and middle incomes are lost. The decision has two
#   parts: **how to split**, and **how many** on each side.
# - The default (start at the signatures) finds them too, and purer; but it is told where to look,
#   and those levels are mostly assumptions.
#
# Does it hold at other banks? Guess, then look at ten synthetic banks (found: a cluster of which at
# least 70 % are micro enterprises, and which holds at least half of them).

# %%
guess("04b.c", LANG)

# %%
HEAD_BANKS = {
    "zh": ["做法", "k", "找到小微企业的银行"],
    "en": ["method", "k", "banks that find them"],
}
banks = evidence("04b_banks")
counted = banks.groupby(["method", "k"], sort=False)["found"].agg(["sum", "size"]).reset_index()
of = {"zh": "{1} 家中的 {0} 家", "en": "{0} of {1}"}[LANG]
counted["found"] = [of.format(*row) for row in counted[["sum", "size"]].to_numpy()]
counted = counted.drop(columns=["sum", "size"]).replace({"method": METHOD[LANG]})
counted.style.hide().relabel_index(HEAD_BANKS[LANG], axis="columns")

# %% [markdown] lang="zh"
# 自己试：一起分还是分开分、几簇，哪些真实客群是自己那一簇的多数？（分开时对公总是三簇。）

# %% [markdown] lang="en"
# Try it yourself: together or by sides, and how many clusters: which true segments are the majority
# of their cluster? (By sides, three clusters are always for businesses.)

# %%
explore("sides", language=LANG)

# %% [markdown] lang="zh"
# ### 练习 04b.3（决定）
#
# 行长问：小微企业怎么找回来？你建议哪一个，为什么？
#
# - `"A"`　把 k 加到 12。
# - `"B"`　把科创那一簇改名为小微企业。
# - `"C"`　对公、对私分开，每边按目录定簇数，并说明这是业务决定，不是数据的发现。
# - `"D"`　什么都不用做：科创那一簇的相似度很高。

# %% [markdown] lang="en"
# ### Exercise 04b.3 (decide)
#
# The director asks how to get the micro enterprises back. What do you propose, and why?
#
# - `"A"` Raise k to 12.
# - `"B"` Call the sci-tech cluster Micro enterprises.
# - `"C"` Cluster business and personal customers separately, with as many clusters a side as the
#   catalogue has, and say that this is a business decision, not a finding of the data.
# - `"D"` Nothing: the similarity of the sci-tech cluster is high.

# %% tags=["exercise"]
answer = ...  # "A", "B", "C" or "D"
check("04b.3", answer, LANG)

# %% tags=["solution"]
answer = "C"
check("04b.3", answer, LANG)

# %% [markdown] lang="zh"
# ## 记住三点
#
# 1. 名字可以很像、标签可以很清楚，却仍然是错的：先数纯度和召回率，或者至少数一数名字。
# 2. 更大的 k 听惯量的话，改名只是换一边出错。
# 3. 一个懂业务的决定（怎么分、每边几簇）可以胜过更大的 k 和更好听的名字；它要写下来，由人负责。
#
# **延伸阅读**　C. Hennig (2015), What are the true clusters?, *Pattern Recognition Letters* 64　·
# S. Dolnicar, B. Grün, F. Leisch (2018), *Market Segmentation Analysis*, Springer（开放获取）

# %% [markdown] lang="en"
# ## Three things to take away
#
# 1. A name can be similar and a label clear, and both wrong: count purity and recall, or at least
#    count the names.
# 2. A larger k listens to the inertia; another name only moves the error to the other segment.
# 3. One decision of somebody who knows the business (how to split, how many a side) can do more
#    than a larger k or a better name. It is written down, and a person answers for it.
#
# **Further reading** C. Hennig (2015), What are the true clusters?, *Pattern Recognition Letters*
# 64 · S. Dolnicar, B. Grün, F. Leisch (2018), *Market Segmentation Analysis*, Springer (open
# access)

# %% [markdown] lang="zh"
# ## 这一章没有说明什么
#
# - 不说明真实的银行也丢失小微企业：这里的客群、特征和签名出自同一批人之手。
# - 不说明分开对公、对私总是更好：它取决于每边的簇数，而簇数来自目录，不来自数据。
# - 不说明找到的簇稳定：换一批客户它们还在不在，是下一章的问题。
# - 文章没有给出小微企业的规模、余额或任何界限；这里的“真实”是合成数据的真实。
#
# **下一章**　[05 几个客群](05_choosing.ipynb)

# %% [markdown] lang="en"
# ## What this does not show
#
# - Not that a real bank loses its micro enterprises: segments, features and signatures here were
#   written by the same people.
# - Not that clustering the sides separately is always better: it depends on the number of
#   clusters a side, which comes from the catalogue, not from the data.
# - Not that the clusters found are stable: whether they come back with other customers is the next
#   chapter's question.
# - The article gives no size, balance or limit of micro enterprises; "true" is true of synthetic
#   data.
#
# **Next** [05 How many?](05_choosing.ipynb)
