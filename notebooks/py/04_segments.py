# %% [markdown]
# # 04 分群 · Segments
#
# 问：k-means 找到的是客群吗？ Does k-means find the segments?
#
# On a **synthetic** bank (合成数据) the true segment of every customer is known, so the question
# can be answered. At a real bank it cannot. Use this chapter to learn what k-means does when it
# is right, when it is wrong, and that it looks the same both times.

# %%
# %matplotlib inline
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score
from sklearn.preprocessing import StandardScaler

from kequn_lab import catalogue, features, plots, segments, synth

from kequn_lab.features import preprocessing

# %%
bank = synth.make_bank(2000, random_state=0, as_of="2024-12-31")
customers, events, holdings, truth = bank.customers, bank.events, bank.holdings, bank.truth
table = features.customer_features(events, customers=customers, holdings=holdings, as_of=bank.as_of)
table = preprocessing.model_columns(table)
true = truth.set_index("customer_id")["segment_id"].reindex(table.index)
print(f"{len(table):,} synthetic customers, {table.shape[1]} features")

# %% [markdown]
# ## 猜：同样的数据，同样的答案？ · Guess: same data, same answer?
#
# k = 8, because the article names eight segments (chapter 05 asks whether that is a good reason).
# Plain k-means starts from random centres and improves them until nothing moves. Run it forty
# times. How many different solutions do you expect?

# %%
z = preprocessing.preprocessor(table.columns).fit_transform(table)
starts = [KMeans(8, n_init=1, random_state=seed).fit(z) for seed in range(40)]
inertia = pd.Series([start.inertia_ for start in starts])
print("different solutions:", inertia.round(2).nunique(), "of", len(starts))
print(f"the worst is {inertia.max() / inertia.min() - 1:.1%} above the best")

# %% [markdown]
# A few percent of inertia (簇内平方和) sounds harmless. How alike are the *segments*? The adjusted
# Rand index (调整兰德指数, ARI) of two labelings is 1 when they are the same, and 0 on average for
# unrelated ones.

# %%
best = starts[inertia.idxmin()]
alike = pd.Series([adjusted_rand_score(start.labels_, best.labels_) for start in starts])
alike.drop(inertia.idxmin()).describe()[["min", "25%", "50%", "75%", "max"]].round(2)

# %% [markdown]
# **解 Explain.** Every start ends in a *local* optimum (局部最优): a solution that no single step
# improves. Another seed would have given other segments to the same customers, with no warning.
#
# ## 修：搜索 · Repair: search
#
# `segments.fit_segments` starts many times, then tries swaps (move one centre elsewhere, improve
# again), keeps the best, and reports how many plain starts had reached it.

# %%
model = segments.fit_segments(table, n_clusters=8, n_starts=25, random_state=0)
kmeans = model["kmeans"]
print(f"inertia of the search: {kmeans.inertia_:,.1f}; best of forty starts: {inertia.min():,.1f}")
print(f"plain starts that reached the best solution known: {kmeans.agreement_:.0%}")

# %% [markdown]
# ## 猜：惯量越低越接近真相？ · Guess: lower inertia, nearer to the truth?
#
# Each start has an inertia, and on this synthetic bank an agreement with the truth. Guess the
# slope of this picture.

# %%
right = [adjusted_rand_score(true, start.labels_) for start in starts]
with plots.style("zh", synthetic=True):
    fig, ax = plt.subplots(figsize=(7, 3.8))
    ax.scatter(inertia / kmeans.inertia_ - 1, right, color="0.55", label="一次随机起点")
    found = adjusted_rand_score(true, kmeans.labels_)
    ax.scatter(0, found, color="#D55E00", marker="D", s=70, label="搜索")
    ax.set(xlabel="惯量高出搜索结果的比例", ylabel="与真实客群的一致程度（ARI）")
    ax.xaxis.set_major_formatter("{x:.1%}")
    ax.legend()
print(f"correlation of inertia and agreement: {np.corrcoef(inertia, right)[0, 1]:.2f}")
print("starts that agree better with the truth than the search:", (np.array(right) > found).sum())

