# %% [markdown] lang="zh"
# # 10 小测验
#
# **目标**：带走十个判断，能对着行长说清楚：什么可以说，什么会改变它，哪个数字是文章的。
#
# **时间**：10 分钟。不需要网络，也不需要数据。
#
# **词汇**：证据（evidence）、假设（assumption）、合成数据（synthetic data）
#
# 每题把 `...` 换成 `"a"`、`"b"` 或 `"c"`，运行后立刻知道对不对、为什么。先自己想，再运行。

# %% [markdown] lang="en"
# # 10 Quiz
#
# **Goal**: take ten judgements home, and be able to say to a director what may be said, what would
# change it, and which number is the article's.
#
# **Time**: 10 minutes. It needs no network and no data.
#
# **Words**: evidence (证据), assumption (假设), synthetic data (合成数据)
#
# In each question put `"a"`, `"b"` or `"c"` in place of `...`; running the cell says at once
# whether it is right, and why. Think first, then run.

# %%
from kequn_lab.workshop import check

LANG = "en"

# %% [markdown] lang="zh"
# ## 1 哪个数字出自文章？
#
# - **a** 互联网银行目标客户的平均年龄
# - **b** 柜台交易的占比
# - **c** 客群有八类

# %% [markdown] lang="en"
# ## 1 Which number is the article's?
#
# - **a** the average age of the internet bank's target customers
# - **b** the share of transactions at the counter
# - **c** that there are eight groups

# %% tags=["exercise"]
answer = ...
check("10.1", answer, LANG)

# %% tags=["solution"]
answer = "c"
check("10.1", answer, LANG)

# %% [markdown] lang="zh"
# ## 2 在合成银行上跑完之后，可以对行长说什么？
#
# - **a** “工具能找回预先放进去的客群；对我们的客户怎样，还不知道”
# - **b** “我们的年轻客户大多用手机”
# - **c** “我们应当分八个客群”

# %% [markdown] lang="en"
# ## 2 After a run on the synthetic bank, what may you tell your director?
#
# - **a** “The kit finds groups that were put in; how it does on our customers is not known”
# - **b** “Our young customers mostly use the phone”
# - **c** “We should have eight segments”

# %% tags=["exercise"]
answer = ...
check("10.2", answer, LANG)

# %% tags=["solution"]
answer = "a"
check("10.2", answer, LANG)

# %% [markdown] lang="zh"
# ## 3 什么能让上一题的话变强？
#
# - **a** 更大的合成银行
# - **b** 用本行客户再算，换几批客户看是否重现，再请熟悉客户的人看
# - **c** 更多的簇

# %% [markdown] lang="en"
# ## 3 What would let you say more than that?
#
# - **a** a larger synthetic bank
# - **b** a run on our own customers, repeated with other draws, and looked through by people who
#   know them
# - **c** more clusters

# %% tags=["exercise"]
answer = ...
check("10.3", answer, LANG)

# %% tags=["solution"]
answer = "b"
check("10.3", answer, LANG)

# %% [markdown] lang="zh"
# ## 4 换一个种子，客群变了。怎么办？
#
# - **a** 取惯量最低的那次，它最真实
# - **b** 多试起点或用搜索，并报告有多少次一致
# - **c** 把两次结果平均

# %% [markdown] lang="en"
# ## 4 With another seed the segments are others. What do you do?
#
# - **a** take the run of the lowest inertia, it is the truest
# - **b** use many starts or the search, and report how many agree
# - **c** average the two

# %% tags=["exercise"]
answer = ...
check("10.4", answer, LANG)

# %% tags=["solution"]
answer = "b"
check("10.4", answer, LANG)

# %% [markdown] lang="zh"
# ## 5 文章的某个客群没有自己的簇。先试什么？
#
# - **a** 加大 k
# - **b** 给最像的簇改成它的名字
# - **c** 先问业务：例如对公、对私分开，再数一数

# %% [markdown] lang="en"
# ## 5 A group of the article has no cluster of its own. What do you try first?
#
# - **a** a larger k
# - **b** give its name to the cluster that looks most like it
# - **c** ask the bank: business and personal customers separately, for one; then count

# %% tags=["exercise"]
answer = ...
check("10.5", answer, LANG)

# %% tags=["solution"]
answer = "c"
check("10.5", answer, LANG)

# %% [markdown] lang="zh"
# ## 6 “k = 2 时非常稳定，所以确有两个客群。”该怎么回答？
#
# - **a** 先看没有客群的数据有多稳定
# - **b** 对，稳定就是真实
# - **c** 不对，要看惯量的肘部

