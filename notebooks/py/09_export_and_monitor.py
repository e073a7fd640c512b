# %% [markdown] lang="zh"
# # 09 交付与监控
#
# **目标**：能把标签完好地交到别人手里；下个月还叫得出同一批人；能分清客户变了和模型变了。
# **时间**：25 分钟。
#
# | 词 | 英文 | 意思 |
# |---|---|---|
# | 标签 | label | 每位客户属于哪个客群 |
# | 评分卡 | scorecard | 写在一页上的模型，不含任何客户 |
# | 客群登记 | registry | 记着每个客群的永久编号和来历的文件夹 |
# | 迁移 | migration | 同一批客户前后两个月在哪个客群 |
# | 群体稳定性指数 | population stability index, PSI | 一个变量的分布变了多少 |
#
# Excel 改坏了账号、数据仓库算得不一样、下个月编号全换了：标签就一文不值。本章的客户都是**合成**的。

# %% [markdown] lang="en"
# # 09 Hand it over and keep it alive
#
# **Goal**: labels reach others unharmed; next month the same people bear the same name; you can
# tell customers who changed from a model that changed. **Time**: 25 minutes.
#
# | word | in Chinese | meaning |
# |---|---|---|
# | label | 标签 | which segment each customer is in |
# | scorecard | 评分卡 | the model on one page, without any customer |
# | registry | 客群登记 | a folder with the permanent id and the history of each segment |
# | migration | 迁移 | where the same customers are in two months |
# | population stability index, PSI | 群体稳定性指数 | how far the spread of a variable moved |
#
# Labels are worth nothing if Excel ruins the account numbers, if the data warehouse labels
# differently, or if next month's run numbers the segments anew. All customers are **synthetic**.

# %%
# %matplotlib inline
import tempfile
from pathlib import Path

import duckdb
import pandas as pd

import kequn_lab as kq
from kequn_lab import catalogue, export, features, monitor, plots, synth
from kequn_lab.workshop import check, evidence, guess

LANG = "en"
at, NAME = int(LANG == "en"), f"name_{LANG}"
folder = Path(tempfile.mkdtemp())

# %%
bank = kq.make_bank(2000, random_state=0, as_of="2024-12-31")
result = kq.segment(bank, stability=0, quiet=True, registry=folder / "registry")
table, labels = result.features, result.labels
labels[["customer_id", "segment_id", NAME, "margin"]].head(3).round(2)

# %% [markdown] lang="zh"
# ## 1 标签文件
#
# 标签写成 CSV，旁边有一份记录：几行、什么编码、是否合成、指纹。
# 手工改过的文件与记录不符，读的时候就被拒绝：

# %% [markdown] lang="en"
# ## 1 The label file
#
# Labels are written as CSV with a record beside them: rows, encoding, whether synthetic, the
# fingerprint. A file that was edited by hand no longer fits its record, and is refused:

# %%
record = export.write_labels(labels, folder / "labels.csv", meta={"synthetic": True})
print({key: record[key] for key in ("rows", "encoding", "synthetic")}, record["sha256"][:12])
with open(folder / "labels.csv", "a", encoding="utf-8") as file:
    file.write('"SYN9999999999",0,"elderly","","","",1.0,0.5\n')
try:
    export.read_labels(folder / "labels.csv")
except ValueError as error:
    print(("被拒绝：", "refused:")[at], type(error).__name__)

# %% [markdown] lang="zh"
# ## 2 猜：账号当作数字会怎样？
#
# 电子表格把数字存成浮点数，只有十五六位有效数字。给每位客户一个十八位的（虚构）账号：

# %% [markdown] lang="en"
# ## 2 Guess: what becomes of an account number?
#
# Spreadsheets keep numbers as floating point, with some fifteen digits. Give each customer an
# account number of 18 digits (made up):

# %%
guess("09.a", LANG)

# %%
ids = labels["customer_id"].astype("str")
account = pd.Series(ids.str.replace("SYN", "90000000").to_numpy(), index=ids)
SAID = (
    "{one} 读成数字是 {number:.0f}；{n:,} 个账号只剩 {left} 个不同的数",
    "{one} as a number is {number:.0f}; of {n:,} account numbers {left} are left",
)
numbers = account.astype(float)
told = {"one": account.iloc[0], "number": numbers.iloc[0]}
print(SAID[at].format(**told, n=account.nunique(), left=numbers.nunique()))

