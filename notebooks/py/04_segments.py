# %% [markdown] lang="zh"
# # 04 起点的运气
#
# **学完能做到**：说清一次 k 均值的结果有多少取决于随机起点；选一个足够的起点数；
# 知道惯量最低不等于最接近真相。
#
# **时间** 25 分钟。数据是**合成**的（2,000 名客户），所以每名客户的真实客群已知；
# 真实的银行没有这一列。
#
# **术语**：k 均值 k-means · 中心 centre · 起点 start · 惯量（簇内平方和）inertia · 搜索 search ·
# 调整兰德指数（ARI）adjusted Rand index

# %% [markdown] lang="en"
# # 04 A start's luck
#
# **Afterwards you can** say how much of one k-means result is the luck of its random start, choose
# a number of starts that is enough, and tell "lowest inertia" from "nearest to the truth".
#
# **Time** 25 minutes. The data are **synthetic** (2,000 customers), so the true segment of every
# customer is known; a real bank has no such column.
#
# **Words**: k-means (k 均值) · centre (中心) · start (起点) · inertia (惯量) · search (搜索) ·
# adjusted Rand index, ARI (调整兰德指数)

# %%
LANG = "en"

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from scipy.optimize import linear_sum_assignment
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score

import kequn_lab as kq
from kequn_lab import plots
from kequn_lab.workshop import check, evidence, explore, guess, sample, true_segments

# %%
result = kq.segment(**sample(), k=8, start="search", stability=0, quiet=True)
z = result.pipeline["preprocess"].transform(result.features)  # the scaled columns of chapter 03
true = true_segments().set_index("customer_id")["segment_id"].reindex(z.index)
said = {"zh": "{:,} 名合成客户，{} 列特征", "en": "{:,} synthetic customers, {} features"}
print(said[LANG].format(*z.shape))

# %% [markdown] lang="zh"
# ## 1 k 均值只做两件事
#
# 先放 k 个中心；然后重复：**(1)** 每名客户归到最近的中心，**(2)** 每个中心移到自己客户的平均位置。
# 直到不再移动。下面只用两列特征、三个中心，看中心怎样走。

# %% [markdown] lang="en"
# ## 1 k-means does two things
#
# Put down k centres. Then repeat: **(1)** each customer goes to the nearest centre, **(2)** each
# centre moves to the mean of its customers. It ends when nothing moves. Here are two features and
# three centres, so that the way of the centres can be seen.


# %%
def one_step(points, centres):
    nearest = ((points[:, None] - centres) ** 2).sum(axis=2).argmin(axis=1)
    return nearest, np.array([points[nearest == j].mean(axis=0) for j in range(len(centres))])


def walk(points, seed, k=3, steps=12):
    way = [points[np.random.default_rng(seed).choice(len(points), k, replace=False)]]
    for _ in range(steps):
        nearest, moved = one_step(points, way[-1])
        way.append(moved)
    return nearest, np.array(way)


# %%
AXES = {
    "zh": ("年龄（标准化）", "手机渠道占比（标准化）"),
    "en": ("age (scaled)", "mobile share (scaled)"),
}
two = z[["age_years", "mobile_share"]].to_numpy()

# %%
with plots.style(LANG, synthetic=True):
    fig, axes = plt.subplots(1, 2, figsize=(9, 3.6), sharey=True)
    for seed, ax in enumerate(axes):
        nearest, way = walk(two, seed)
        ax.scatter(*two.T, c=nearest, cmap="Set2", s=6, alpha=0.5)
        for j in range(3):
            ax.plot(*way[:, j].T, "k.-", lw=1)
            ax.plot(*way[-1, j], "kX", ms=9)
        ax.set(xlabel=AXES[LANG][0], title=f"random_state = {seed}")
    axes[0].set_ylabel(AXES[LANG][1])

