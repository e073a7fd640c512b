# %% [markdown]
# # 练习 06 · Exercise: naming
#
# 先猜，再算，再解释 · Predict, be surprised, explain. The bank is **synthetic** (合成数据).

# %%
import pandas as pd

from kequn_lab import catalogue, segments

from kequn_lab.run import inputs

bank = inputs.from_synthetic_bank(1500, random_state=5)
true = bank.truth.set_index("customer_id")["segment_id"].reindex(bank.features.index)
model = segments.fit_segments(bank.features, n_clusters=8, random_state=0)
centres, signatures = segments.centre_table(model), catalogue.signatures()
clusters = model["kmeans"].labels_
print(f"{len(clusters):,} synthetic customers in {len(centres)} clusters without names")

# %% [markdown]
# ## 1 没有名字，先看 · Look before you name
#
# Print the five columns in which each cluster lies farthest from the average customer. **Predict**
# a name for each cluster, then compare with `segments.name_clusters(centres, signatures)`.

# %% tags=["solution"]
names = segments.name_clusters(centres, signatures)
for cluster, row in centres.iterrows():
    strongest = row[row.abs().nlargest(5).index].round(1).to_dict()
    print(f"{names['segment_id'][cluster]:20}", strongest)

# %% [markdown]
# ## 2 少一个特征，名字会变吗？ · A signature without its strongest line
#
# For each segment take away the row of its signature with the largest size. **Predict:** how many
# clusters change their name?

# %% tags=["solution"]
strongest = signatures.groupby("segment_id")["level_sd"].transform(lambda s: s.abs().max())
weaker = signatures[signatures["level_sd"].abs() < strongest]
again = segments.name_clusters(centres, weaker)
changed = (again["segment_id"] != names["segment_id"]).sum()
print(f"{len(signatures) - len(weaker)} rows fewer; clusters with another name: {changed}")
again.assign(before=names["segment_id"])[["cluster", "before", "segment_id", "similarity"]].round(2)

# %% [markdown] tags=["solution"]
# **Explain.** A name that stands on several columns survives the loss of one. A name that goes with
# a single column was a rule in disguise ("holds structured deposits"), and no finding.

# %% [markdown]
# ## 3 名字对了，人对吗？ · Right name, right people?
#
# **Predict:** of the customers in the cluster named `young_adult`, which part is truly of that
# segment? Which named cluster is the purest?

# %% tags=["solution"]
named = names.set_index("cluster")["segment_id"].reindex(clusters)
cross = pd.crosstab(named.to_numpy(), true.to_numpy())
pure = {name: cross.loc[name].get(name, 0.0) / cross.loc[name].sum() for name in cross.index}
for name, share in sorted(pure.items(), key=lambda item: -item[1]):
    print(f"{name:20} {share:.0%}")

# %% [markdown] tags=["solution"]
# **Explain.** A similarity near 1 says that the *centre* stands where it was expected. It says
# nothing about the customers around it: a cluster of two segments can have the centre of one.