# %% [markdown] lang="zh"
# **解释**：末几位变了，信就寄给了别人。本工具处处把编号当作文字；在 Excel 里打开 CSV，
# 要用“数据 > 从文本/CSV”导入，并把该列设为文本（或者用 `result.to_excel`）。
#
# 以 `=` 开头的内容呢？电子表格会把它当公式**执行**。写文件时前面加一个撇号，读回来时去掉：

# %% [markdown] lang="en"
# **Explained**: the last digits are others, and somebody else gets the letter. The kit keeps ids as
# text everywhere; in Excel, *import* the CSV (Data > From Text/CSV) and set the column to Text, or
# use `result.to_excel`.
#
# And a text that begins with `=`? A spreadsheet would *run* it. An apostrophe in front stops that;
# reading takes it off again:

# %%
risky = pd.DataFrame({"customer_id": [account.iloc[0], "=1+1"], "note": ["+86 10", "@home"]})
export.write_labels(risky, folder / "risky.csv")
print((folder / "risky.csv").read_text(encoding="utf-8-sig"))
print(export.read_labels(folder / "risky.csv")["customer_id"].tolist())

# %% [markdown] lang="zh"
# ## 3 评分卡
#
# 整个模型写成一页 JSON：特征、单位、上下限、对数、均值、中心、名字，没有任何客户。
# 审核的人读得懂，打出来的标签与模型完全一样。看其中一个特征：

# %% [markdown] lang="en"
# ## 3 The scorecard
#
# The whole model as one page of JSON: features, units, clips, logarithms, means, centres, names. No
# customer is in it. A reviewer can read it, and it labels exactly as the model does. One feature:

# %%
card = result.scorecard()
again = kq.Scorecard.from_json(card.to_json())
same = (again.predict(table).to_numpy() == labels["cluster"].to_numpy()).mean()
SAID = ("模型 {m}，标签一致 {s:.1%}", "model {m}, same labels {s:.1%}")
print(SAID[at].format(m=card.model_id, s=same))
age = card.features[0]
print(age.name, {"fill": age.fill, "lower": age.lower, "upper": age.upper, "log": age.log})

# %% [markdown] lang="zh"
# 也可以变成 SQL，在银行自己的数据库里运行（这里用 DuckDB）。同一个特征的那几行，和标签一致的比例：

# %% [markdown] lang="en"
# It becomes SQL, too, for the bank's own database (here DuckDB). The lines of the same feature, and
# the share of labels that agree:

# %%
sql = card.to_sql("duckdb", table="customers_dec")
lines = sql.splitlines()
start = next(i for i, line in enumerate(lines) if age.name in line)
print(*lines[start : start + 3], sep="\n")
with duckdb.connect() as database:
    database.register("customers_dec", table.reset_index())
    scored = database.execute(sql).df()
merged = scored.merge(labels, on="customer_id", suffixes=("_sql", ""))
print(f"{(merged['segment_id_sql'] == merged['segment_id']).mean():.1%}")

# %% [markdown] lang="zh"
# ## 4 猜：一个月之后
#
# 客户长了一个月，有人走，有人来。**同一张评分卡**给同一家银行一月、二月、三月各打一次标签：
# 老客户里有多少换了客群？谁也没有要求他们换。

# %% [markdown] lang="en"
# ## 4 Guess: a month later
#
# Customers grow a month older, some leave, some come. The *same scorecard* labels the bank in
# January, February and March. How many of the same customers have another segment, though nobody
# asked for a change?

# %%
guess("09.b", LANG)


# %%
def customer_table(one):
    more = {"customers": one.customers, "holdings": one.holdings, "as_of": one.as_of}
    return features.customer_features(one.events, **more)


months = [bank]
for _ in range(3):
    months.append(synth.next_month(months[-1]))
tables = {str(one.as_of)[:7]: customer_table(one) for one in months}
monthly = {m: card.label(t).set_index("customer_id")["segment_id"] for m, t in tables.items()}

# %%
rows = {}
for (before, a), (after, b) in zip(list(monthly.items()), list(monthly.items())[1:]):
    both = a.index.intersection(b.index)
    gone, new = len(a) - len(both), len(b) - len(both)
    rows[f"{before} → {after}"] = [len(both), (a[both] != b[both]).sum(), gone, new]
