# %% [markdown] lang="zh"
# # 08 产品：给谁、什么、在哪里？
#
# **目标**：能说清一条产品建议里哪些是文章的、哪些是我们的假设；能判断一次营销该按客群选人，
# 还是用一条简单规则。**时间**：25 分钟。
#
# | 词 | 英文 | 意思 |
# |---|---|---|
# | 人货场 | people, goods, place | 客户的需求、产品、渠道 |
# | 储蓄阶梯 | savings ladder | 从活期到五年期，一级一级分配的存款 |
# | 漏斗 | funnel | 拉新、促活、留存、转化，一步比一步少 |
# | 情景 | scenario | “假如这样”的计算，不是预测 |
# | 提升度 | lift | 名单里的接受率是随机名单的几倍 |
#
# 客户都是**合成**的。**教学材料，不构成投资建议。**

# %% [markdown] lang="en"
# # 08 Who gets what, where
#
# **Goal**: you can say which part of a product proposal is the article's and which is assumed; you
# can judge whether a campaign should choose customers by segment or by a simple rule.
# **Time**: 25 minutes.
#
# | word | in Chinese | meaning |
# |---|---|---|
# | people, goods, place | 人货场 | needs of customers, products, channels |
# | savings ladder | 储蓄阶梯 | savings laid out from on demand to five years |
# | funnel | 漏斗 | acquire, activate, retain, convert: fewer at each stage |
# | scenario | 情景 | a calculation of “what if”, no forecast |
# | lift | 提升度 | how much better a list is than a random one |
#
# All customers are **synthetic**. **This is teaching material and no advice on money.**

# %%
# %matplotlib inline
import pandas as pd

import kequn_lab as kq
from kequn_lab import catalogue, compare, plots, products
from kequn_lab.workshop import check, evidence, guess

LANG = "en"
at, NAME, WHY = int(LANG == "en"), f"name_{LANG}", f"why_{LANG}"

# %%
bank = kq.make_bank(2000, random_state=0, as_of="2024-12-31")
result = kq.segment(bank, stability=0, quiet=True)
table = result.features
segment = result.labels.set_index("customer_id")["segment_id"]
names = catalogue.names("segments", language=LANG)
goods, places = (catalogue.names(what, language=LANG) for what in ("products", "channels"))

# %% [markdown] lang="zh"
# ## 1 人货场
#
# 人有需求，货满足需求，场是人已经在的地方。这里面哪些是文章的？

# %% [markdown] lang="en"
# ## 1 People, goods, place
#
# People have needs, goods serve them, places are where the people already are. What in that is the
# article's?

# %%
needs = catalogue.read("segment_needs")
print(needs["basis"].value_counts().rename_axis(None).to_string(), end="\n\n")
for row in needs[needs["segment_id"] == "elderly"].itertuples():
    quote = row.quote_zh if isinstance(row.quote_zh, str) else ""
    print(f"{row.need_id:12} {row.weight:.1f}  {row.basis:10} {quote}")

# %% [markdown] lang="zh"
# 需求是文章说的（带引文），**权重全是我们的**。先猜，再看图。

# %% [markdown] lang="en"
# Needs are the article's (quoted in Chinese); every *weight* is ours. Guess, then look.

# %%
guess("08.a", LANG)

# %%
matches = products.match_products(table, segment)
with result.styled(LANG):
    plots.fit_plot(matches, names=catalogue.products())

# %%
for row in matches.groupby("segment_id", sort=False).head(1).itertuples():
    what = f"{goods[row.product_id]} @ {places[row.channel_id]}"
    print(f"{names[row.segment_id]}: {what} | {getattr(row, WHY)}")

# %% [markdown] lang="zh"
# 一个簇如果没有名字，需求表里就没有它：图中整行是“–”，并写明原因，不会悄悄消失。
#
# ## 2 谁可以买？
#
# 高于客户风险等级、或够不着起点的产品，一律不推荐。老年客群里有多少人可以买：

# %% [markdown] lang="en"
# A cluster without a name is not in the table of needs: its row shows “–” and says why; it does not
# vanish.
#
# ## 2 Who may have it?
#
# No product above a customer's risk class or below its minimum is ever proposed. Of the elderly,
# how many may have:

# %%
allowed = products.allowed_products(table)
old = segment[segment == "elderly"].index
shares = allowed.loc[old, ["savings_bond", "large_cd", "wealth_product"]].mean()
shares.rename(goods).map("{:.0%}".format).rename_axis(None)