# %% [markdown]
# **解 Explain.** Inertia measures how tight the clusters are, not how true. The cloud may lean, but
# starts with *worse* inertia can agree *better* with the truth, and only here can you see it: at a
# real bank the vertical axis does not exist. Then why search at all? For the same answer next
# time, for you and for whoever checks you. Repeatable is not the same as true (可重复不等于真实).
#
# ## 起名 · Naming
#
# A cluster is a number. Names come from *signatures* (特征签名): for each segment, where it is
# expected to stand, mostly an assumption (chapter 01). All clusters are named at once, so that
# the sum of similarities is largest; one that resembles none of them gets a working name (暂用名)
# from the features that mark it most.

# %%
words = {"segments": catalogue.segments(), "words": catalogue.read("feature_words")}
names = segments.name_clusters(segments.centre_table(model), catalogue.signatures(), **words)
names.round(2)

# %% [markdown]
# Read `similarity`: 1 is "stands exactly where expected", 0 is "no nearer than the average
# customer". `margin` is the lead over the runner-up. A small or negative margin says: the second
# name would do as well.
#
# Guess: which two of the true segments did k-means put into one cluster?

# %%
labels = segments.label_table(model, table, names, target_groups=catalogue.target_groups())
cross = pd.crosstab(true, labels.set_index("customer_id")["segment_id"])
cross.rename_axis(index="true segment", columns="named cluster")

# %%
home = cross.idxmax(axis=1)
for cluster, members in home.groupby(home):
    print(f"{cluster:20} holds most of: {', '.join(members.index)}")
print("clusters that hold most of no segment:", *cross.columns.difference(home), sep="\n  ")

# %% [markdown]
# **解 Explain.** K-means spends its centres where the squared distances are, not where the names
# are. Two segments that differ in few columns are cheap to merge; a wide one is worth cutting in
# two. The name on a merged cluster is then right for one part of its customers and wrong for the
# other.
#
# ## 两种读法 · Two readings
#
# k-means can also *start at the signatures* (seeded k-means): eight centres where the article's
# segments are expected, then the usual steps, which nobody steers. It ends in the local optimum
# nearest to the description. Guess: how much inertia does that cost, and how many names are kept?

# %%
levels = segments.expected_levels(catalogue.signatures(), table.columns)
seeded = segments.fit_segments(table, n_clusters=8, levels=levels)
own = segments.name_clusters(segments.centre_table(seeded), catalogue.signatures(), **words)
price = seeded["kmeans"].inertia_ / kmeans.inertia_ - 1
print(f"inertia above the search: {price:.1%}")
both = {"search": kmeans.labels_, "signatures": seeded["kmeans"].labels_}
print(f"the two readings agree (ARI): {adjusted_rand_score(*both.values()):.2f}")
for reading, clusters in both.items():
    print(f"with the truth, {reading}: {adjusted_rand_score(true, clusters):.2f}")
own[["segment_id", "similarity", "margin", "by"]].round(2)

# %% [markdown]
# **解 Explain.** Two readings (读法) of the same customers, both k-means, hardly apart in inertia,
# and yet other segments. The search asks *what groups are there?*, the start at the signatures
# asks *where are the groups that I know of?* Neither is wrong. `kequn run` takes the second
# where the table holds what the signatures speak of, makes the first as well, and **says the
# price**: inertia above the best found, how far the two agree, and what the data would rather
# merge or cut (`result.readings`). `--start search` takes the first. A name must still be
# earned: where a cluster does not look like its signature in the end, it gets none.
#
# Banks have a third habit: business and personal customers (对公、对私) are looked at by
# themselves. Each side is then scaled by itself, so that the turnover of firms no longer hides how
# persons differ. Guess: does the search now find what it lost, without any level to start at?

# %%
sides = segments.fit_segments(table, by="is_business", n_clusters={0: 6, 1: 3}, random_state=0)
clusters = sides["kmeans"].labels_
print(f"with the truth, each side by itself: {adjusted_rand_score(true, clusters):.2f}")
pd.crosstab(clusters, true)

