# %% [markdown]
# # 01 文章与目录 · The article and its catalogue
#
# 问：文章到底说了什么，没说什么？
#
# The kit starts from one Chinese article, 银行客群经营工作思路 (how banks run their customer
# groups). Before any data: **what does it say, and what does it not say?** A segmentation that
# credits a source with more than it says is wrong before the first line of code.

# %% [markdown]
# ## 原料的质量 · The quality of the source
#
# It is a compilation of questions and answers with an advertisement at its end. It names no
# author, no date and no source for any figure; two words in it are censored. We keep its words
# as *data*: one row per statement, each with the quote (原文) and an id that follows it through
# the code. A test holds every quote against the article.

# %%
import pandas as pd

from kequn_lab import catalogue

pd.set_option("display.max_colwidth", 60)
catalogue.segments()[["inventory_id", "segment_id", "name_zh", "name_en", "side", "quote_zh"]]

# %% [markdown]
# The `quote_zh` column is the article's. The ids, the English names and the column `side` are
# ours. Any id leads back to the words:

# %%
for item in ("relies_on_counter", "safety_first", "digital_gap"):
    print(f"{item:18} {catalogue.quote(item)}")

# %% [markdown]
# ## 猜：哪个客群说得最多？ · Guess: which segment does it say most about?
#
# Eight segments, one article. Write down your guess: which segment is described best, and which
# one hardly at all? Then look: rows are what a statement is about, cells count statements.

# %%
traits = catalogue.traits()
said = pd.crosstab(traits["about"], traits["segment_id"])
said.rename(columns=catalogue.names()).replace(0, "·")

# %% [markdown]
# It looks as if micro enterprises, farms and young adults were all well described. But
# `inventory_id` tells which statements were made of all five long-tail groups (长尾客群)
# *together*. Take these out:

# %%
own = traits[~traits["inventory_id"].str.contains("-")]
own.groupby("segment_id")["trait_id"].agg(["count", ", ".join]).sort_values("count")

# %% [markdown]
# **解 Explain.** For half of the segments one statement of their own is left: that a bank
# targets them. How a farm household banks is *not in
# the article*. Only two segments, structured-deposit customers and the elderly, are described.
# Whatever our synthetic farmers do later, the kit made it up.

# %% [markdown]
# ## 年龄几岁？有数字吗？ · How old is old? Is there any number?
#
# Guess first: how many of the statements about segments contain a number?

# %%
print("statements about segments:     ", len(traits))
print("with a digit in the quote:     ", traits["quote_zh"].str.contains(r"\d").sum())
traits[traits["about"].isin(["age", "size"])].drop_duplicates("quote_zh")[
    ["segment_id", "about", "quote_zh", "gloss_en"]
]

# %% [markdown]
# **解 Explain.** None. "年龄偏大" (rather old) and "规模庞大" (large) is all there is: no age, no
# income, no balance, no size of any segment, no share of any channel. These are the article's
# only figures:

# %%
figures = catalogue.read("figures").set_index("figure_id")
change = figures["value"]["ccb_visits_2019"] / figures["value"]["ccb_visits_2017"] - 1
print(f"branch visits 2017 to 2019: {change:.2%} (the article says 降幅达5%)")
figures[["value", "unit", "year", "gloss_en"]]

# %% [markdown]
# They are about branches and least amounts, not about customers.

# %% [markdown]
# ## 银行与目标客群 · Banks and target groups
#
# The article names nine banks. Which segments do internet banks (互联网银行) want, and which ones
# do traditional banks (传统银行) have? Look at the column `basis`.

# %%
groups = catalogue.target_groups()
groups[["group_zh", "segment_id", "relation", "basis", "primary", "note"]]

# %% [markdown]
# **解 Explain.** `stated` (明说): the article says so. `reading` (解读): we read it so. No
# sentence says "traditional banks target the elderly"; it says that the elderly depend on the
# counter. Young adults stand there twice: a target of internet banks, and a stated *gap* of
# traditional ones. `primary` puts each segment in one group, so that the groups can be compared.

# %% [markdown]
# ## 哪些已经过时？ · What is out of date?
#
# The article recommends products in the present tense. Guess how many of them are no longer sold.

# %%
products = catalogue.products().query("origin == 'article'")
gone = products[products["status_today"].str.startswith("ended")]
print(f"{len(gone)} of {len(products)} of the article's products have ended")
sources = catalogue.read("rules").set_index("rule_id")[["says_en", "source", "verified"]]
gone[["name_zh", "status_today", "replaced_by", "status_rule"]].join(sources, on="status_rule")

# %% [markdown]
# **解 Explain.** The article speaks of a world of about 2019. `verified` says whether the source
# of the end date was read, or whether it is remembered. The kit shows these products as the
# article's time, never as something to buy.

# %% [markdown]
# ## 修：目录拒绝冒充 · Repair: the catalogue refuses to pretend
#
# What if someone asks for the article's words on something that the kit has added?

# %%
try:
    catalogue.quote("term_deposit_1y")
except KeyError as error:
    print("refused:", error.args[0])

# %% [markdown]
# Clusters will be named by *signatures* (特征签名): where each segment should stand, in standard
# deviations. How much of that is the article's?

# %%
signatures = catalogue.signatures()
print(signatures["basis"].value_counts().to_string(), "\n")
print("sizes:", signatures["size_basis"].value_counts().to_dict())

# %% [markdown]
# The *direction* is the article's in a minority of rows (`article`); elsewhere it comes from a
# published figure (`calibrated`) or from us (`assumption`). The *size* is always ours.

# %% [markdown]
# ## 这一章没有说明什么 · What this does not show
#
# - Not that the article is right. It gives no source, and no result of any action.
# - Not how to cluster: no method is mentioned in it, and the number of groups is nobody's finding.
#   Eight is what we count in its text.
# - Nothing about customers of any bank named here. The kit has never seen one; what follows runs
#   on a **synthetic** bank (合成数据).
# - No advice on money. 本章不构成任何投资建议。
#
# **下一章 Next:** [02 合成银行 · the synthetic bank](02_synthetic_bank.ipynb): how such customers
# are made up, and what keeps the making honest.