# %% [markdown] lang="zh"
# ## 3 储蓄阶梯
#
# 文章给老年人的阶梯：先留三到六个月的生活费，再依次是一年以内、一年、三年、五年。
# 当时的产品有些已经停售：

# %% [markdown] lang="en"
# ## 3 The savings ladder
#
# The article's ladder for older people: three to six months of spending at hand, then up to one
# year, one, three and five years. Some products of its time have ended:

# %%
today, then = (products.ladder_products(era=era) for era in ("current", "article"))
ended = then.loc[then["status_today"] != "current", ["rung_id", NAME, "status_today"]]
HEAD = {"zh": ["档", "产品", "现状"], "en": ["rung", "product", "today"]}
ended.set_axis(HEAD[LANG], axis=1).set_index(HEAD[LANG][0])

# %% [markdown] lang="zh"
# 三位储户 A、B、C。B 的钱比大额存单的起点略多。谁能买到？

# %% [markdown] lang="en"
# Three savers, A, B and C. B has a little more than a large CD costs at least. Who gets one?

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
rungs = found.rungs.assign(product=found.rungs["product_id"].astype("str").map(goods))
rungs.pivot_table("amount_cny", ["rung_id", "product"], "customer_id", aggfunc="sum", observed=True)

# %%
found.flags.astype(int).T

# %% [markdown] lang="zh"
# ### 练习 08.1 解释：为什么没有给 B 大额存单？
#
# 从标志表里选一行的名字，例如 `"ended_product"`。

# %% [markdown] lang="en"
# ### Exercise 08.1 Explain: why is B not offered a large CD?
#
# Take the name of a row of the table of flags, such as `"ended_product"`.

# %% tags=["exercise"]
answer = ...
check("08.1", answer, LANG)

# %% tags=["solution"]
answer = "cd_trap"
check("08.1", answer, LANG)

# %% [markdown] lang="zh"
# 文章的原话：“只要取哪怕一块钱就得全部支取了”。存款保险的限额（`above_insurance`）
# 是文章之外的规定。
#
# 合成银行里的全体老年客群，用今天的产品：

# %% [markdown] lang="en"
# The article's words: “只要取哪怕一块钱就得全部支取了” (taking out one yuan means taking out all).
# The limit of the deposit insurance (`above_insurance`) is a rule from outside the article.
#
# All elderly of the synthetic bank, with today's products:

# %%
spending = products.monthly_spending(bank.events, as_of=bank.as_of)
money = table.loc[old, ["aum_cny", "age_years"]].rename(columns={"aum_cny": "money_cny"})
elderly = products.allocation_ladder(
    money.assign(spending_cny_per_month=spending.reindex(old)), today
)
with result.styled(LANG):
    plots.ladder_plot(
        products.ladder_by_segment(elderly, segment.loc[old]), names=catalogue.products()
    )

# %% [markdown] lang="zh"
# 各档的比例是假设；文章只给了顺序和三个起点金额。
#
# ## 4 漏斗：数据回答不了什么？
#
# 文章说传统银行“缺乏对年轻客群的拉新、促活、留存、转化的数字化手段”。合成银行能检验这句话吗？
# 下面把多家合成银行的新客户合在一起数（`notebooks/evidence/08.py`）。

# %% [markdown] lang="en"
# The shares of the rungs are assumptions; the article gives an order and three minimum amounts.
#
# ## 4 The funnel: what can these data not answer?
#
# The article says that traditional banks lack digital means to acquire, activate, retain and
# convert the young (拉新、促活、留存、转化). Can a synthetic bank test that? Below, the new
# customers of several synthetic banks are counted together (`notebooks/evidence/08.py`).

# %%
funnel = evidence("08_funnel")
enough = funnel[funnel["of"] >= 30]
with result.styled(LANG):
    plots.funnel_plot(enough)

# %% [markdown] lang="zh"
# **解释**：前三步几乎都是 100%，这不是好消息，是**生成器的性质**：它造的客户开户之后一直有交易，
# 没有人开了户就不来。拉新、促活、留存，这份数据什么也说明不了。只有最后一步（用上第二种产品）
# 有高有低，而各客群的区间大多重叠。文章那句话是一种看法，合成银行既不能证明，也不能反驳。
#
# 看到一张平的漏斗，先问数据是怎么来的。