# %% [markdown] lang="zh"
# 线是中心走过的路，✕ 是终点。每一步都不会让惯量（客户到自己中心的距离平方和）变大，所以它总会停下。
# 停在哪里，却要看从哪里出发。用全部特征试试：换种子、换 k，一步一步往前走（图画在前两个主成分上）。

# %% [markdown] lang="en"
# The lines are the ways of the centres, ✕ is where they end. No step makes the inertia (the sum of
# squared distances of customers to their centre) larger, so it always ends. Where it ends depends
# on where it began. Try it with all features: another seed, another k, step by step (drawn on the
# first two principal components).

# %%
explore("steps", result, language=LANG)

# %% [markdown] lang="zh"
# ## 2 猜：40 个起点会得到几种分群？
#
# 回到全部特征和 k = 8（文章提到八个客群；第 05 章再问这个理由够不够）。同样的客户，只换随机种子，
# 运行40 次。两次结果是否相同，要比**标签**，不能比惯量：惯量 54,000 左右，差 0.01 说明不了什么。
# 调整兰德指数（ARI）比较两套标签：完全相同为 1，毫无关系时平均为 0。

# %% [markdown] lang="en"
# ## 2 Guess: how many segmentations will forty starts give?
#
# Back to all features and k = 8 (the article names eight segments; chapter 05 asks whether that is
# a good reason). The same customers forty times, only the random seed differs. Whether two results
# are the same must be read from the **labels**, not from the inertia, which is a large number: its
# decimals say nothing. The adjusted Rand index (ARI) compares two labelings: 1 is the same, 0 is
# the average of unrelated ones.

# %%
guess("04.a", LANG)

# %%
starts = [KMeans(8, n_init=1, random_state=seed).fit(z) for seed in range(40)]


def different(starts, alike):
    kept = []
    for start in sorted(starts, key=lambda s: s.inertia_):
        if all(adjusted_rand_score(start.labels_, k.labels_) < alike for k in kept):
            kept.append(start)
    return len(kept)


# %%
HEAD = {
    "zh": ("ARI 达到多少算相同", "不同的分群"),
    "en": ("the same from ARI", "different results"),
}
counted = {alike: different(starts, alike) for alike in (0.999, 0.95, 0.9)}
pd.DataFrame(counted.items(), columns=HEAD[LANG]).style.hide().format({HEAD[LANG][0]: "{:g}"})

# %% [markdown] lang="zh"
# 标准放得再松，40 个起点也远不止几种结果。换成客户数更直观：种子 0 和种子 1，有多少客户换了群？
# （先把两边的簇一一对上，让相同的客户尽量多。）

# %% [markdown] lang="en"
# However generous the rule, forty starts give far more than a few results. In customers: how many
# change their segment between seed 0 and seed 1? (The clusters of both are matched first, so that
# as many customers as possible agree.)

# %%
SAID = {
    "zh": "{:,} 名客户中有 {} 名换了群（ARI {:.2f}）；两次的惯量只差 {:.1%}",
    "en": "{1} of {0:,} customers change segment (ARI {2:.2f}); the inertias differ by {3:.1%}",
}
both = pd.crosstab(starts[0].labels_, starts[1].labels_)
stay = both.to_numpy()[linear_sum_assignment(both, maximize=True)].sum()
ari = adjusted_rand_score(starts[0].labels_, starts[1].labels_)
apart = abs(starts[1].inertia_ / starts[0].inertia_ - 1)
print(SAID[LANG].format(len(z), len(z) - stay, ari, apart))

# %% [markdown] lang="zh"
# **解释**　每个起点都停在一个*局部最优*：任何一步都不能再改进的解。换一个种子，
# 同样的客户就会收到别的标签，而且没有任何警告。
#
# ## 3 猜：搜索修好了什么？
#
# `kq.segment` 不只跑一次：它从 25 个起点出发，再反复把一个中心搬到别处试试（交换），留下最好的。
# 和 40 次里最好的一次相比，搜索会带来什么？

