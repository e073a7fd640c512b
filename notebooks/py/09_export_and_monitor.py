# %% [markdown]
# # 09 交付与监控 · Hand it over and keep it alive
#
# 问：下个月还叫得出同一批人吗？ Will the same people be called by the same name next month?
#
# Labels are worth nothing if Excel ruins them, if the data warehouse labels differently, or if next
# month's run gives the same customers another number. Everything here is **synthetic** (合成数据).

# %%
# %matplotlib inline
import tempfile
from pathlib import Path

import duckdb
import pandas as pd

import kequn_lab as kq
from kequn_lab import export, features, monitor, synth


# %%
def customer_table(bank):
    return features.customer_features(
        bank.events, customers=bank.customers, holdings=bank.holdings, as_of=bank.as_of
    )


bank = kq.make_bank(2000, random_state=0, as_of="2024-12-31")
result = kq.segment(bank, stability=0, quiet=True)
table, labels = result.features, result.labels
labels.head(3)

# %% [markdown]
# ## 标签文件 · The label file

# %%
folder = Path(tempfile.mkdtemp())
facts = {"synthetic": True, "random_state": 0}
record = export.write_labels(labels, folder / "labels.csv", meta=facts)
print((folder / "labels.csv").read_text(encoding="utf-8-sig").splitlines()[1])
print({key: record[key] for key in ("rows", "encoding", "synthetic")})
print("SHA-256:", record["sha256"][:16], "…")

# %% [markdown]
# Beside it lies `labels.meta.json`: what the file is, who made it, its fingerprint. A file that was
# edited by hand no longer fits its record:

# %%
with open(folder / "labels.csv", "a", encoding="utf-8") as file:
    file.write('"SYN9999999999",0,"elderly","老年客群","Elderly","traditional_bank",1.0,0.5\n')
try:
    export.read_labels(folder / "labels.csv")
except ValueError as error:
    print("refused:", error)

# %% [markdown]
# ## 猜：Excel 会对客户号做什么？ · Guess: what does Excel do to a customer id?
#
# An 18-digit id. Spreadsheets keep numbers as floating point. Which digits survive?

# %%
identity = "100000000000000019"
print(f"the id:           {identity}")
print(f"as a float again: {float(identity):.0f}")

# %% [markdown]
# **解 Explain.** The end is another number, and somebody else gets the letter. The kit keeps ids as
# text everywhere; when you open the CSV in Excel, *import* it (数据 > 从文本/CSV) and set the
# column to Text.
#
# And a name that begins with `=`? Guess, then look at the file:

# %%
risky = pd.DataFrame({"customer_id": [identity, "=1+1"], "note": ["+86 10", "@home"]})
export.write_labels(risky, folder / "risky.csv")
print((folder / "risky.csv").read_text(encoding="utf-8-sig"))
print(export.read_labels(folder / "risky.csv")["customer_id"].tolist())

# %% [markdown]
# An apostrophe stops the spreadsheet from *running* the cell (公式注入); reading takes it off.
#
# ## 评分卡 · The scorecard
#
# The whole model on one page of JSON: features, units, clips, logs, scales, centres, names. No
# customer is in it. A reviewer can read it, and it labels exactly as the model does:

# %%
card = result.scorecard()
again = kq.Scorecard.from_json(card.to_json())
same = (again.predict(table).to_numpy() == labels["cluster"].to_numpy()).mean()
print(f"model {card.model_id}, {len(card.to_json()):,} characters; same labels: {same:.1%}")
print(card.to_json()[:420], "…")

# %% [markdown]
# To fit again next month you need more: the whole pipeline, stored without pickle, so that reading
# it runs no code that a stranger wrote.

# %%
stored = export.save_model(result.pipeline, folder / "model.skops")
pipeline = export.load_model(folder / "model.skops")
print(
    "stored:", stored["file"], "same labels:", (pipeline.predict(table) == labels["cluster"]).all()
)

# %% [markdown]
# As SQL, for the bank's own database (here DuckDB runs it). Guess: how many of the labels agree?

