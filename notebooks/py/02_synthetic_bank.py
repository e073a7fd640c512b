# %% [markdown]
# # 02 合成银行 · The synthetic bank
#
# 问：这些客户从哪里来？ Where do these customers come from?
#
# Banks cannot share customers, so the course makes its own: a **synthetic** bank (合成银行).
# Nothing is learned from anybody's data. Each number is written down in a table, with its origin:
# the article, a published figure, or our own assumption. This chapter opens those tables.

# %%
# %matplotlib inline
import shutil
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from kequn_lab import catalogue, contract, plots, synth

pd.set_option("display.max_colwidth", 70)

# %%
bank = synth.make_bank(20_000, random_state=0, as_of="2024-12-31")
print(f"synthetic: {len(bank.customers):,} customers, {len(bank.events):,} events in a year")
bank.customers.head(3)

# %% [markdown]
# ## 一位客户 · One customer
#
# What a bank would see of the first one:

# %%
first = bank.customers["customer_id"].iloc[0]
bank.holdings[bank.holdings["customer_id"] == first].drop(columns=["customer_id", "limit_cny"])

# %% [markdown]
# And what no bank sees, the truth (真值), kept in a table apart:

# %%
bank.truth[bank.truth["customer_id"] == first]

# %% [markdown]
# A customer is made in four steps: (1) a segment is drawn, and for some a *second* one, because
# the article's groups overlap (混合客户); (2) four hidden traits are drawn together: size,
# activity, digital, safety (规模、活跃、数字化、稳健); (3) age, money, channels, products follow
# from segment and traits; (4) the rules of products have the last word, such as least amounts.
#
# Guess: how many customers belong to two segments, and how heavy is the second one?

# %%
second = bank.truth["second_segment_id"].notna()
weight = bank.truth.loc[second, "primary_weight"]
print(f"of two segments: {second.mean():.0%} of customers")
print(f"weight of their own segment: {weight.min():.2f} to {weight.max():.2f}")
pairs = bank.truth[second].groupby(["segment_id", "second_segment_id"]).size()
pairs.nlargest(5).rename("customers").reset_index()

# %% [markdown]
# **解 Explain.** Such a customer is the mixture, and counts under the first segment only. No
# algorithm can name all of them right: there is a ceiling, and we built it.
#
# ## 猜：多少出自文章？ · Guess: how much is from the article?
#
# The kit is named after the article's groups. Which part of the numbers behind this bank is the
# article's?

# %%
parameters = synth.parameter_table()
share = parameters["basis"].value_counts(normalize=True).map("{:.0%}".format)
print(f"{len(parameters):,} numbers")
share.to_frame("share of the numbers")

# %% [markdown]
# **解 Explain.** `article` (文章): its *direction* follows from the article's words; its size
# is still ours, because the article gives no numbers. `calibrated` (校准): taken from a published
# figure. `assumption` (假设): nobody said so; we needed a number. Most of this bank is assumption.
#
# Examples of each:

# %%
own = parameters[parameters["table"] == "segments"]
own = own.groupby("basis").sample(3, random_state=4)
own[["basis", "parameter", "column", "value", "reference", "note"]].sort_values("basis")

# %% [markdown]
# ## 校准 · Calibration
#
# A calibrated number is a claim that can be checked. `calibration_table` measures the drawn bank
# and holds it against the published figures, each with a tolerance (容差):

# %%
table = synth.calibration_table(bank)
print(f"{table['met'].sum()} of {len(table)} figures are met")
table[["meaning", "value", "target", "tolerance", "met", "source"]].head(6)

# %% [markdown]
# All figures with a two-sided target in one picture: the grey band is the tolerance, a dot outside
# is a miss.

# %%
both = table[(table["side"] == "both") & (table["tolerance"] > 0)].reset_index(drop=True)
off = (both["value"] - both["target"]) / both["tolerance"]
with plots.style("en", synthetic=True):
    fig, ax = plt.subplots(figsize=(8.5, 0.6 + 0.21 * len(both)))
    ax.axvspan(-1, 1, color="0.9", lw=0)
    ax.axvline(0, color="0.4", lw=0.8)
    colors = both["met"].map({True: "#0072B2", False: "#D55E00"})
    ax.scatter(off.clip(-4, 4), both.index, c=colors, s=28, zorder=3)
    ax.set_yticks(both.index, both["meaning"], fontsize=8)
    ax.set(xlim=(-4.3, 4.3), ylim=(len(both), -1))
    ax.set_xlabel("(value − target) / tolerance; beyond ±4 drawn at ±4")

# %% [markdown]
# And three margins with their targets drawn in (targets 目标, bank 合成银行):

# %%
target = table.set_index("measure")["target"]
who = bank.truth.set_index("customer_id")["segment_id"]
loans = bank.holdings.query("product == 'consumer_loan'")["balance_cny"]
received = bank.events[bank.events["type"].isin(["income_in", "merchant_in"])]
turnover = received.groupby("customer_id")["amount_cny"].sum()
turnover = turnover[who.reindex(turnover.index) == "sole_proprietor"]
fifths = table[table["measure"].str.startswith("income_q")]

