# %% [markdown]
# # 练习 04 · Exercise: starts and scales
#
# 先猜，再算，再解释 · Predict, be surprised, explain. The bank is **synthetic** (合成数据).

# %%
import numpy as np
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score


from kequn_lab.features import preprocessing
from kequn_lab.run import inputs

bank = inputs.from_synthetic_bank(1500, random_state=3)
table = bank.features
true = bank.truth.set_index("customer_id")["segment_id"].reindex(table.index)
z = preprocessing.preprocessor(table.columns).fit_transform(table)
print(f"{len(z):,} synthetic customers, {z.shape[1]} model columns")

# %% [markdown]
# ## 1 几个起点才够？ · How many starts are enough?
#
# `KMeans(8, n_init=n)` keeps the best of n starts. **Predict:** from which n on do two runs with
# different seeds give the same segments (ARI above 0.95) most of the time? Try n = 1, 10, 25 with
# pairs of seeds.

# %% tags=["solution"]
for n in (1, 10, 25):
    pairs = [
        adjusted_rand_score(
            KMeans(8, n_init=n, random_state=seed).fit_predict(z),
            KMeans(8, n_init=n, random_state=seed + 100).fit_predict(z),
        )
        for seed in range(4)
    ]
    same = np.mean(np.array(pairs) > 0.95)
    print(f"n_init {n:2}: median ARI {np.median(pairs):.2f}, the same in {same:.0%} of pairs")

# %% [markdown] tags=["solution"]
# **Explain.** More starts help, and slowly. Many local optima lie close together in inertia and
# far apart in their segments. Two runs agree only if both find the *same* one; so the number that
# is enough depends on the data, and you learn it only by asking for the agreement. The kit adds
# swaps to the starts for that reason.

# %% [markdown]
# ## 2 忘了标准化 · Forgetting to scale
#
# **Predict:** k-means on the customer table as it is (missing values filled with the median, no
# log, no scale). How large is the smallest cluster? What is the ARI with the truth?

# %% tags=["solution"]
filled = table.fillna(table.median())
raw = KMeans(8, n_init=25, random_state=0).fit_predict(filled)
print("cluster sizes:", sorted(np.bincount(raw).tolist(), reverse=True))
print(f"ARI with the truth, unscaled: {adjusted_rand_score(true, raw):.2f}")
scaled = KMeans(8, n_init=25, random_state=0).fit_predict(z)
print(f"ARI with the truth, scaled:   {adjusted_rand_score(true, scaled):.2f}")

# %% [markdown] tags=["solution"]
# **Explain.** The column with the largest numbers is the distance. A few very rich customers become
# clusters of their own, and everybody else is one crowd. No warning was given.

# %% [markdown]
# ## 3 多一列有害吗？ · Can one more column do harm?
#
# Add columns of pure noise to `z`: ten, a hundred, four hundred (standard normal, as wide as the
# others). **Predict** the ARI each time.

# %% tags=["solution"]
noise = np.random.default_rng(0).normal(size=(len(z), 400))
for extra in (0, 10, 100, 400):
    wide = np.hstack([z, noise[:, :extra]])
    found = KMeans(8, n_init=15, random_state=0).fit_predict(wide)
    print(f"{extra:3} columns of noise: ARI {adjusted_rand_score(true, found):.2f}")

# %% [markdown] tags=["solution"]
# **Explain.** A few useless columns are drowned out by dozens of good ones. The ARI may even rise:
# another local optimum was reached, by luck (part 1), and a difference of that size between two
# runs is no finding. Many columns of noise do blur the distances, and k-means cannot know which
# columns to ignore: choosing them is your part of the work.
