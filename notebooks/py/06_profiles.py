# %% [markdown] lang="zh"
# # 06 画像：每个客群里是谁？
#
# **目标**：能在两分钟之内说清一个客群是谁、凭什么这么说；能给没有名字的簇起一个靠得住的名字；
# 知道名字对了，人不一定对。**时间**：25 分钟。
#
# | 词 | 英文 | 意思 |
# |---|---|---|
# | 画像 | profile | 每个变量在每个客群里的样子 |
# | 标志变量 | marker | 某客群与其他客户明显不同的变量 |
# | 效应量 | effect size | 客群与其他客户之差，以标准差为单位 |
# | 精确率、召回率 | precision, recall | 符合规则的人里多少属于客群；客群里多少符合规则 |
# | 纯度 | purity | 一个簇里真正名副其实的客户占多少 |
#
# 簇只是一个编号。有人能说出里面是谁、有什么标志、有多可靠、**数据与文章哪里不一致**，
# 它才成为客群。本章的客户全是**合成**的。

# %% [markdown] lang="en"
# # 06 Who is in each segment?
#
# **Goal**: you can say within two minutes who a segment is and what makes you say so; you can give
# a nameless cluster a name that holds; you know that a right name may stand on the wrong people.
# **Time**: 25 minutes.
#
# | word | in Chinese | meaning |
# |---|---|---|
# | profile | 画像 | what each variable looks like in each segment |
# | marker | 标志变量 | a variable in which a segment clearly differs from the others |
# | effect size | 效应量 | segment minus the rest, in standard deviations |
# | precision, recall | 精确率、召回率 | two measures of a rule: see step 4 |
# | purity | 纯度 | share of a cluster's customers that are what its name says |
#
# A cluster is a number. It becomes a segment when a person can say who is in it, what marks it,
# how sure that is, and **where data and article disagree**. All customers here are **synthetic**.

# %%
# %matplotlib inline
import pandas as pd

import kequn_lab as kq
from kequn_lab import catalogue, features, plots, segments
from kequn_lab.workshop import check, evidence, guess, sample

LANG = "en"
at, NAME, TEXT = int(LANG == "en"), f"name_{LANG}", f"text_{LANG}"
result = kq.segment(**sample(), stability=0, quiet=True)
names = catalogue.names("segments", language=LANG)

# %% [markdown] lang="zh"
# ## 1 一个变量
#
# 从年龄开始。先想一想：各客群从年轻到年长怎么排？

# %% [markdown] lang="en"
# ## 1 One variable
#
# Start with age. Think first: in which order do the segments come, from young to old?

# %%
with result.styled(LANG):
    plots.profile_plot(result.profile, kind="box", order=["age_years"])

# %% [markdown] lang="zh"
# **解释**：箱子互相重叠，单凭年龄分不清几个客群。还要记得：文章**没有**给出任何人的年龄，
# 这些年龄是合成银行的假设。
#
# ## 2 所有变量
#
# 实心的条是标志变量（marker）：差得够远，才算标志；规则写在结果里。变量按相近的排在一起，
# 每一格可以当作一个形状来看。

# %% [markdown] lang="en"
# **Explained**: the boxes overlap; age alone tells few segments from each other. And the article
# gives *no* age of anybody: these ages are assumptions of the synthetic bank.
#
# ## 2 All variables
#
# Solid bars are markers: variables that differ far enough to mark the segment, by a stated rule.
# Similar variables are next to each other, so that a panel is read as a shape.

# %%
ax = result.plot("profile", language=LANG)

# %% [markdown] lang="zh"
# ## 3 猜：两个坐标轴够不够？
#
# 许多报告把客群画在两个坐标轴上。表里有几十列，最好的两个轴能装下多少？

# %% [markdown] lang="en"
# ## 3 Guess: are two axes enough?
#
# Many reports draw segments on two axes. The table has dozens of columns: how much do the best two
# axes hold?

# %%
guess("06.a", LANG)

# %%
two = result.plane_explained["explained_share"].head(2).sum()
SAID = ("前两个主成分装下方差的 {two:.0%}", "the first two components hold {two:.0%} of it")
print(SAID[at].format(two=two))
ax = result.plot("separation", language=LANG)