# %%
with plots.style("zh", synthetic=True):
    fig, axes = plt.subplots(1, 3, figsize=(11, 3.2))
    shown = [("消费贷余额", loans, target["consumer_loan_mean"])]
    shown += [("个体户年流水", turnover, target["turnover_sole_proprietor"])]
    for ax, (title, money, wanted) in zip(axes, shown):
        ax.hist(np.log10(money[money > 0]), bins=40, color="0.75")
        ax.axvline(np.log10(money.mean()), color="#0072B2", label="合成银行均值")
        ax.axvline(np.log10(wanted), color="#D55E00", ls="--", label="目标均值")
        ax.set(title=title, xlabel="log10（元）")
    axes[2].bar(range(5), fifths["value"], color="#0072B2", label="合成银行")
    axes[2].plot(range(5), fifths["target"], "D", color="#D55E00", label="目标")
    axes[2].set(title="收入五等份之比", xlabel="最低 → 最高的五分之一")
    [ax.legend() for ax in axes]

# %% [markdown]
# What is not met stays in the table, with a reason. A synthetic bank without misses would be one
# that checks only what it can meet:

# %%
table.loc[~table["met"], ["measure", "value", "target", "reason"]].round(3)

# %% [markdown]
# ## 修：改一个数 · Repair: change a number
#
# You disagree with an assumption? Copy the folder of tables, edit the copy, draw again. First a
# *wrong* edit. Guess what happens with a share of 1.2:

# %%
folder = Path(tempfile.mkdtemp()) / "population"
shutil.copytree(catalogue.path() / "population", folder)
mine = pd.read_csv(folder / "presets.csv", index_col="parameter")
mine.loc["hybrid_share", "standard"] = 1.2
mine.to_csv(folder / "presets.csv")
try:
    synth.make_bank(500, random_state=0, population=folder)
except contract.ContractError as error:
    print(error)

# %% [markdown]
# Refused, with the cell. Now a right one: no customer of two segments.

# %%
mine.loc["hybrid_share", "standard"] = 0
mine.to_csv(folder / "presets.csv")
pure = synth.make_bank(500, random_state=0, population=folder)
print("customers of two segments:", pure.truth["second_segment_id"].notna().sum())

# %% [markdown]
# ## 可重复 · Repeatable
#
# The same seed gives the same bank, to the last cell. Another seed gives another bank:

# %%
once = synth.make_bank(500, random_state=0)
again = synth.make_bank(500, random_state=0)
other = synth.make_bank(500, random_state=1)
print("the same seed, the same events:   ", again.events.equals(once.events))
print("another seed, the same customers: ", other.customers.equals(once.customers))

# %% [markdown]
# ## 循环论证 · Circularity
#
# Now the warning that holds for the whole course. The same features, three banks that differ in two
# numbers of `presets.csv`. Three ways to say who is who: k-means by itself; k-means *started at the
# signatures*, where we expect the segments; and no clustering at all, each customer called by the
# nearest signature. Guess the agreement with the truth (ARI, 1 is perfect):

# %%
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score, pairwise_distances_argmin

from kequn_lab import features, segments
from kequn_lab.features import preprocessing


def model_table(bank):
    tables = {"holdings": bank.holdings, "customers": bank.customers}
    rows = features.customer_features(bank.events, **tables, as_of=bank.as_of)
    rows = preprocessing.model_columns(rows)
    return preprocessing.preprocessor(rows.columns).fit_transform(rows).set_axis(rows.index)


# %%
for preset in ("easy", "standard", "hard"):
    b = synth.make_bank(1500, random_state=0, preset=preset)
    z = model_table(b)
    levels = segments.expected_levels(catalogue.signatures(), z.columns).to_numpy()
    found = {
        "k-means by itself": KMeans(8, n_init=20, random_state=0).fit_predict(z),
        "started at the signatures": segments.SeededKMeans(levels).fit_predict(z),
        "no clustering": pairwise_distances_argmin(z, np.nan_to_num(levels)),
    }
    true = b.truth.set_index("customer_id")["segment_id"].reindex(z.index)
    ari = {way: round(adjusted_rand_score(true, labels), 2) for way, labels in found.items()}
    print(f"{preset:9} {ari}")

# %% [markdown]
# **解 Explain.** Whoever writes the generator chooses the score, and whoever writes the
# signatures, too: both are ours, so that even *no clustering at all* can do better than k-means
# by itself. A main job that finds the article's eight segments here shows that it does what it
# should. No ARI on synthetic data is evidence about a real bank. What it is good for: finding
# faults in code, seeing what a method does when the truth is known, and practising. A fourth
# preset, `sealed`, is tuned on by nobody and kept for a last check.

# %% [markdown]
# ## 这一章没有说明什么 · What this does not show
#
# - Not how many customers of each kind there are anywhere: the shares of the segments are teaching
#   choices.
# - Not that a calibrated figure is up to date, or that figures of different years and sources fit
#   together. One mean can be met by many distributions.
# - The article supplies names and directions, **no number about customers** and no method.
# - Missing from this **synthetic** world: households, customers who know each other, interest
#   on deposits, fraud, and everything that nobody thought of. Real data have all of it.
#
# **下一章 Next:** [03 特征 · features](03_features.ipynb).