HEAD = {
    "zh": ["两月都在", "其中换了客群", "离开", "新来"],
    "en": ["in both", "of these moved", "left", "new"],
}
pd.DataFrame(rows, index=HEAD[LANG]).T

# %% [markdown] lang="zh"
# 从哪里到哪里？只看两个月都在的老客户，去掉“新来”和“离开”：

# %% [markdown] lang="en"
# From where to where? Only customers who are in both, without those who came or left:

# %%
first, last = (monthly[m] for m in (min(monthly), max(monthly)))
moves = monitor.migration_table(first, last)
real = moves[moves["segment_before"].isin(first) & moves["segment_after"].isin(last)]
real = real[real["segment_before"] != real["segment_after"]].nlargest(8, "customers")
names = catalogue.names("segments", language=LANG)
real = real.assign(a=real["segment_before"].map(names), b=real["segment_after"].map(names))
HEAD = {
    "zh": ["从", "到", "客户数", "占原客群", "区间下限", "区间上限"],
    "en": ["from", "to", "customers", "share of from", "low", "high"],
}
shown = real[["a", "b", "customers", "share", "low", "high"]].round(3)
shown.set_axis(HEAD[LANG], axis=1).set_index(HEAD[LANG][0])

# %% [markdown] lang="zh"
# **解释**：边界附近的客户，多几笔少几笔交易就过了界。每份迁移报告都有这层噪声；
# 不给噪声留位置的报告，个个月都能看出“趋势”。
#
# ## 5 客群登记：下个月还是同一个名字
#
# k 均值的编号每次都可能换。客群登记给每个客群一个**永久编号**，每次运行都按共同的客户认出老客群，
# 沿用名字，并记下发生了什么（命令行：`kequn run --registry DIR`，`kequn registry show DIR`）。
# 三月的数据重新分一次群，名字沿用，所以 `by` 是 `previous`：

# %% [markdown] lang="en"
# **Explained**: customers near a border cross it because of a few events more or less. Every report
# of migration has this noise; one that does not allow for it sees “trends” each month.
#
# ## 5 The registry: the same name next month
#
# K-means numbers its clusters as it likes. A registry gives each segment a *permanent id*, knows
# segments again by the customers they share, carries names on and records what happened (on the
# command line: `kequn run --registry DIR`, `kequn registry show DIR`). March is clustered afresh,
# and names are carried on: `by` says `previous`.

# %%
march = kq.segment(months[-1], stability=0, quiet=True, registry=folder / "registry")
registry = monitor.read_registry(folder / "registry")
march.names[["cluster", "segment_id", NAME, "by"]].head(3)

# %%
events = registry.events[registry.events["date"] == registry.last]
HEAD = {
    "zh": ["永久编号", "客群", "发生了什么", "现有客户", "与上次共有", "重合（杰卡德）"],
    "en": ["permanent id", "segment", "what happened", "customers", "in common", "Jaccard"],
}
known = registry.segments.set_index("permanent_id")[NAME]
KIND = {"carried": "沿用", "new": "新", "gone": "消失", "split": "拆出", "merged": "并入"}
kind = events["kind"].map(KIND) if at == 0 else events["kind"]
events = events.assign(name=events["after"].map(known), kind=kind)
shown = events[["after", "name", "kind", "customers", "common", "jaccard"]].round(2)
shown.set_axis(HEAD[LANG], axis=1).set_index(HEAD[LANG][0])

# %% [markdown] lang="zh"
# 十二月到三月，客户在客群之间的流动（包括新来和离开的）：

# %% [markdown] lang="en"
# The flow of customers between segments from December to March, with those who came and left:

# %%
with march.styled(LANG):
    plots.flow_plot(march.migration)

# %% [markdown] lang="zh"
# 再看长一点：另一家合成银行，十个月，每月都重新分一次群，都记入同一个登记（事先算好，见
# `notebooks/evidence/09.py`）。下表是登记里的事件，图上每一列是一个月，方块是客群（永久编号），
# 带子是两个月都在的客户：

# %% [markdown] lang="en"
# A longer look: another synthetic bank, ten months, each clustered afresh and entered in one
# registry (computed beforehand, `notebooks/evidence/09.py`). The table counts its events. In the
# picture a column is a month, a box a segment (its permanent id), a stream customers who are in
# both months:

