# %% [markdown]
# # 练习 05 · Exercise: choosing k
#
# 先猜，再算，再解释 · Predict, be surprised, explain. The bank is **synthetic** (合成数据).

# %%
import numpy as np
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score, silhouette_score

from kequn_lab import validation, synth

from kequn_lab.features import preprocessing
from kequn_lab.run import inputs

quick = {"n_init": 20, "random_state": 0}


def columns(preset):
    bank = inputs.from_synthetic_bank(1200, random_state=0, preset=preset)
    return preprocessing.preprocessor(bank.features.columns).fit_transform(bank.features)


print("presets of the synthetic bank:", list(synth.read_population().presets.columns))

# %% [markdown]
# ## 1 更容易的银行 · An easier bank
#
# Eight segments overlap in the preset `standard`. In `easy` few customers are mixed. **Predict:**
# does the silhouette now pick eight?

# %% tags=["solution"]
for preset in ("easy", "standard"):
    z = columns(preset)
    scores = {k: silhouette_score(z, KMeans(k, **quick).fit_predict(z)) for k in range(2, 11)}
    best = max(scores, key=scores.get)
    print(f"{preset:9} best k = {best} ({scores[best]:.3f}); at 8: {scores[8]:.3f}")

# %% [markdown] tags=["solution"]
# **Explain.** Less mixing makes the segments tighter, and the silhouette higher at eight than
# before. Whether it *prefers* eight depends on how far the groups of groups lie apart: an index
# rewards the widest gaps, and several segments of one kind share theirs.

# %% [markdown]
# ## 2 从没有客群的数据里找客群 · Segments in data without segments
#
# `validation.null_like(z)` keeps correlations, skew and zeros and has one hill. **Predict:** how
# alike are two k-means solutions (k = 8, twenty starts, other seeds) on it, and on the bank? And
# k = 3?

# %% tags=["solution"]
null = validation.null_like(z, random_state=0)
for k in (3, 8):
    for name, data in (("bank", z), ("no segments", null)):
        one, two = (KMeans(k, n_init=20, random_state=s).fit_predict(data) for s in (1, 2))
        print(f"k = {k}, {name:12} ARI of two runs {adjusted_rand_score(one, two):.2f}")

# %% [markdown] tags=["solution"]
# **Explain.** Two runs on the same rows test the *search*, nothing else. They can agree perfectly
# on data without any segments, if one long hill has an obvious place to cut. Agreement of runs is
# therefore no proof of segments. Redraw the customers, and compare with chance (chapter 05).

# %% [markdown]
# ## 3 肘部 · The elbow
#
# Print the inertia for k = 1 … 10 and mark "the elbow" by eye. Do the same on `null`. **Predict:**
# will the two curves look different?

# %% tags=["solution"]
for name, data in (("bank", z), ("no segments", null)):
    inertia = np.array([KMeans(k, **quick).fit(data).inertia_ for k in range(1, 11)])
    print(f"{name:12}", (inertia / inertia[0]).round(2))

# %% [markdown] tags=["solution"]
# **Explain.** Both fall, both bend. The bank's curve falls further, and that distance is the
# evidence; the bend alone is not.