# %% [markdown] lang="en"
# **Explain.** Every start ends in a *local optimum*: a solution that no step improves. With another
# seed the same customers would have got other labels, and no warning is given.
#
# ## 3 Guess: what does the search repair?
#
# `kq.segment` does not run once: it begins at 25 starts, then moves one centre elsewhere, tries
# again (swaps), and keeps the best. Compared with the best of the forty, what does it bring?

# %%
guess("04.b", LANG)

# %%
SAID = {
    "zh": "搜索的惯量与 40 次中最低的相比：{:+.3%}；40 次中最差的：{:+.1%}",
    "en": "inertia of the search against the lowest of forty: {:+.3%}; the worst of them: {:+.1%}",
}
inertia = np.array([start.inertia_ for start in starts])
search = result.pipeline["kmeans"]
print(SAID[LANG].format(search.inertia_ / inertia.min() - 1, inertia.max() / inertia.min() - 1))

# %% [markdown] lang="zh"
# 惯量几乎没有变。变的是**下一次**：换一个种子，会不会得到同样的客群？下表由
# `notebooks/evidence/04.py` 算出：每一行取 20 对种子，看每一对有多像；最后三行是 k = 12。

# %% [markdown] lang="en"
# The inertia is hardly different. What changed is the **next time**: would another seed give the
# same segments? The table was computed by `notebooks/evidence/04.py`: twenty pairs of seeds in
# every row, and how alike each pair is. The last three rows are of k = 12.

# %%
HEAD = {
    "zh": ["k", "做法", "起点数", "一对种子的 ARI（中位数）", "最低", "ARI ≥ 0.95 的对数"],
    "en": ["k", "method", "starts", "ARI of a pair (median)", "lowest", "pairs with ARI ≥ 0.95"],
}
METHOD = {
    "zh": {"n_init": "起点", "search": "搜索"},
    "en": {"n_init": "starts", "search": "search"},
}
agreement = evidence("04_agreement").replace({"method": METHOD[LANG]})
figures = {"ari_median": "{:.2f}", "ari_lowest": "{:.2f}", "agree_share": "{:.0%}"}
agreement.style.hide().format(figures).relabel_index(HEAD[LANG], axis="columns")

# %% [markdown] lang="zh"
# **解释**　只用一个起点（n_init = 1，这也是 scikit-learn 在 k-means++ 下的默认值），
# 几乎得不到同样的客群。起点越多，两次越常停在同一个地方。k = 8 时，25 个普通起点和搜索差不多；k =
# 12 时，25 个普通起点**没有一对** 一致，搜索有一半——所以 k 越大越要问这个问题，搜索也不是万能的。
# **搜索修好的是运气，不是惯量**：别人用别的种子重做，会得到（几乎）同样的客群，结果才可以核对。
#
# ## 练习 04.1（填空）
#
# 只用普通的 `KMeans`：`n_init` 至少取多少，两个种子**几乎总是**（十对里至少九对）达到 ARI ≥ 0.95？
# 先填一个数，看两个种子有多像，再检查。

# %% [markdown] lang="en"
# **Explain.** One start (n_init = 1, scikit-learn's default with k-means++) hardly ever gives the
# same segments. The more starts, the more often two runs end in the same place. At k = 8 the best
# of 25 plain starts does about as well as the search; at k = 12 **no pair** of them agrees, and
# half of the searches do: the larger k, the more you have to ask, and the search is no cure for
# all. **It repairs luck, not inertia**: whoever repeats it with another seed gets (nearly) the
# same segments, so the result can be checked.
#
# ## Exercise 04.1 (fill in)
#
# With plain `KMeans` alone: from which `n_init` on do two seeds *nearly always* (nine pairs of ten)
# reach ARI ≥ 0.95? Put in a number, see how alike two seeds are, then check.