# %% [markdown] lang="en"
# ## 6 “With k = 2 it is very stable, so there are two segments.” What do you answer?
#
# - **a** first see how stable data without segments are
# - **b** right, what is stable is real
# - **c** no, the elbow of the inertia decides

# %% tags=["exercise"]
answer = ...
check("10.6", answer, LANG)

# %% tags=["solution"]
answer = "a"
check("10.6", answer, LANG)

# %% [markdown] lang="zh"
# ## 7 一个簇名叫“老年客群”，这说明什么？
#
# - **a** 簇里都是老年人
# - **b** 簇的中心最接近我们对老年客群的预期
# - **c** 文章这样描述过这些客户

# %% [markdown] lang="en"
# ## 7 A cluster is called “elderly”. What does that say?
#
# - **a** all of its customers are old
# - **b** its centre is nearest to what we expect of the elderly
# - **c** the article described these customers

# %% tags=["exercise"]
answer = ...
check("10.7", answer, LANG)

# %% tags=["solution"]
answer = "b"
check("10.7", answer, LANG)

# %% [markdown] lang="zh"
# ## 8 两组客户的差别“显著”。下一步？
#
# - **a** 可以写进报告：差别很大
# - **b** 差别不大就不会显著，不用再看
# - **c** 看效应量和区间

# %% [markdown] lang="en"
# ## 8 Two groups differ “significantly”. What next?
#
# - **a** write that they differ a lot
# - **b** nothing: small differences are never significant
# - **c** look at the effect size and its interval

# %% tags=["exercise"]
answer = ...
check("10.8", answer, LANG)

# %% tags=["solution"]
answer = "c"
check("10.8", answer, LANG)

# %% [markdown] lang="zh"
# ## 9 一个客群在这家银行入选，换几家合成银行多半落选。怎么写？
#
# - **a** 写明在几家里入选，不作肯定推荐
# - **b** 照样推荐，它在这家入选
# - **c** 从表里删掉

# %% [markdown] lang="en"
# ## 9 A segment is a target here, and in few other synthetic banks. What do you write?
#
# - **a** in how many it is a target; no firm recommendation
# - **b** recommend it, it is a target here
# - **c** leave it out of the table

# %% tags=["exercise"]
answer = ...
check("10.9", answer, LANG)

# %% tags=["solution"]
answer = "a"
check("10.9", answer, LANG)

# %% [markdown] lang="zh"
# ## 10 下个月有人换了客群。给谁写信？
#
# - **a** 所有换了客群的人
# - **b** 行为变了的人；因模型重算而换的不算
# - **c** 谁也不写

# %% [markdown] lang="en"
# ## 10 Next month some customers are in another segment. Who gets a letter?
#
# - **a** everybody who moved
# - **b** those whose behaviour changed, not those whom a new model moved
# - **c** nobody

# %% tags=["exercise"]
answer = ...
check("10.10", answer, LANG)

# %% tags=["solution"]
answer = "b"
check("10.10", answer, LANG)

# %% [markdown] lang="zh"
# ## 三点收获
#
# 1. 说一个数字，先说它从哪里来：文章、计算，还是假设。
# 2. 说一个结论，再说什么会改变它。
# 3. 名称、稳定性、显著都不等于真实、重要、正确。
#
# **延伸阅读**：Dolnicar、Grün、Leisch《Market Segmentation Analysis》（2018），第 2 步与第 7 步；
# Hennig《What are the true clusters?》（2015）。

# %% [markdown] lang="en"
# ## Three things to take away
#
# 1. With a number, say where it comes from: the article, a computation, or an assumption.
# 2. With a conclusion, say what would change it.
# 3. A name, stability and significance are not truth, importance and being right.
#
# **Further reading**: Dolnicar, Grün & Leisch, *Market Segmentation Analysis* (2018), steps 2 and
# 7; Hennig, “What are the true clusters?” (2015).

# %% [markdown] lang="zh"
# ## 这一章没有说明什么
#
# - 全部答对，不等于会在自己的数据上做对；下一步是拿本行的表跑一遍，再回来看这十题。
# - 这里的“小银行”是合成的；答案里说到它的地方，都不是在说贵行。
#
# 回到 [00 从这里开始](00_start_here.ipynb)。

# %% [markdown] lang="en"
# ## What this does not show
#
# - Ten right answers do not make a right analysis: run a table of your own bank, then come back to
#   these ten.
# - The small bank here is synthetic. What an answer says of it is not said of your bank.
#
# Back to [00 Start here](00_start_here.ipynb).