# %%
facts, kept = evidence("09_facts"), evidence("09_segments")
counts = pd.Series(facts["registry_events"])
counts.index = [KIND.get(kind, kind) if at == 0 else kind for kind in counts.index]
pd.DataFrame({{"zh": "次数", "en": "times"}[LANG]: counts})

# %%
flows = evidence("09_registry")
with plots.style(LANG, synthetic=True):
    ax = plots.flow_plot(flows.replace("S00", "", regex=True))
    words = [f"{a[3:]} {b}" for a, b in zip(kept["permanent_id"], kept[NAME])]
    ax.set_xlabel(" / ".join(words[:4]) + "\n" + " / ".join(words[4:]))

# %%
stay = flows["rows"].where(flows["segment_from"] == flows["segment_to"], 0)
share = stay.groupby(flows["k_to"]).sum() / flows.groupby("k_to")["rows"].sum()
HEAD = {"zh": ["月份", "留在原编号的客户占比"], "en": ["month", "share who keep their id"]}
share.round(3).rename(HEAD[LANG][1]).rename_axis(HEAD[LANG][0]).to_frame()

# %% [markdown] lang="zh"
# 编号没有换过手：除第一次运行的“新”，只有“沿用”。客户却每月都有人换客群，这是第 4 节的噪声，
# 加上每月新中心带来的移动。
#
# **三月那张图的解释**：绝大多数人留在原处（灰）。彩色的带子里，有的是客户变了，有的是**模型变了**：
# 三月用的是新的中心。这张图分不清两者，下一步来分。
#
# ## 6 谁变了：客户还是模型？
#
# `refit_like` 用新数据重新拟合，沿用旧名字，再让每位老客户过三遍：旧模型看旧月、旧模型看新月、
# 新模型看新月。

# %% [markdown] lang="en"
# No id changed hands: besides the “new” of the first run there is “carried” only. Customers move
# every month all the same: the noise of section 4, and centres that are new each month.
#
# **The picture of March explained**: nearly all stay (grey). Of the coloured streams some are
# customers who changed, and some a *model that changed*: March has new centres. The picture cannot
# tell them apart; the next step does.
#
# ## 6 Who changed: customers or the model?
#
# `refit_like` fits anew under the old names, and labels each customer three times: the old model on
# the old month, the old model on the new month, the new model on the new month.

# %%
now = tables[max(tables)]
refit = monitor.refit_like(card, result.pipeline, table, now, as_of=months[-1].as_of)
WHY = {
    "stayed": ("没有动", "stayed"),
    "behaviour": ("行为变了：旧模型也这么看", "behaviour: the old model says so, too"),
    "model": ("只是模型变了", "the model only"),
    "both": ("两者都变：两个模型说法不一", "both: the two models disagree"),
}
moved = refit.moved.assign(reason=[WHY[r][at] for r in refit.moved["reason"]])
moved.set_index("reason").rename_axis(None).round(3)

# %%
refit.labels.dropna().head(3)

# %% [markdown] lang="zh"
# ### 练习 09.1 决定：给谁写信？
#
# 营销部门要给“换了客群”的客户写信。交出该收到信的客户的**账号**（上面的 `account`，十八位文字）：
# 行为变了，而且两个模型对他们的新客群看法一致。用 `refit.labels` 的三列来判断。

# %% [markdown] lang="en"
# ### Exercise 09.1 Decide: who gets a letter?
#
# Marketing wants to write to customers “who moved”. Hand over the *account numbers* (`account`
# above, 18 digits, text) of those who should get the letter: their behaviour changed, and both
# models agree where they are now. Use the three columns of `refit.labels`.

# %% tags=["exercise"]
three = refit.labels.dropna()
answer = ...  # account[...]
check("09.1", answer, LANG)

# %% tags=["solution"]
three = refit.labels.dropna()
changed = (three["before"] != three["old_model"]) & (three["old_model"] == three["new_model"])
answer = list(account[three.index[changed]])
check("09.1", answer, LANG)

# %% [markdown] lang="zh"
# ## 7 要不要重新拟合？
#
# `should_refit` 把每项比较都列在证据里，没有发现的也在。先是平常的三个月，
# 再是出了事的三个月（结构性存款客户大量销户）：

# %% [markdown] lang="en"
# ## 7 Is a refit due?
#
# `should_refit` keeps every comparison in its evidence, also those that found nothing. First the
# three ordinary months, then three in which something happens (structured-deposit customers close
# their accounts):