# %% tags=["exercise"]
answer = ...  # n_init
if answer is not ...:
    pair = [KMeans(8, n_init=answer, random_state=s).fit_predict(z) for s in (0, 1)]
    print(f"ARI {adjusted_rand_score(*pair):.3f}")
check("04.1", answer, LANG)

# %% tags=["solution"]
answer = 25
pair = [KMeans(8, n_init=answer, random_state=s).fit_predict(z) for s in (0, 1)]
print(f"ARI {adjusted_rand_score(*pair):.3f}")
check("04.1", answer, LANG)

# %% [markdown] lang="zh"
# ## 4 猜：惯量最低的，最接近真相吗？
#
# 每个起点都有惯量；因为数据是合成的，还可以算它与真实客群的一致程度。40 个起点里，
# 有几个比搜索**更接近真相**？

# %% [markdown] lang="en"
# ## 4 Guess: is the lowest inertia nearest to the truth?
#
# Every start has an inertia; and since the data are synthetic, an agreement with the true segments.
# How many of the forty starts are *nearer to the truth* than the search?

# %%
guess("04.c", LANG)

# %%
AXES = {
    "zh": ("惯量高出搜索结果", "与真实客群的一致程度（ARI）", "一个起点", "搜索"),
    "en": ("inertia above the search", "agreement with the truth (ARI)", "one start", "search"),
}
right = np.array([adjusted_rand_score(true, start.labels_) for start in starts])
found = adjusted_rand_score(true, search.labels_)

# %%
with plots.style(LANG, synthetic=True):
    fig, ax = plt.subplots(figsize=(7, 3.6))
    ax.scatter(inertia / search.inertia_ - 1, right, color="0.5", label=AXES[LANG][2])
    ax.scatter(0, found, color="#D55E00", marker="D", s=70, label=AXES[LANG][3])
    ax.set(xlabel=AXES[LANG][0], ylabel=AXES[LANG][1])
    ax.xaxis.set_major_formatter("{x:.1%}")
    ax.legend()

# %%
SAID = {
    "zh": "这家银行：{} 个起点中有 {} 个比搜索更接近真相\n"
    "{} 家合成银行中，惯量最低的起点也最接近真相的有 {} 家",
    "en": "this bank: of {} starts {} are nearer to the truth than the search\n"
    "of {} synthetic banks the lowest inertia is also the truest in {}",
}
banks = evidence("04_truth")
counts = len(starts), (right > found).sum(), len(banks), banks["lowest_is_truest"].sum()
print(SAID[LANG].format(*counts))

# %% [markdown] lang="zh"
# **解释**　惯量衡量簇有多紧，不衡量簇有多真。很差的起点确实也离真相远，但在最低的那一段，
# 顺序就乱了：惯量稍高一点的解常常更接近真相。这只有在合成数据上才看得到，真实的银行没有纵轴。
# 那为什么还要搜索？因为**可以重复**：下一次、别的人、别的种子，答案一样。可以重复不等于真实。
#
# ## 练习 04.2（决定）
#
# 报告里能写哪一句？
#
# - `"A"`　搜索的惯量最低，所以它最接近真实的客群。
# - `"B"`　换一个种子重新搜索，会得到几乎同样的客群；它们是否真实，惯量说明不了。
# - `"C"`　我们运行了一次 k 均值，结果就是本行的客群。

# %% [markdown] lang="en"
# **Explain.** Inertia measures how tight clusters are, not how true. Very bad starts are far from
# the truth as well, but near the bottom the order is lost: solutions a little above the lowest are
# often nearer to the truth. Only synthetic data show it; at a real bank the vertical axis does not
# exist. Then why search? Because it is **repeatable**: next time, for another person, with another
# seed, the answer is the same. Repeatable is not the same as true.
#
# ## Exercise 04.2 (decide)
#
# Which sentence may stand in the report?
#
# - `"A"` The search has the lowest inertia, so it is nearest to the true segments.
# - `"B"` A search with another seed gives nearly the same segments; whether they are true, inertia
#   does not say.
# - `"C"` We ran k-means once, and these are the bank's segments.