# %% [markdown] lang="zh"
# **解释**：把客群分开的东西，大半**不在**这张图上。图上叠在一起的两个客群，
# 在看不见的列上可能相距很远。
#
# ## 4 一句话的规则
#
# 客户经理算不了到中心的距离。一棵浅的决策树给每个客群最多三个条件：

# %% [markdown] lang="en"
# **Explained**: most of what separates the segments is *not* in this picture. Two segments that lie
# on top of each other here may be far from each other in columns that you do not see.
#
# ## 4 A rule in one sentence
#
# An account manager cannot compute distances to centres. A shallow tree gives each segment at most
# three conditions:

# %%
for sentence in result.rules[f"sentence_{LANG}"].head(4):
    print(sentence, end="\n\n")

# %% [markdown] lang="zh"
# 精确率（符合条件的人里有多少属于客群）和召回率（客群里有多少人符合条件），
# 都在**没有**用来学规则的另一半客户中计数。规则用来描述标签，不能代替标签。
#
# ## 5 卡片：标志，和文章的话

# %% [markdown] lang="en"
# Precision (of those who meet the rule, how many are in the segment) and recall (of the segment,
# how many meet it) are counted in the half of the customers from which the rule was *not* learned.
# A rule describes the labels; it does not replace them.
#
# ## 5 The card: marks, and the article's words

# %%
elderly = result.cards[result.cards["segment_id"] == "elderly"]
for row in elderly[elderly["part"] == "mark"].itertuples():
    print("·", getattr(row, TEXT))
for row in elderly[elderly["part"] == "article"].itertuples():
    print(row.inventory_id, getattr(row, TEXT), f"「{row.quote_zh}」" if at else "")

# %% [markdown] lang="zh"
# 带编号（S7）的是文章的原话，其余是数据算出来的标志。两者要分得清。
#
# ### 哪里不一致？
#
# `basis` 说明是谁的期望：文章（article）、公开数据（calibrated）还是我们的假设（assumption）。

# %% [markdown] lang="en"
# Lines with a number (S7) are the article's own words; the others are marks computed from the
# data. Do not confuse the two.
#
# ### Where do they disagree?
#
# `basis` says whose expectation it was: the article's, that of published data (calibrated), or ours
# (assumption).

# %%
checks = result.cards[result.cards["part"] == "check"]
HEAD = {
    "yes": ("一致", "agrees"),
    "no": ("不一致", "disagrees"),
    "not visible": ("看不出", "not seen"),
}
table = pd.crosstab(checks["basis"], checks["agrees"]).rename_axis(columns=None)
print(table.rename(columns={k: v[at] for k, v in HEAD.items()}).to_string(), end="\n\n")
for row in checks[checks["agrees"].isin(["no", "not visible"])].itertuples():
    print(names[row.segment_id], row.basis, getattr(row, TEXT), sep=" · ")

# %% [markdown] lang="zh"
# **解释**：一致并不能证明文章说得对：合成银行就是按这些方向**造**出来的，
# 簇又是按这些方向**命名**的。不一致的地方，先怀疑簇混了或名字错了。
#
# ### 警告
#
# 什么让这次分群值得怀疑？界限事先写明，超过才报。

# %% [markdown] lang="en"
# **Explained**: agreement does not confirm the article: the synthetic bank was *built* with these
# directions in it, and the clusters were *named* by them. Where they disagree, suspect first that
# a cluster is mixed or wrongly named.
#
# ### Warnings
#
# What makes this segmentation doubtful? Bounds are stated beforehand; what exceeds one is told.

# %%
NONE = ("没有警告：各项都在界限之内。", "No warnings: everything is within its bounds.")
print(*result.warnings[TEXT] if len(result.warnings) else [NONE[at]], sep="\n\n")

# %% [markdown] lang="zh"
# ## 6 没有名字的簇
#
# 换一种读法：不从特征签名起步，只搜索惯量最低的分群。这时有一个簇与八个客群都不够像，
# 只有一个**暂用名**，由它的特点组成：

# %% [markdown] lang="en"
# ## 6 A cluster without a name
#
# Take the other reading: not started at the signatures, but searched for the lowest inertia. One
# cluster then resembles none of the eight enough, and has a **working name** made of its marks:

