# %% [markdown]
# # 08 产品、漏斗与网点 · Who gets what, where
#
# 问：给谁、什么、在哪里？ Who gets what, and where?
#
# The article's 人货场 (people, goods, place), its savings ladder for older people (储蓄阶梯), its
# funnel (拉新、促活、留存、转化) and its branches (网点). All customers are **synthetic**
# (合成数据).
# **This is teaching material and no advice on money. 教学材料，不构成投资建议。**

# %%
# %matplotlib inline
import pandas as pd

import kequn_lab as kq
from kequn_lab import catalogue, compare, features, plots, products, synth


# %%
bank = kq.make_bank(2000, random_state=0, as_of="2024-12-31")
table = features.customer_features(
    bank.events, customers=bank.customers, holdings=bank.holdings, as_of=bank.as_of
)
result = kq.segment(bank, stability=0, quiet=True)
labels = result.labels
segment = labels.set_index("customer_id")["segment_id"]
words = {"segments": labels.drop_duplicates("segment_id"), "synthetic": True}

# %% [markdown]
# ## 人货场 · People, goods, place
#
# People bring needs, goods serve them, places are where the people already are. What is the
# article's in that?

# %%
needs = catalogue.read("segment_needs")
print(needs["basis"].value_counts().to_string(), "\n")
needs.loc[needs["segment_id"] == "elderly", ["need_id", "weight", "basis", "quote_zh"]]

# %% [markdown]
# The article names needs; every *weight* is ours. Guess the best product for the elderly and for
# young adults, then look:

# %%
matches = products.match_products(table, segment)
with plots.style("zh", **words):
    plots.fit_plot(matches, names=catalogue.products())

# %%
goods, places = catalogue.names("products"), catalogue.names("channels")
for row in matches.groupby("segment_id").head(1).itertuples():
    print(f"{row.segment_id:18} {goods[row.product_id]}（{places[row.channel_id]}）：{row.why_zh}")

# %% [markdown]
# ## 猜：谁可以买？ · Guess: who may have it?
#
# No product above a customer's risk class (风险等级) or under its least amount is ever offered.
# Which part of the elderly may have a large CD (大额存单), a wealth product (理财)?

# %%
allowed = products.allowed_products(table)
old = segment[segment == "elderly"].index
allowed.loc[old, ["savings_bond", "large_cd", "wealth_product"]].mean().map("{:.0%}".format)

# %% [markdown]
# ## 储蓄阶梯 · The savings ladder
#
# The article's ladder for older people: three to six months of spending at hand, then up to one
# year, one, three and five years. Its products of that time are partly gone:

# %%
today = products.ladder_products(era="current")
then = products.ladder_products(era="article")
then.loc[then["status_today"] != "current", ["rung_id", "name_zh", "status_today"]]

# %% [markdown]
# Three savers, A, B and C. B has a little more than a large CD costs at least. Guess: who gets one?

# %%
savers = pd.DataFrame(
    {
        "money_cny": [900_000.0, 205_000.0, 30_000.0],
        "spending_cny_per_month": [4_000.0, 3_000.0, 3_000.0],
        "age_years": [66, 68, 70],
    },
    index=["A", "B", "C"],
)
found = products.allocation_ladder(savers, then)
found.rungs.pivot_table(
    "amount_cny", ["rung_id", "product_id"], "customer_id", aggfunc="sum", observed=True
).fillna(0)

# %%
found.explain("B")

# %%
found.flags.astype(int).T

# %% [markdown]
# **解 Explain.** `cd_trap` is the article's own warning to those who have just the least amount:
# "只要取哪怕一块钱就得全部支取了" (taking out one yuan means taking out all). The kit refuses a CD
# that would cost the reserve. `ended_product`: no longer sold; `above_insurance`: more deposits at
# one bank than the insurance covers (a rule from outside the article).
#
# All elderly of the synthetic bank, today's products:

# %%
money = pd.DataFrame(
    {
        "money_cny": table.loc[old, "aum_cny"],
        "spending_cny_per_month": products.monthly_spending(bank.events, as_of=bank.as_of),
        "age_years": table.loc[old, "age_years"],
    }
).loc[old]
elderly = products.allocation_ladder(money, today)
exact = elderly.rungs.groupby("customer_id", observed=True)["amount_cny"].sum()
print("to the fen:", bool((exact.round(2) == money["money_cny"].round(2)).all()))
elderly.flags.mean().map("{:.0%}".format)

# %%
by_segment = products.ladder_by_segment(elderly, segment.loc[old])
with plots.style("zh", **words):
    plots.ladder_plot(by_segment, names=catalogue.products())

# %% [markdown]
# The shares of the rungs are assumptions. The article gives an order and three least amounts.
#
# ## 漏斗 · The funnel
#
# "传统银行业务缺乏对年轻客群的拉新、促活、留存、转化的数字化手段": traditional banks lack digital
# means for the young. Two synthetic banks, the same young adults by truth. Guess the stage at
# which they differ most.

