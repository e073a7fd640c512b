# %% [markdown]
# # 06 画像 · Who is in each segment?
#
# 问：两分钟之内，能说清每个客群吗？ Can you say who is who in two minutes?
#
# A cluster becomes a segment when a person can say who is in it, what marks it, how sure that is,
# and **where data and article disagree**. All customers here are **synthetic** (合成数据).

# %%
# %matplotlib inline
import pandas as pd

import kequn_lab as kq
from kequn_lab import catalogue, features, plots, profiles, segments


pd.set_option("display.max_colwidth", 120)

# %%
result = kq.segment(kq.make_bank(2000, random_state=0), stability=0, quiet=True)
labels = result.labels.set_index("customer_id")["segment_id"]
names = result.labels.drop_duplicates("segment_id")[["segment_id", "name_zh", "name_en"]]
words = {"segments": names, "variables": features.feature_dictionary()}
print(result.summary().splitlines()[0])

# %% [markdown]
# ## 一个变量 · One variable
#
# Start with age. Guess the order of the segments from young to old, then look.

# %%
profile = result.profile
with plots.style("zh", synthetic=True, **words):
    plots.profile_plot(profile, kind="box", order=["age_years"]).set_title("年龄（岁）")

# %% [markdown]
# **解 Explain.** The boxes overlap: age alone tells few segments apart. And remember chapter 01:
# the article gives *no* age for anyone. These ages are assumptions of the synthetic bank.
#
# ## 所有变量 · All variables
#
# `effect` is (segment − rest) in standard deviations. A **marker** (标志变量) is a variable that
# lies far enough out, by a stated rule:

# %%
markers = result.markers
print(markers.groupby("segment_id")["marker"].sum().rename("markers").to_string())
print("rules used:", markers["rule"].value_counts().to_dict())

# %%
order = result.order["variable"]
strong = profile.assign(size=profile["effect"].abs()).groupby("variable")["size"].max()
shown = [variable for variable in order if variable in strong.nlargest(20).index]
with plots.style("zh", synthetic=True, **words):
    plots.profile_plot(profile, markers=markers, order=shown)

# %% [markdown]
# Solid bars mark the segment, pale ones do not. Variables stand in the order in which they go
# together, so that a panel is read as a shape.
#
# ## 猜：两个成分够吗？ · Guess: are two dimensions enough?
#
# Many reports show segments on two axes. The table has dozens of columns. What part of their
# variance do the best two axes hold?

# %%
z = result.pipeline["preprocess"].transform(result.features)
found = profiles.segment_pca(z, labels)
two = found.explained["explained_share"].head(2).sum()
print(f"the first two components hold {two:.0%} of the variance")
with plots.style("zh", synthetic=True, **words):
    plots.separation_plot(found.scores, hulls=found.hulls, centres=found.centres)

# %% [markdown]
# **解 Explain.** Most of what parts the segments is *not* on this map. Two segments that lie on top
# of each other here may be far apart in the columns that you do not see. A map shows what it
# shows; it proves no overlap.
#
# ## 一句话的规则 · A rule in one sentence
#
# An account manager cannot compute distances to centres. A shallow tree gives each segment at
# most three conditions. Guess how many of a segment's customers such a rule finds.

# %%
sentences = profiles.segment_rules(result.features, labels, **words)
for row in sentences.itertuples():
    print(row.sentence_zh)

# %%
sentences[["segment_id", "rule", "precision", "recall"]].round(2)

# %% [markdown]
# `precision` (精确率): of the customers who meet the rule, the share in the segment. `recall`
# (召回率): of the segment, the share that meets it. Both are counted on the half of the customers
# that the rule was not learned from: on the other half the best of many branches looks good even
# where labels mean nothing. A rule *describes* the labels; it does not replace them.
#
# ## 卡片 · The card
#
# Everything on one card: marks, the article's words, and whether the data agree with what was
# expected.

# %%
card = profiles.segment_cards(
    profile,
    markers,
    sizes=result.sizes,
    traits=catalogue.traits(),
    signatures=catalogue.signatures(),
    model_profile=profiles.profile_table(z, labels, n_boot=0),
    **words,
)
elderly = card[card["segment_id"] == "elderly"]
elderly.loc[elderly["part"] == "mark", ["text_zh", "text_en"]]

# %%
elderly.loc[elderly["part"] == "article", ["quote_zh", "inventory_id", "text_en"]]

# %% [markdown]
# ## 哪里不一致？ · Where do they disagree?
#
# `basis` says whose expectation it was. Guess: will the data contradict the article anywhere?

# %%
checks = card[card["part"] == "check"]
pd.crosstab(checks["basis"], checks["agrees"])

# %%
checks.loc[
    checks["agrees"].isin(["no", "not visible"]), ["segment_id", "basis", "agrees", "text_en"]
]

# %% [markdown]
# **解 Explain.** Agreement is no confirmation of the article: the synthetic bank was *built* with
# these directions in it, and the clusters were *named* by them. Where they still disagree, a
# mixed or wrongly named cluster is the first suspect (chapter 04).
#
# ## 小心 · Warnings
#
# What makes this segmentation doubtful, found by stated bounds:

# %%
warnings = profiles.warnings_table(
    profile,
    sizes=result.sizes,
    features=result.features,
    logged=[f.name for f in result.card.features if f.log],
    **words,
)
warnings[["warning", "value", "bound", "text_en"]] if len(warnings) else "none"

# %% [markdown]
# ## 修：没有名字的客群 · Repair: a cluster without a name
#
# You have seen the profile. Name a cluster that resembles none of the eight (or rename the one
# that resembles its name least) in your own words. `kq.segment(…, names=mine)` uses the name
# in every table that follows, and the record says that a person gave it.

# %%
unmatched = result.names.sort_values(["matched", "similarity"]).iloc[0]
mine = {int(unmatched["cluster"]): "my_segment"}
again = segments.name_clusters(
    segments.centre_table(result.pipeline), catalogue.signatures(), overrides=mine
)
again[["cluster", "segment_id", "similarity", "by"]].round(2)

# %% [markdown]
# ## 这一章没有说明什么 · What this does not show
#
# - Not that the segments exist: profiles describe whatever k-means returned, also nonsense. That
#   question was chapter 05.
# - Effects are largest exactly for the variables that made the clusters. That is construction, not
#   discovery; a test needs a variable that was *not* used (an outcome, chapter 08).
# - Not how anybody's elderly customers are. These are **synthetic**, and the article's words are
#   words, without numbers.
#
# **下一章 Next:** [07 比较 · internet bank against traditional bank](07_compare.ipynb).