# %%
search = kq.segment(**sample(), start="search", stability=0, quiet=True)
HEAD = {
    "zh": ["簇", "名字", "相似度", "领先第二名", "第二名"],
    "en": ["cluster", "name", "similarity", "lead over the runner-up", "runner-up"],
}
shown = search.names[["cluster", NAME, "similarity", "margin", "runner_up"]]
shown = shown.assign(runner_up=shown["runner_up"].map(names)).round(2).astype(object).fillna("—")
shown.set_axis(HEAD[LANG], axis=1).set_index(HEAD[LANG][0])

# %%
guess("06.b", LANG)

# %%
nameless = search.names.loc[~search.names["matched"], "segment_id"].iloc[0]
marks = search.markers.query("segment_id == @nameless and marker").head(10)
HEAD = {
    "zh": ["特征", "含义", "方向", "本簇", "全部", "效应量"],
    "en": ["feature", "meaning", "direction", "here", "all", "effect"],
}
meaning = features.feature_dictionary().set_index("feature")[f"meaning_{LANG}"]
WAY = {"higher": ("偏高", "higher"), "lower": ("偏低", "lower")}
way = marks["direction"].map({k: v[at] for k, v in WAY.items()})
marks = marks.assign(meaning=marks["variable"].map(meaning), direction=way)
marks = marks[["variable", "meaning", "direction", "mean", "overall_mean", "effect"]].round(2)
marks.set_axis(HEAD[LANG], axis=1).set_index(HEAD[LANG][0])

# %% [markdown] lang="zh"
# ### 练习 06.1 解释：用三个特征给它起名
#
# 从上表选三个最能说明这个簇的特征（写英文列名），例如 `["age_years", "web_share", "aum_cny"]`。

# %% [markdown] lang="en"
# ### Exercise 06.1 Explain: name it by three features
#
# Take from the table the three features that say best who these customers are, such as
# `["age_years", "web_share", "aum_cny"]`.

# %% tags=["exercise"]
answer = [..., ..., ...]
check("06.1", answer, LANG)

# %% tags=["solution"]
answer = ["consumer_loan_cny", "loan_event_share", "third_party_share"]
check("06.1", answer, LANG)

# %% [markdown] lang="zh"
# 把三个特征说成人话，就是名字。`rename` 只换名字，不重新分群，也没有客户换簇；
# 以后的表、图、标签文件都用新名字，并记下是人起的：

# %% [markdown] lang="en"
# Say the three features in plain words, and you have a name. `rename` changes the name only:
# nothing is clustered again and no customer moves. Tables, pictures and label files use the new
# name from then on, and record that a person gave it:

# %%
mine = search.rename({nameless: ("线上小额借款人", "online borrowers of small sums")})
columns = ["cluster", "segment_id", "name_zh", "name_en", "by"]
mine.names.loc[mine.names["by"] == "override", columns].set_index("cluster")

# %% [markdown] lang="zh"
# ## 7 名字对了，人对吗？
#
# 相似度说的是**中心**站在该站的地方，并没有说周围的客户是谁。合成数据里可以数：
# 纯度是簇里名副其实的客户所占比例（`notebooks/evidence/06.py` 计算）。

# %% [markdown] lang="en"
# ## 7 Right name, right people?
#
# A similarity says that the *centre* is where it was expected. It says nothing about the customers
# around it. In synthetic data they can be counted: purity is the share of a cluster's customers
# that are what its name says (computed by `notebooks/evidence/06.py`).

# %%
purity = evidence("06_purity").query("reading == 'search'").round(2)
HEAD = {
    "zh": ["id", "客户数", "相似度", "最多的真实客群", "它占多少", "纯度"],
    "en": ["id", "customers", "similarity", "most are truly", "share of these", "purity"],
}
shown = purity.assign(most=purity["most"].map(names))
shown["purity"] = shown["purity"].where(shown["similarity"].notna())
shown = shown[["segment_id", "customers", "similarity", "most", "most_share", "purity"]]
shown.astype(object).fillna("—").set_axis(HEAD[LANG], axis=1).set_index("id")

# %% [markdown] lang="zh"
# ### 练习 06.2 决定：哪个名字名不副实？
#
# 有一个**有名字**的簇，你会在报告里把它的名字撤下来。写它的 `id`，例如 `"elderly"`。