# %%
sql = card.to_sql("duckdb", table="customers_dec")
with duckdb.connect() as database:
    database.register("customers_dec", table.reset_index())
    scored = database.execute(sql).df()
merged = scored.merge(labels, on="customer_id", suffixes=("_sql", ""))
print(f"{len(sql):,} characters of SQL; columns {list(scored.columns)}")
print(f"labels that agree: {(merged['segment_id_sql'] == merged['segment_id']).mean():.1%}")

# %% [markdown]
# ## 三个月之后 · Three months later
#
# Customers grow older, some leave, some come. The same scorecard labels the same bank in March.
# Guess: how many of the old customers have another label, though no change was
# asked for?

# %%
later = bank
for _ in range(3):
    later = synth.next_month(later)
now = customer_table(later)
before = labels.set_index("customer_id")["segment_id"]
after = card.label(now).set_index("customer_id")["segment_id"]
both = before.index.intersection(after.index)
print(f"{len(both):,} in both; another label: {(before[both] != after[both]).mean():.1%}")

# %%
moves = monitor.migration_table(before, after)
moved = moves[moves["segment_before"] != moves["segment_after"]]
moved.sort_values("customers", ascending=False).head(6).round(3)

# %% [markdown]
# **解 Explain.** Customers near a border cross it because of a few events more or less. That is the
# noise floor (噪声底线) of every migration report. A report without it sees "trends" each month.
#
# ## 要重新训练吗？ · Is a refit due?

# %%
verdict = monitor.should_refit(card, table, now)
print("refit:", verdict.refit, verdict.reasons)
verdict.evidence.groupby("check")[["found"]].agg(["size", "sum"])

# %% [markdown]
# Every comparison that was made is in the evidence, also those that found nothing. Now a world in
# which something happens: structured-deposit customers close their accounts. Guess what is said.

# %%
leaving = synth.next_month(bank, drift="segment_leaving")
for _ in range(2):
    leaving = synth.next_month(leaving)
changed = customer_table(leaving)
alarm = monitor.should_refit(card, table, changed)
print("refit:", alarm.refit, *alarm.reasons, sep="\n  ")

# %% [markdown]
# A second segment may be named as well: clusters are mixed (chapter 04), so the same leavers can
# be missing in two of them.
#
# ## 单位错了 · A wrong unit
#
# The commonest "drift" is no drift at all. Somebody delivers amounts in fen (分):

# %%
fen = now.assign(aum_cny=now["aum_cny"] * 100)
spread = monitor.feature_drift(card, fen).sort_values("psi", ascending=False)
spread[["feature", "psi", "critical_value", "level", "hint"]].head(3).round(3)

# %% [markdown]
# `psi` (群体稳定性指数) compares two spreads; above `critical_value` (临界值) sampling alone does
# not explain it. The hint says what would. Correct the input, not the model.
#
# ## 修：换模型，不换名字 · Repair: a new model under the old names
#
# K-means numbers its clusters as it likes. `refit_like` fits anew and carries the names over by the
# customers that old and new segments share:

# %%
refit = monitor.refit_like(card, pipeline, table, changed, as_of=leaving.as_of)
refit.matching[["before", "after", "common", "jaccard", "event", "partner"]].round(2)

# %%
refit.moved.round(3)

# %% [markdown]
# **解 Explain.** `behaviour`: the old model, too, puts them elsewhere now. `model`: they did
# nothing, the new model cuts differently. In a campaign the two mean opposite things, and a plain
# before-and-after table cannot tell them apart.

# %% [markdown]
# ## 这一章没有说明什么 · What this does not show
#
# - Not how often *your* customers change: closing, opening and growing older happen here at rates
#   that we assumed, in a **synthetic** bank.
# - Not that no alarm means no change: a small bank hides small changes below the noise floor.
# - A label that can be reproduced is not thereby right (chapter 04).
# - The article says nothing of models, files or monitoring.
#
# **回到开头 Back to:** [00 从这里开始](00_start_here.ipynb), with your own tables.