# %%
stages = []
for profile, name in (("state_big", "大型银行"), ("internet_retail", "互联网银行")):
    b = synth.make_bank(3000, random_state=0, bank_kind=profile, months=18)
    who = b.truth.set_index("customer_id")["segment_id"]
    young = who[who == "young_adult"].replace("young_adult", name)
    opened = b.customers.set_index("customer_id")["opened_on"].reindex(young.index)
    mine = b.events[b.events["customer_id"].isin(young.index)]
    stages.append(products.funnel(mine, young, as_of=b.as_of, opened_on=opened))
funnel = pd.concat(stages)

# %%
with plots.style("zh", synthetic=True):
    plots.funnel_plot(funnel)
funnel[["group", "stage", "customers", "of", "share", "low", "high"]].round(2)

# %% [markdown]
# **解 Explain.** Look at the intervals before you tell a story. The generator gives the two banks
# other segments and other channels; it was *not* told that one of them is better with the young.
# Where the intervals overlap, "no difference to be seen" is the right answer. The article's
# sentence is an opinion, and this bank can neither prove nor refute it.
#
# ## 网点 · The branch
#
# The article's only facts, and beside them what is computed:

# %%
figures = catalogue.read("figures").set_index("figure_id")
visits = figures.filter(regex="^(ccb_visits|branch_hours)", axis="index")[["value", "unit"]]
change = visits["value"]["ccb_visits_2019"] / visits["value"]["ccb_visits_2017"] - 1
print(f"visits 2019 against 2017, computed: {change:.1%}")
visits

# %% [markdown]
# A scenario (情景), no forecast: some visits of young adults, of low and middle incomes, and a few
# of the elderly's go online. Each moved visit leaves some minutes of after-sales work at the
# branch. (The article says that such work exists, and gives no minutes.) Guess: will staff time
# fall more than visits, or less?

# %%
moved = dict.fromkeys(segment.unique(), 0.0)
moved |= {"young_adult": 1 / 3, "low_mid_income": 1 / 3, "elderly": 0.1}
load = products.branch_load(bank.events, segment, migrated=moved, after_sales_minutes=3)
with plots.style("zh", **words):
    plots.branch_plot(load)

# %%
total = load.set_index("segment_id").loc["all"]
print(f"visits     {total['visits_after'] / total['visits'] - 1:+.1%}")
print(f"staff days {total['staff_days_after'] / total['staff_days'] - 1:+.1%}")

# %% [markdown]
# Visits and work do not fall alike: who moves, how long such visits last, and the work that stays
# behind all count.
#
# ## 值不值？ · Is it worth it?
#
# A test needs an outcome that the clustering has not seen. In the synthetic bank a random half of
# the customers was called with a deposit offer; some accepted. Guess which segment accepts most:

# %%
outcomes = bank.outcomes.set_index("customer_id")
accepted = outcomes.loc[outcomes["called"], "accepted"].astype(float)
compare.outcome_by_segment(accepted, segment).round(3)

# %% [markdown]
# `low` and `high` are a 95 % interval; `lift` compares with everybody. Who finds the acceptances
# with fewer calls: choosing by segment, by age, by balance, or at random?

# %%
rules = {"年长优先": table["age_years"], "资产多者优先": table["aum_cny"]}
gain = compare.targeting_gain(accepted, segment.reindex(accepted.index), rules=rules)
with plots.style("zh", synthetic=True):
    plots.gain_plot(gain)

# %%
compare.contacts_needed(gain, outcome_share=0.5).round(2)

# %% [markdown]
# **解 Explain.** If one simple rule does as well as eight segments, then *for this campaign* use
# the rule. Segments have to earn their place each time. (Acceptance depends here on what the
# generator was told; it says nothing about a real campaign.)
#
# ## 你不同意？改一张表 · Disagree? Change one table
#
# Every choice above rests on a table. Suppose that for the elderly safety counts less and liquidity
# more. Does the answer change?

# %%
mine = needs.copy()
theirs = mine["segment_id"] == "elderly"
mine.loc[theirs, "weight"] = mine.loc[theirs, "need_id"].eq("liquidity").astype(float)
changed = products.match_products(table, segment, segment_needs=mine)
pair = {"as given": matches, "yours": changed}
for name, result in pair.items():
    top = result[result["segment_id"] == "elderly"].drop_duplicates("product_id").head(3)
    print(f"{name:9}", ", ".join(f"{p} {s:.2f}" for p, s in zip(top["product_id"], top["score"])))

# %% [markdown]
# ## 这一章没有说明什么 · What this does not show
#
# - **No advice.** Nobody should buy or sell anything because of this page. 不构成投资建议。
# - The article says what older savers *should consider*, in the words of about 2019, and reports
#   no result. Weights, shares and scenarios are ours.
# - Whether moving visits online serves the elderly: the article says that they rely on the counter,
#   and cost is not the only question.
# - Outcomes, funnels and branch minutes are **synthetic**: they show how to count, not how many.
#
# **下一章 Next:** [09 交付 · hand it over](09_export_and_monitor.ipynb).