# %% [markdown]
# **解 Explain.** Six and three clusters: as many as the catalogue has segments on each side; some
# sole proprietors are registered as a business and some bank as persons, so they are on both.
# What is given here is one column and two numbers, not a level. `kequn run --by is_business` does
# this, and makes clusters of both sides that get one name one segment.
#
# A person who looked may overrule a name. In the reading of the search, take the cluster whose name
# leads by the least, and give it the runner-up's; the table records who named it:

# %%
doubt = names.loc[names["margin"].idxmin()]
mended = segments.name_clusters(
    segments.centre_table(model),
    catalogue.signatures(),
    overrides={int(doubt["cluster"]): doubt["runner_up"]},
)
mended[["cluster", "segment_id", "similarity", "by"]].round(2)

# %% [markdown]
# Whether that is better is for whoever knows the customers to judge, with chapter 06 in hand.
#
# ## 标签有多清楚？ · How clear is a label?
#
# `margin` of a *customer* is 0 on the border between two clusters and 1 at a centre. Guess: are
# customers with a clear margin more often right?

# %%
right_name = labels["segment_id"].to_numpy() == true.to_numpy()
quarter = pd.qcut(labels["margin"], 4, labels=["border 边界", "2", "3", "clear 清楚"])
pd.Series(right_name).groupby(quarter, observed=True).mean().map("{:.0%}".format)

# %%
clear_but_wrong = labels[(quarter == "clear 清楚") & ~right_name]
clear_but_wrong["segment_id"].value_counts()

# %% [markdown]
# **解 Explain.** Customers on a border are the doubtful ones, as expected. But look where the clear
# and wrong ones sit: in a merged cluster, which may lie far from all others. **A clear label can be
# clearly wrong**: `margin` measures distance to other clusters, not truth.

# %% [markdown]
# ## 猜：特征值多少？ · Guess: what are the features worth?
#
# Three tables of the same customers, the same k-means: (1) raw columns (原始列), balances and
# counts as the bank stores them, standardised; (2) their logarithms; (3) our features. Guess the
# three ARIs.

# %%
raw = [
    customers.set_index("customer_id")[["age_years", "cards_count"]],
    holdings.pivot_table("balance_cny", "customer_id", "product", "sum", observed=True),
    events.pivot_table("amount_cny", "customer_id", "direction", "sum", observed=True),
    pd.crosstab(events["customer_id"], events["channel"]),
    pd.crosstab(events["customer_id"], events["type"]),
]
raw = pd.concat(raw, axis=1).reindex(table.index).fillna(0)

# %%
tables = {"1 raw columns": raw, "2 their logarithms": np.log1p(raw), "3 features": z}
for name, numbers in tables.items():
    scaled = StandardScaler().fit_transform(numbers)
    clusters = KMeans(8, n_init=25, random_state=0).fit_predict(scaled)
    score = adjusted_rand_score(true, clusters)
    print(f"{name:20} {numbers.shape[1]} columns, 25 starts: ARI {score:.2f}")
print(f"3 features, searched to the end:    ARI {found:.2f}")

# %% [markdown]
# **解 Explain.** The algorithm is the same. What changed is what "near" means: shares and
# logarithms instead of yuan and counts. Most of a segmentation is decided before k-means starts.
#
# And the rest? More than half of the customers were *made* from two segments (混合客户):

# %%
pure = truth.set_index("customer_id")["primary_weight"].reindex(table.index) == 1
for name, who in (("of one segment", pure), ("of two segments", ~pure)):
    score = adjusted_rand_score(true[who], kmeans.labels_[who])
    print(f"customers {name:16} {who.mean():.0%} of all   ARI {score:.2f}")

# %% [markdown]
# ## 这一章没有说明什么 · What this does not show
#
# - **Nothing about a real bank.** The people who wrote this synthetic bank also wrote the
#   features and the signatures: whoever holds both ends can reach any ARI (循环论证).
# - Not that there *are* eight segments. K-means returns as many as it is asked for.
# - Not that a named cluster is the article's segment. The name says "stands nearest to what we
#   assumed"; the article gives no number for any of it, and no method.
# - One sample, one seed. Draw another (`synth.make_bank(2000, random_state=1)`) and see how the
#   numbers move.
#
# **下一章 Next:** [05 几个客群 · how many](05_choosing.ipynb).