# %% [markdown] lang="en"
# **Explained**: the first three stages are near 100 %, and that is no good news but *how the
# generator works*: its customers go on using an account once it is open; nobody opens one and
# stays away. On acquiring, activating and retaining these data say nothing. Only the last stage (a
# second product) varies, and most intervals overlap. The article's sentence is an opinion, and a
# synthetic bank can neither prove nor refute it.
#
# Where a funnel is flat, ask first how the data came about.

# %% [markdown] lang="zh"
# ## 5 网点
#
# 一个情景（不是预测）：年轻人和中低收入者三分之一的到店业务、老年客群的十分之一转到线上；
# 每转走一笔，网点还留下几分钟售后工作（文章说有这种工作，没说几分钟）。

# %% [markdown] lang="en"
# ## 5 The branch
#
# A scenario, no forecast: a third of the visits of young adults and of low and middle incomes, and
# a tenth of the elderly's, go online; each leaves some minutes of after-sales work at the branch
# (the article says that there is such work, and gives no minutes).

# %%
guess("08.b", LANG)

# %%
moved = dict.fromkeys(segment.unique(), 0.0)
moved |= {"young_adult": 1 / 3, "low_mid_income": 1 / 3, "elderly": 0.1}
load = products.branch_load(bank.events, segment, migrated=moved, after_sales_minutes=3)
total = load.set_index("segment_id").loc["all"]
SAID = ("到店次数 {v:+.1%}，人工 {s:+.1%}", "visits {v:+.1%}, staff time {s:+.1%}")
change = {
    k: total[f"{c}_after"] / total[c] - 1 for k, c in {"v": "visits", "s": "staff_days"}.items()
}
print(SAID[at].format(**change))
with result.styled(LANG):
    plots.branch_plot(load)

# %% [markdown] lang="zh"
# **解释**：谁转走、他们的业务要办多久、留下多少售后，都算数；次数和人工不会同步下降。
#
# ## 6 按客群，还是一条简单规则？
#
# 检验客群有没有用，要用一个分群时**没见过**的结果。合成银行随机给一半客户打过电话，推销一种存款，
# 有人接受，有人没有。各客群的接受率：

# %% [markdown] lang="en"
# **Explained**: who moves, how long their visits last, how much after-sales work stays: all count;
# visits and work do not fall alike.
#
# ## 6 Segments, or a simple rule?
#
# Whether segments are of use shows in an outcome that the clustering has *not* seen. In the
# synthetic bank a random half of the customers was called with a deposit offer, and some accepted.
# How many, by segment:

# %%
outcomes = bank.outcomes.set_index("customer_id")
accepted = outcomes.loc[outcomes["called"], "accepted"].astype(float)
rates = compare.outcome_by_segment(accepted, segment)
HEAD = {
    "zh": ["客群", "打过电话", "接受", "接受率", "区间下限", "区间上限", "提升度"],
    "en": ["segment", "called", "accepted", "rate", "low", "high", "lift"],
}
rates["segment_id"] = rates["segment_id"].replace({**names, "all": ("全部", "all")[at]})
rates.set_axis(HEAD[LANG], axis=1).set_index(HEAD[LANG][0]).round(2)

# %%
guess("08.c", LANG)

# %%
RULES = {("年长优先", "oldest first"): "age_years", ("资产多者优先", "wealthiest first"): "aum_cny"}
rules = {name[at]: table[column] for name, column in RULES.items()}
gain = compare.targeting_gain(accepted, segment.reindex(accepted.index), rules=rules)
with plots.style(LANG, synthetic=True):
    plots.gain_plot(gain)

# %% [markdown] lang="zh"
# 色带是 95% 的区间。再看其他银行：同样打两成电话，各家合成银行里三份名单各找到多少接受者？

# %% [markdown] lang="en"
# Bands are 95 % intervals. And in other banks? With a fifth of the customers called, the share of
# those who accept that each list finds, bank by bank:

# %%
HEAD = {
    "segment": ("按客群", "by segment"),
    "age": ("年长优先", "oldest first"),
    "wealth": ("资产多者优先", "wealthiest first"),
    "random": ("随机", "at random"),
}
lists = evidence("08_lists").pivot_table("gain", "bank", "strategy")[list(HEAD)]
lists = lists.rename(columns={key: name[at] for key, name in HEAD.items()})
lists.rename_axis(index=("银行", "bank")[at], columns=None).map("{:.0%}".format)

