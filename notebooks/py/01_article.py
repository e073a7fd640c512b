# %% [markdown] lang="zh"
# # 01 文章与目录
#
# **目标**：把一句话归入三类：文章明说的、我们解读的、我们假设的。
#
# **时间**：15 分钟。
#
# **词汇**：文章目录（catalogue）、明说（stated）、解读（reading）、假设（assumption）、
# 特征签名（signature）
#
# 工具箱从一篇中文文章《银行客群经营工作思路》出发。动数据之前先问：
# **它说了什么，没说什么？** 如果把没说过的话算在来源头上，第一行代码之前就已经错了。
#
# 后面各章用的是**合成数据**；本章只用文章本身。

# %% [markdown] lang="en"
# # 01 The article and its catalogue
#
# **Goal**: sort a sentence into three kinds: stated by the article, our reading, our assumption.
#
# **Time**: 15 minutes.
#
# **Words**: catalogue (文章目录), stated (明说), reading (解读), assumption (假设), signature
# (特征签名)
#
# The kit starts from one Chinese article, 银行客群经营工作思路 (how banks run their customer
# groups). Before any data: **what does it say, and what not?** A segmentation that credits a source
# with more than it says is wrong before the first line of code.
#
# The chapters after this one use **synthetic** data; this one uses the article alone.

# %%
# %matplotlib inline
import pandas as pd

from kequn_lab import catalogue, plots
from kequn_lab.workshop import check, guess

LANG = "en"
pd.set_option("display.max_colwidth", None)
NAMES = catalogue.names(language=LANG)

# %% [markdown] lang="zh"
# ## 1 来源的质量
#
# 文章是一篇问答汇编，末尾带着广告；没有作者、没有日期，数字都没有注明出处，
# 还有两处被屏蔽成 `***`。所以我们只把它的话当作**数据**：每句话一行，附上原文和一个编号，编号一直
# 跟到代码里。有一个测试逐句核对原文。

# %% [markdown] lang="en"
# ## 1 The quality of the source
#
# It is a compilation of questions and answers with an advertisement at its end: no author, no date,
# no source for any figure, and two passages are censored as `***`. So we treat its words as
# *data*: one row per statement, with the quote and an id that follows it into the code. A test
# compares every quote with the article.

# %%
for item in ("relies_on_counter", "safety_first", "digital_gap"):
    print(f"{item:18} {catalogue.quote(item)}")

# %% [markdown] lang="zh"
# 左边的编号是我们起的，右边的话是文章的。目录里给每句话标了它谈的是什么：

# %% [markdown] lang="en"
# The ids at the left are ours, the words are the article's. These three say that the elderly rely
# on the counter, that the principal's safety comes first for them, and that traditional banks lack
# digital means for the young. The catalogue also tells what each statement is about:

# %%
ABOUT = {
    "target": "目标", "access": "可得性", "scope": "范围", "size": "规模", "need": "需求",
    "aim": "目的", "risk": "风险", "service": "服务", "age": "年龄", "channel": "渠道",
    "education": "教育", "condition": "条件",
}  # fmt: skip
traits = catalogue.traits()
traits["segment"] = traits["segment_id"].map(NAMES)
traits["topic"] = traits["about"].map(ABOUT) if LANG == "zh" else traits["about"]
traits[["segment", "topic", "trait_id"]].sample(4, random_state=1)

# %% [markdown] lang="zh"
# ## 2 哪个客群说得最多？

# %% [markdown] lang="en"
# ## 2 Which segment does it say most about?

# %%
guess("01.a", LANG)

# %%
together = traits["inventory_id"].str.contains("-")
counts = pd.DataFrame({"all": traits.groupby("segment").size()})
counts["own"] = traits[~together].groupby("segment").size()
HEADS = {"zh": ["全部", "单独说的"], "en": ["all", "of its own"]}[LANG]
counts.sort_values("own").set_axis(HEADS, axis=1)

# %% [markdown] lang="zh"
# 左列看上去小微企业、农户、年轻人都有不少话；但其中大多是把五类长尾客户放在**一起**说的。
# 右列去掉了这些。单独说的话谈些什么？

# %% [markdown] lang="en"
# In the left column micro firms, farms and the young seem well described; but most of that is said
# of the five long-tail groups **together**. The right column leaves it out. What are a segment's
# own statements about?

# %%
own = traits[~together].groupby("segment")["topic"].agg(lambda t: ", ".join(dict.fromkeys(t)))
own.to_frame({"zh": "单独说的话谈的是", "en": "own statements are about"}[LANG]).rename_axis(None)

# %% [markdown] lang="zh"
# **解释**：真正有描述的只有老年客群和结构性存款客群。农户怎样与银行打交道，文章里**没有**。
# 后面合成的农户无论做什么，都是工具箱编的。
#
# ## 3 有没有数字？