# %% tags=["exercise"]
answer = ...  # "A", "B" or "C"
check("04.2", answer, LANG)

# %% tags=["solution"]
answer = "B"
check("04.2", answer, LANG)

# %% [markdown] lang="zh"
# ## 5 搜索找到的客群
#
# 簇只是一个号码。名字来自*特征签名*：每个客群预期站在哪里（多数是假设，见第 01 章）。
# 谁都不像的簇，用最突出的特征起一个暂用名。

# %% [markdown] lang="en"
# ## 5 The segments of the search
#
# A cluster is a number. Names come from *signatures* (特征签名): where each segment is expected to
# stand (mostly an assumption, see chapter 01). A cluster that is like none of them gets a working
# name from the features that mark it most.

# %%
ax = result.plot("sizes", language=LANG)

# %% [markdown] lang="zh"
# 数一数名字：八个簇，是不是文章的八个客群？少了哪一个？它的客户去了哪里？下一章去找。
#
# ## 记住三点
#
# 1. 一次 k 均值的结果是随机起点的结果：换种子，客群就变，而且没有警告。
# 2. 比标签（ARI），不比惯量；用足够多的起点，或者用搜索，直到两个种子一致。
# 3. 搜索让结果可以重复、可以核对；惯量最低不等于最真。
#
# **延伸阅读**　D. Steinley (2003), Local optima in K-means clustering: what you don't know may hurt
# you, *Psychological Methods* 8(3)　·　D. Arthur, S. Vassilvitskii (2007), k-means++: the
# advantages of careful seeding, *SODA*　·　P. Fränti (2018), Efficiency of random swap
# clustering, *Journal of Big Data* 5:13　·　L. Hubert, P. Arabie (1985), Comparing partitions,
# *Journal of Classification* 2

# %% [markdown] lang="en"
# Count the names: eight clusters, but are they the article's eight segments? Which one is missing,
# and where did its customers go? The next chapter looks for it.
#
# ## Three things to take away
#
# 1. The result of one k-means run is the result of its random start: another seed gives other
#    segments, without a warning.
# 2. Compare labels (ARI), not inertia; take enough starts, or search, until two seeds agree.
# 3. The search makes a result repeatable, so that it can be checked; lowest inertia is not truest.
#
# **Further reading** D. Steinley (2003), Local optima in K-means clustering: what you don't know
# may hurt you, *Psychological Methods* 8(3) · D. Arthur, S. Vassilvitskii (2007), k-means++: the
# advantages of careful seeding, *SODA* · P. Fränti (2018), Efficiency of random swap clustering,
# *Journal of Big Data* 5:13 · L. Hubert, P. Arabie (1985), Comparing partitions, *Journal of
# Classification* 2

# %% [markdown] lang="zh"
# ## 这一章没有说明什么
#
# - **不说明真实的银行。** 写这家合成银行的人，也写了特征和签名；两头都在手里，
#   任何 ARI 都能做出来（循环论证）。
# - 不说明真有八个客群：要几个，k 均值就给几个（第 05 章）。
# - 不说明有名字的簇就是文章里的客群；文章没有给出任何数字，也没有用任何方法。
# - 25 个起点够不够，取决于数据；换一家银行要再问一次。
#
# **下一章**　[04b 失踪的客群](04b_lost_segment.ipynb)

# %% [markdown] lang="en"
# ## What this does not show
#
# - **Nothing about a real bank.** Whoever wrote this synthetic bank also wrote the features and the
#   signatures; with both ends in hand any ARI can be reached (circular reasoning).
# - Not that there *are* eight segments: k-means returns as many as it is asked for (chapter 05).
# - Not that a named cluster is the article's segment; the article gives no figure and no method.
# - Whether 25 starts are enough depends on the data; ask again at another bank.
#
# **Next** [04b The lost segment](04b_lost_segment.ipynb)