# %% [markdown] lang="zh"
# ### 练习 08.2 决定：下一次用哪份名单？
#
# 只凭**这一家银行的这一次活动**（上面的图），打两成电话，你能说哪份名单最好吗？
# 从 `"segment"`、`"age"`、`"wealth"`、`"cannot tell"`（分不出来）里选一个。

# %% [markdown] lang="en"
# ### Exercise 08.2 Decide: which list next time?
#
# From *this one campaign of this bank* (the picture), with a fifth of the customers called: can you
# say which list is best? Choose `"segment"`, `"age"`, `"wealth"` or `"cannot tell"`.

# %% tags=["exercise"]
answer = ...
check("08.2", answer, LANG)

# %% tags=["solution"]
answer = "cannot tell"
check("08.2", answer, LANG)

# %% [markdown] lang="zh"
# **解释**：一次活动分不出来；看过许多家银行，按客群多半略微领先，但领先不多。
# 客群每次都要靠结果证明自己：如果一条简单规则一样好，这次活动就用规则。
#
# ## 7 你不同意？改一张表
#
# 每个选择都出自一张表。假如老年客群只看重流动性：

# %% [markdown] lang="en"
# **Explained**: one campaign cannot tell; over many banks segments are ahead more often than not,
# and not by much. Segments have to earn their place by outcomes each time: where a simple rule does
# as well, use the rule for that campaign.
#
# ## 7 You disagree? Change a table
#
# Every choice rests on a table. Suppose that the elderly want liquidity and nothing else:

# %%
mine = needs.copy()
theirs = mine["segment_id"] == "elderly"
mine.loc[theirs, "weight"] = mine.loc[theirs, "need_id"].eq("liquidity").astype(float)
changed = products.match_products(table, segment, segment_needs=mine)
for said, one in ((("原来", "before")[at], matches), (("改后", "after")[at], changed)):
    top = one[one["segment_id"] == "elderly"].drop_duplicates("product_id").head(3)
    print(said, "|", " > ".join(goods[p] for p in top["product_id"]))

# %% [markdown] lang="zh"
# ## 带走三句话
#
# 1. 需求是文章说的，权重是我们定的；改一张表，建议就变。
# 2. 数据怎么来的，决定它能回答什么；平的漏斗说的是生成器。
# 3. 客群有没有用，要和简单规则比，用分群没见过的结果，还要看区间。
#
# ## 延伸阅读
#
# - Wilson (1927), JASA 22:209：比例的区间。
# - Dolnicar, Grün & Leisch (2018), Market Segmentation Analysis，第 9、10 步：营销组合与评估。

# %% [markdown] lang="en"
# ## Three things to take away
#
# 1. Needs are the article's, weights are ours; change a table, and the proposal changes.
# 2. How data came about decides what they can answer; a flat funnel speaks of the generator.
# 3. Whether segments are of use: compare with a simple rule, by an outcome that the clustering has
#    not seen, with intervals.
#
# ## Further reading
#
# - Wilson (1927), JASA 22:209: intervals of shares.
# - Dolnicar, Grün & Leisch (2018), Market Segmentation Analysis, steps 9 and 10: the marketing mix,
#   evaluation.

# %% [markdown] lang="zh"
# ## 这一章没有说明什么
#
# - **不是建议**：谁也不应因为这一页买卖任何东西。
# - 文章说的是老年储户**可以考虑**什么，用的是 2019 年前后的产品，
#   没有报告任何结果；权重、比例、情景都是我们的。
# - 没有说明把业务转到线上对老年人好不好：文章说他们依赖柜台，成本不是唯一的问题。
# - 接受率、漏斗、网点分钟数都是**合成**的：示范怎么数，不是数出了多少。
#
# 下一章：[09 交付与监控](09_export_and_monitor.ipynb)

# %% [markdown] lang="en"
# ## What this does not show
#
# - **No advice**: nobody should buy or sell anything because of this page.
# - The article says what older savers *may consider*, with products of about 2019, and reports no
#   result. Weights, shares and scenarios are ours.
# - Not whether moving visits online serves the elderly: the article says that they rely on the
#   counter, and cost is not the only question.
# - Acceptances, funnels and branch minutes are **synthetic**: they show how to count, not how many.
#
# Next: [09 Hand it over and keep it alive](09_export_and_monitor.ipynb)