# %% [markdown] lang="en"
# ### Exercise 06.2 Decide: which name fits the minority?
#
# There is a cluster *with* a name that you would take away in your report. Write its `id`, such as
# `"elderly"`.

# %% tags=["exercise"]
answer = ...
check("06.2", answer, LANG)

# %% tags=["solution"]
named = purity.dropna(subset="similarity")
answer = named.loc[named["purity"].idxmin(), "segment_id"]
check("06.2", answer, LANG)

# %% [markdown] lang="zh"
# ## 8 名字靠几条特征？
#
# 名字如果只靠一列，就不是发现，而是一条换了说法的规则。每个特征签名去掉最强的一行，再命名一次。

# %% [markdown] lang="en"
# ## 8 How many features does a name rest on?
#
# A name that rests on one column is a rule in other words, and no finding. Take the strongest line
# from each signature, and name again.

# %%
guess("06.c", LANG)

# %%
signatures = catalogue.signatures()
strongest = signatures.groupby("segment_id")["level_sd"].transform(lambda s: s.abs().max())
weaker = signatures[signatures["level_sd"].abs() < strongest]
SAID = ("{reading}：{n} 个簇改了名或失去名字", "{reading}: {n} clusters have another name or none")
READING = {"zh": ("从特征签名起步", "搜索"), "en": ("start at signatures", "search")}
for reading, one in zip(READING[LANG], (result, search)):
    centres = segments.centre_table(one.pipeline)
    before, after = (segments.name_clusters(centres, s) for s in (signatures, weaker))
    n = (before["segment_id"] != after["segment_id"]).sum()
    print(SAID[at].format(reading=reading, n=n))

# %% [markdown] lang="zh"
# **解释**：名字靠好几列，少一列也还在；搜索的读法里，相似度最低的那个名字就没有这么牢。
#
# ## 带走三句话
#
# 1. 起名字要说特征；最相近的文章客群，不等于就是它。
# 2. 相似度说的是中心，纯度说的是人；在真实银行里，纯度看不见。
# 3. 标志、规则、卡片都在描述标签；描述得再好，也不能证明客群存在。
#
# ## 延伸阅读
#
# - Dolnicar, Grün & Leisch (2018), Market Segmentation Analysis，第 6、7 步：画像与描述。
# - Wilson (1927), JASA 22:209：比例的区间（客群大小、精确率）。

# %% [markdown] lang="en"
# **Explained**: a name that rests on several columns survives the loss of one. In the reading of
# the search, the name of the lowest similarity does not.
#
# ## Three things to take away
#
# 1. Name by features; the article's nearest segment need not be the one.
# 2. Similarity speaks of the centre, purity of people; in a real bank purity cannot be seen.
# 3. Marks, rules and cards describe the labels; however well, they do not prove that segments
#    exist.
#
# ## Further reading
#
# - Dolnicar, Grün & Leisch (2018), Market Segmentation Analysis, steps 6 and 7: profiling and
#   describing.
# - Wilson (1927), JASA 22:209: intervals of shares (sizes, precision).

# %% [markdown] lang="zh"
# ## 这一章没有说明什么
#
# - 没有说明客群存在：k 均值给出什么，画像就描述什么，没有意义的也照样描述。这是第 05 章的问题。
# - 效应量最大的，正是用来分群的那些变量。这是分群造成的，不是发现；
#   要检验，得用没有用过的变量（第 08 章）。
# - 没有说明任何银行的老年客户是什么样：这里的客户是**合成**的，文章只有文字，没有数字。
#
# 下一章：[07 比较：互联网银行与传统银行](07_compare.ipynb)

# %% [markdown] lang="en"
# ## What this does not show
#
# - Not that the segments exist: profiles describe whatever k-means returned, nonsense too. That
#   was the question of chapter 05.
# - Effects are largest exactly for the variables that made the clusters. That is construction, not
#   discovery; a test needs a variable that was *not* used (chapter 08).
# - Not what anybody's elderly customers are like. These are **synthetic**, and the article has
#   words, without numbers.
#
# Next: [07 Internet bank against traditional bank](07_compare.ipynb)
