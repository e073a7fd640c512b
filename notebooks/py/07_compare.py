# %% [markdown]
# # 07 比较 · Internet bank against traditional bank
#
# 问：两类银行要的是不同的人吗？ Do the two kinds of bank want different people?
#
# The article names target customers of internet banks (互联网银行) and describes customers of
# traditional ones (传统银行). This chapter sets the two **target groups** (目标客群) side by side
# on a **synthetic** bank (合成数据), as effects with intervals, and asks how much of the answer was
# put in by ourselves.

# %%
# %matplotlib inline
import numpy as np
import pandas as pd

import kequn_lab as kq
from kequn_lab import catalogue, compare, features, plots, segments


# %% [markdown]
# ## 先写下来 · Write it down first
#
# Whoever chooses targets after seeing the segments can justify any of them. So the criteria
# (标准) and weights (权重) are read *before* anything is clustered, and fingerprinted:

# %%
declared = compare.Criteria(catalogue.read("criteria"), catalogue.read("weights"))
fingerprint = declared.sha256
print("fingerprint:", fingerprint[:16], "…")
declared.table[["criterion_id", "axis", "role", "columns", "basis"]]

# %% [markdown]
# Every row says `assumption`: the article ranks no segment.

# %%
bank = kq.make_bank(2000, random_state=0)
result = kq.segment(bank, stability=0, quiet=True)
segment = result.labels.set_index("customer_id")["segment_id"]
names = result.labels.drop_duplicates("segment_id")[["segment_id", "name_zh", "name_en"]]
words = {"segments": names, "variables": features.feature_dictionary(), "synthetic": True}
result.groups.round(2)

# %% [markdown]
# `role` tells what happens to a segment that both groups name. Young adults are a stated target
# of internet banks and a stated gap of traditional ones; they count where they are primary.
#
# ## 猜：最大的差别是什么？ · Guess: what is the largest difference?
#
# Age? Money? Channel? Write down three variables in order.

# %%
comparison = result.comparison
with plots.style("zh", **words):
    plots.difference_plot(comparison, top=18)

# %% [markdown]
# Blue: the internet banks' group has more. Lines are intervals: customers are drawn again *and
# clustered again*, since with other customers the borders lie elsewhere. Below 0.1 (dotted) a
# difference is small enough to forget.
#
# Note what is *not* there: p-values. The groups were made from these columns, so they differ in
# them whatever the customers are like. See it on pure noise, cut in two by k-means:

# %%
noise = pd.DataFrame(np.random.default_rng(0).normal(size=(2000, 6))).add_prefix("noise_")
halves = pd.Series(segments.KMeansSearch(2, random_state=0).fit(noise).labels_)
tested = compare.compare_groups(noise, halves, n_boot=0)
found = (tested["p_adjusted"] < 0.05).sum()
print(f"pure noise: {found} of {len(tested)} variables with an adjusted p below 0.05")
honest = compare.compare_groups(noise, halves, n_boot=0, clustered_on=noise.columns)
print(f"told that k-means used them: {honest['p_adjusted'].notna().sum()} p-values")

# %% [markdown]
# `clustered_on` names the columns that the groups were made from: a run does that for you.
# Where the mean follows a few rich customers and most customers point the other way,
# `signs_differ` is true, and both measures are shown.

# %%
comparison.loc[comparison["signs_differ"], ["variable", "smd", "effect", "mean_a", "mean_b"]]

# %%
columns = ["variable", "measure", "mean_a", "mean_b", "median_a", "median_b", "effect"]
comparison[columns].head(6).round(2)

# %% [markdown]
# ## 猜：能分开吗？ · Guess: can they be told apart?
#
# A simple classifier tries to tell the two groups apart. AUC (曲线下面积): 0.5 is a coin, 1 is
# always right.

# %%
group = compare.assign_groups(segment, catalogue.target_groups())
told = compare.overlap(result.features, group)
told.summary.round(3)

# %% [markdown]
# **解 Explain.** A high AUC proves almost nothing here: the groups are *made of clusters of these
# same columns*. A classifier finds again what k-means has cut. It does not show that customers
# know which bank they want.
#
# One line is more interesting. The article says that internet banks' customers come online, and
# that these entrances overlap with the bank's own (与银行的网上银行等线上入口有重叠).
# `online_share` is the part of each group that already does most of its events online.
#
# ## 修：用真值检查 · Repair: check with the truth
#
# Only on a synthetic bank: the groups by *true* segments. How many customers does the naming put
# into the wrong group?