# %%
SAID = ("重新拟合：{found}（比较 {n} 项）", "refit: {found} ({n} comparisons)")
leaving = bank
for _ in range(3):
    leaving = synth.next_month(leaving, drift="segment_leaving")
for one in (now, customer_table(leaving)):
    verdict = monitor.should_refit(card, table, one)
    reasons = verdict.reasons_zh if at == 0 else verdict.reasons
    found = ("是", "yes")[at] if verdict.refit else ("否", "no")[at]
    print(SAID[at].format(found=found, n=len(verdict.evidence)), *reasons, sep="\n  ")

# %% [markdown] lang="zh"
# ### 单位错了
#
# 最常见的“漂移”根本不是漂移：有人把金额按分送来。

# %% [markdown] lang="en"
# ### A wrong unit
#
# The commonest “drift” is none at all: somebody delivers amounts in fen (分), hundredths of a yuan.

# %%
fen = now.assign(aum_cny=now["aum_cny"] * 100)
spread = monitor.feature_drift(card, fen).nlargest(3, "psi")
HEAD = {
    "zh": ["变量", "群体稳定性指数", "临界值", "乘以几就对了"],
    "en": ["variable", "PSI", "critical value", "right if multiplied by"],
}
shown = spread[["feature", "psi", "critical_value", "factor"]].round(3)
shown.set_axis(HEAD[LANG], axis=1).set_index(HEAD[LANG][0])

# %% [markdown] lang="zh"
# ### 练习 09.2 决定：现在怎么办？
#
# 从 `"refit"`（重新拟合）、`"correct the input"`（改正数据）、`"ignore"`（不管）里选一个。

# %% [markdown] lang="en"
# ### Exercise 09.2 Decide: what now?
#
# Choose `"refit"`, `"correct the input"` or `"ignore"`.

# %% tags=["exercise"]
answer = ...
check("09.2", answer, LANG)

# %% tags=["solution"]
answer = "correct the input"
check("09.2", answer, LANG)

# %% [markdown] lang="zh"
# ## 带走三句话
#
# 1. 编号是文字，不是数字；文件要带着自己的指纹。
# 2. 编号会换，名字要靠客群登记沿用；每个月都有人因为噪声过界。
# 3. 给客户写信之前先问：是他变了，还是模型变了？
#
# ## 延伸阅读
#
# - Yurdakul (2018), Statistical Properties of Population Stability Index（博士论文）。
# - Hennig (2007), Computational Statistics & Data Analysis 52:258：用杰卡德指数认出同一个簇。
# - Kuhn (1955), Naval Research Logistics Quarterly 2:83：指派问题。

# %% [markdown] lang="en"
# ## Three things to take away
#
# 1. Ids are text, not numbers; a file carries its fingerprint.
# 2. Numbers of clusters change; a registry carries names on, and noise moves some customers each
#    month.
# 3. Before writing to a customer, ask: did the customer change, or the model?
#
# ## Further reading
#
# - Yurdakul (2018), Statistical Properties of Population Stability Index (dissertation, Western
#   Michigan University).
# - Hennig (2007), Computational Statistics & Data Analysis 52:258: knowing a cluster again by the
#   Jaccard index.
# - Kuhn (1955), Naval Research Logistics Quarterly 2:83: the assignment problem.

# %% [markdown] lang="zh"
# ## 这一章没有说明什么
#
# - 没有说明**你的**客户多久变一次：这里开户、销户、变老的速度是**合成**银行里的假设。
# - 没有报警不等于没有变化：银行小，小的变化就埋在噪声里。
# - 标签能重复，不等于标签对（第 04 章）。
# - 文章没有谈模型、文件和监控。
#
# 最后是[10 小测验](10_quiz.ipynb)；然后回到[00 从这里开始](00_start_here.ipynb)，换上你自己的数据。

# %% [markdown] lang="en"
# ## What this does not show
#
# - Not how often *your* customers change: the rates of opening, closing and growing older are
#   assumptions of a **synthetic** bank.
# - No alarm does not mean no change: in a small bank small changes are hidden in the noise.
# - A label that can be repeated is not thereby right (chapter 04).
# - The article says nothing of models, files or monitoring.
#
# Last, [10 Quiz](10_quiz.ipynb); then back to [00 Start here](00_start_here.ipynb) with your own
# tables.