# %% [markdown] lang="en"
# **Explain.** Only two segments are really described, the elderly and the structured-deposit
# customers. How a farm household banks is **not** in the article. Whatever our synthetic farmers
# do later, the kit made it up.
#
# ## 3 Is there any number?

# %%
guess("01.b", LANG)

# %%
digits = traits["quote_zh"].str.contains(r"\d").sum()
SAID = {
    "zh": "{n} 句谈客群的话，其中 {d} 句有数字",
    "en": "{n} statements on segments, {d} with a digit",
}
print(SAID[LANG].format(n=len(traits), d=digits))
shown = ["segment", "quote_zh"] + ["gloss_en"] * (LANG == "en")
traits[traits["about"].isin(["age", "size"])].drop_duplicates("quote_zh")[shown]

# %% [markdown] lang="zh"
# **解释**：“年龄偏大”“规模庞大”就是全部：没有年龄，没有收入，没有余额，没有任何客群的人数，
# 也没有渠道占比。文章仅有的数字是这些：

# %% [markdown] lang="en"
# **Explain.** “Rather old” and “large” is all: no age, no income, no balance, no size of any
# segment, no share of any channel. These are the article's only figures:

# %%
figures = catalogue.read("figures").set_index("figure_id")
visits = figures.loc["ccb_visits_2019", "value"] / figures.loc["ccb_visits_2017", "value"] - 1
SAID = {"zh": "到店人次变化 {v:.2%}；文章说降幅 5%", "en": "visits {v:.2%}; the article says -5 %"}
print(SAID[LANG].format(v=visits))
figures[["value", *({"zh": ["quote_zh"], "en": ["unit", "gloss_en"]}[LANG])]]

# %% [markdown] lang="zh"
# 它们谈的是网点和起购金额，不是客户。
#
# ## 4 哪些银行要哪些客群？
#
# 文章点了九家银行的名。看“依据”一列：

# %% [markdown] lang="en"
# They are about branches and least amounts, not about customers.
#
# ## 4 Which banks want which segments?
#
# The article names nine banks. Look at the column `basis`:

# %%
SAY = {
    "target": "目标", "customer": "客户", "gap": "短板", "stated": "明说", "reading": "解读",
    "relation": "关系", "basis": "依据", "segment": "客群", "group": "哪一组",
}  # fmt: skip
SAY = {"zh": SAY, "en": {}}[LANG]
groups = catalogue.target_groups()
groups["segment"] = groups["segment_id"].map(NAMES)
groups["group"] = groups[f"group_{LANG}"]
groups[["group", "segment", "relation", "basis"]].replace(SAY).rename(columns=SAY)

# %% [markdown] lang="zh"
# **解释**：**明说**：原文写着。**解读**：我们这样读。没有一句话说“传统银行的目标是老年人”；
# 原文说的是老年人依赖柜台。年轻人出现两次：互联网银行的目标，
# 以及传统银行**缺少**数字化手段的地方。
#
# 除了这两类，还有**假设**：谁也没说，而计算需要一个数。簇将按“特征签名”起名，
# 签名写明一类客户的各个特征应处的位置。它们的方向有多少出自文章？

# %% [markdown] lang="en"
# **Explain.** **Stated**: the article says so. **Reading**: we read it so. No sentence says that
# traditional banks target the elderly; it says that the elderly rely on the counter. The young
# stand there twice: a target of internet banks, and a place where traditional banks *lack* digital
# means.
#
# Besides the two there is **assumption**: nobody said so, and the computation needs a number.
# Clusters will be named by *signatures*: where the features of a segment should lie. How much of
# their direction is the article's?

# %%
signatures = catalogue.signatures()
basis = pd.crosstab(signatures["segment_id"].map(NAMES), signatures["basis"])
BASIS = {"article": "文章", "calibrated": "校准", "assumption": "假设"}
basis = basis[list(BASIS)].loc[NAMES[::-1]].rename_axis(None).rename_axis(None, axis=1)
basis = basis.rename(columns=BASIS) if LANG == "zh" else basis
with plots.style(LANG):
    ax = basis.plot.barh(stacked=True, figsize=(8, 3.2), color=["#0072B2", "#56B4E9", "0.8"])
    ax.set_xlabel({"zh": "签名的行数，按方向的依据", "en": "rows of the signature, by basis"}[LANG])

# %% [markdown] lang="zh"
# “校准”指方向出自公布的统计数字。签名的**大小**（几个标准差）全部是我们定的，文章一个也没有给。
#
# ## 5 练习
#
# **练习 01.1**（解释）：下面六句话各属哪一类？用 `"stated"`（明说）、
# `"reading"`（解读）或 `"assumption"`（假设）填写。查原文用 `catalogue.quote("…")`。
#
# - a：有一家互联网银行把年轻人列为目标客群。
# - b：老年人是传统银行的客户。
# - c：购买结构性存款的人年纪偏大。
# - d：农户常在代理点办业务。
# - e：传统银行应当争取年轻人。
# - f：八类中人数最多的是中低收入者。