# %%
true = bank.truth.set_index("customer_id")["segment_id"].reindex(segment.index)
true_group = compare.assign_groups(true, catalogue.target_groups())
both = group.notna() & true_group.notna()
print(f"in both comparisons: {both.mean():.0%} of customers")
print(f"of these in the same group: {(group[both] == true_group[both]).mean():.1%}")

# %%
lost = true[group.isna()].value_counts()
print("in neither group, by true segment:", lost.to_dict())

# %% [markdown]
# **解 Explain.** Few customers change sides, but look who is *missing*: a segment without a cluster
# of its own sits in a cluster of another name, and falls out of the comparison with it. Every
# table above speaks of named clusters, not of the article's segments.
#
# Do the effects suffer?

# %%
by_truth = compare.compare_groups(result.features, true_group, n_boot=0)
effects = by_truth.set_index("variable")["effect"].to_frame("by true segments")
effects["by clusters"] = comparison.set_index("variable")["effect"]
larger = effects["by clusters"].abs() > effects["by true segments"].abs()
print(f"larger between clusters: {larger.sum()} of {len(larger)} variables")
effects.head(8).round(2)

# %% [markdown]
# Clustering pushes groups apart on the very columns that are compared. Read an effect between
# clusters as leaning upwards.
#
# ## 银行与客群 · Bank by bank
#
# The article's nine banks against the segments. Colour: a fit computed from the synthetic
# customers and assumptions that you can edit. Marks: what the article says (● stated, ○ our
# reading, △ a stated gap). The two do not enter each other.
#
# Guess: how different are the rows of the internet banks?

# %%
fit = compare.target_fit(
    result.features, segment, catalogue.read("bank_focus"), catalogue.read("bank_channels")
)
with plots.style("zh", **words):
    plots.fit_plot(fit, names=catalogue.read("banks"))

# %%
# The parts of the fit, for you to edit:
compare.fit_weights()[["part", "columns", "best", "weight", "basis"]]

# %% [markdown]
# **解 Explain.** The fit knows a bank by its channels only. Banks with the same channels get one
# row: the kit has no other fact about them, and the article gives none. A segment that fits well
# everywhere may be a cluster of two (chapter 04).
#
# ## 决策矩阵 · The decision matrix
#
# How attractive is a segment, how strong would a bank of each kind be there, and **how sure** is
# that? Weights and customers are drawn again and again, and the customers of each draw are
# clustered again: a decision is no surer than its segments. Guess: is the first target safe?

# %%
model = result.pipeline["preprocess"].transform(result.features)
ids = result.names.set_index("cluster")["segment_id"].sort_index()
drawn = segments.refit(
    result.pipeline["kmeans"], model, result.features.index, segments=pd.Index(ids)
)
values = compare.segment_values(result.features, segment, declared.table, refits=drawn)
matrix = compare.attractiveness_matrix(values, declared, declared_sha256=fingerprint)
with plots.style("zh", **words):
    plots.decision_plot(matrix)

# %%
shown = ["bank_kind", "segment_id", "score", "target", "target_share_weights", "knocked_out_by"]
matrix[shown].round(2)

# %% [markdown]
# `target_share_weights`: in how many draws of the weights the segment is among the targets. A
# target in half of the draws is a matter of taste.

# %%
matrix.groupby("bank_kind")[["set_change_weights", "set_change_customers", "declared"]].first()

# %% [markdown]
# `set_change_weights`: how often another draw of the weights gives *another set* of targets;
# `set_change_customers`: how often other customers, clustered again, do.
#
# ## 改一个权重 · Change one weight
#
# You disagree? Edit the table. The change is allowed, and it is seen:

# %%
weights = declared.weights.copy()
internet = weights["bank_kind"] == "internet_bank"
weights.loc[internet & (weights["criterion_id"] == "wealth"), "weight"] = 0.35
weights.loc[internet & (weights["criterion_id"] == "credit_need"), "weight"] = 0.10
other = compare.Criteria(declared.table, weights)
changed = compare.attractiveness_matrix(values, other, declared_sha256=fingerprint)
changed.loc[changed["target"], ["bank_kind", "segment_id", "score", "declared"]].round(2)

# %% [markdown]
# ## 这一章没有说明什么 · What this does not show
#
# - Not that any bank named here should serve anybody. The customers are **synthetic** (合成数据),
#   weights and thresholds are assumptions, and the article reports no result of any action.
# - That traditional banks' targets are the elderly and structured-deposit customers is *our
#   reading*. The article describes them as banks' customers and says no more.
# - Sizes of the groups are the bank's teaching weights, not market shares.
# - Two groups of clusters differ on the columns that made them. That is construction.
#
# **下一章 Next:** [08 产品 · who gets what](08_products.ipynb).