# %% [markdown] lang="en"
# `calibrated`: the direction follows from a published statistic. The *size* of a signature, so many
# standard deviations, is always ours; the article gives none.
#
# ## 5 Exercise
#
# **Exercise 01.1** (explain): of which kind is each of these six? Write `"stated"`, `"reading"` or
# `"assumption"`. `catalogue.quote("…")` shows the article's words.
#
# - a: An internet bank names young people among its targets.
# - b: The elderly are customers of traditional banks.
# - c: Those who buy structured deposits are rather old.
# - d: Farm households often use agents.
# - e: Traditional banks should win young people.
# - f: Low and middle incomes are the largest of the eight.

# %% tags=["exercise"]
answer = {"a": ..., "b": ..., "c": ..., "d": ..., "e": ..., "f": ...}
check("01.1", answer, LANG)

# %% tags=["solution"]
answer = {"a": "stated", "b": "reading", "c": "stated"}
answer |= {"d": "assumption", "e": "reading", "f": "assumption"}
check("01.1", answer, LANG)

# %% [markdown] lang="zh"
# ## 6 哪些已经过时？
#
# 文章用现在时推荐产品。其中有几种今天已经不卖了？

# %% [markdown] lang="en"
# ## 6 What is out of date?
#
# The article recommends products in the present tense. How many are no longer sold today?

# %%
products = catalogue.products().query("origin == 'article'")
gone = products[products["status_today"].str.startswith("ended")].copy()
print(f"{len(gone)} / {len(products)}")
gone["year"] = gone["status_today"].str.extract(r"(\d+)", expand=False)
rules = catalogue.read("rules").set_index("rule_id")[["source", "verified"]]
gone = gone.join(rules, on="status_rule")[[f"name_{LANG}", "year", "source", "verified"]]
gone.set_axis({"zh": ["产品", "停售年份", "来源", "已查证"], "en": gone.columns}[LANG], axis=1)

# %% [markdown] lang="zh"
# **解释**：文章讲的是 2019 年前后的情形。“已查证”表示来源读过；`False` 是凭记忆写的，也照实标出。
# 工具箱只把这些产品当作“文章的时代”，从不当作建议。
#
# 如果有人向目录索要文章没说过的话呢？

# %% [markdown] lang="en"
# **Explain.** The article speaks of a world of about 2019. `verified` says whether the source was
# read; `False` is remembered only, and marked so. The kit shows these products as the article's
# time, never as advice.
#
# And if somebody asks the catalogue for words that the article does not have?

# %%
try:
    print(catalogue.quote("term_deposit_1y"))
except KeyError:
    print({"zh": "拒绝：文章没有说过这个产品。", "en": "Refused: not the article's."}[LANG])

# %% [markdown] lang="zh"
# ## 带走三句话
#
# 1. 引用来源之前，先找到原文那句话；找不到，就不是它说的。
# 2. 文章给了名称和方向，没有给客户的任何数字。
# 3. 假设可以有，但要写明是假设，别人才能改。
#
# **延伸阅读**
#
# - Gebru 等 (2021), *Datasheets for Datasets*, Communications of the ACM 64(12)：
#   数据集应当附带哪些说明。
# - Buneman, Khanna, Tan (2001), *Why and Where: A Characterization of Data Provenance*, ICDT：
#   什么叫“这个数出自哪里”。

# %% [markdown] lang="en"
# ## Three things to take away
#
# 1. Before you credit a source, find the sentence; if there is none, the source did not say it.
# 2. The article gives names and directions, and no number about customers.
# 3. Assumptions are allowed; mark them, so that others can change them.
#
# **Further reading**
#
# - Gebru et al. (2021), *Datasheets for Datasets*, Communications of the ACM 64(12): what a data
#   set should say about itself.
# - Buneman, Khanna, Tan (2001), *Why and Where: A Characterization of Data Provenance*, ICDT: what
#   it means to ask where a number comes from.

# %% [markdown] lang="zh"
# ## 这一章没有说明什么
#
# - 没有说明文章是对的：它不给出处，也不给任何做法的效果。
# - 没有说明怎样分群：文章没有提到任何方法，“八类”是我们数出来的。
# - 没有说明这些银行的真实客户：工具箱从未见过，后面用的都是**合成**的。
# - 本章不构成任何投资建议。
#
# **下一章**：[02 合成银行](02_synthetic_bank.ipynb)

# %% [markdown] lang="en"
# ## What this does not show
#
# - Not that the article is right: it gives no source, and no result of any action.
# - Not how to cluster: it mentions no method, and eight is what we count in its text.
# - Nothing about customers of the banks that it names: the kit has seen none, and what follows is
#   **synthetic**.
# - No advice on money.
#
# **Next:** [02 The synthetic bank](02_synthetic_bank.ipynb)
