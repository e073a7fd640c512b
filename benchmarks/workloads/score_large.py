"""Labels for a Parquet file of customers as CSV: the kit's scorecard beside scikit-learn's predict.

The peer's model is what the kit fitted: fill, clip, logarithm, scale and the same centres, put
together of scikit-learn's parts, batch by batch.
"""

import json

import numpy as np
import timing

BATCH = 262_144


def customers(n, names, logged, first):
    """Eight kinds of customers, skewed money, two in a hundred values missing."""
    import pyarrow as pa

    rng = np.random.default_rng(first)
    kind = rng.integers(0, 8, n)
    place = np.random.default_rng(9).normal(size=(8, len(names))) * 2
    columns = {"customer_id": np.char.mod("%018d", np.arange(first, first + n))}
    for j, name in enumerate(names):
        x = place[kind, j] + rng.standard_normal(n)
        x = np.expm1(2 * np.abs(x)) if name in logged else x
        columns[name] = pa.array(x, mask=rng.random(n) < 0.02)
    return pa.table(columns)


def prepare(folder, rows):
    import pyarrow.parquet as pq

    from kequn_lab.export.scorecard import Scorecard
    from kequn_lab.features.definitions import FEATURES
    from kequn_lab.segments import fit_segments

    names = [f.name for f in FEATURES][:24]
    logged = {f.name for f in FEATURES if f.log}
    train = customers(5_000, names, logged, 1 << 40).to_pandas().set_index("customer_id")
    pipeline = fit_segments(train, n_clusters=8, n_starts=5, random_state=0)
    card = Scorecard.from_pipeline(pipeline, train, as_of="2024-12-31", synthetic=True)
    card.save(folder / "card.json")
    model = {
        "names": list(card.feature_names),
        **{key: [getattr(f, key) for f in card.features]
           for key in ("fill", "lower", "upper", "log", "mean", "scale")},
        "centres": [s.centre for s in card.segments],
    }  # fmt: skip
    (folder / "model.json").write_text(json.dumps(model))
    writer = None
    for first in range(0, rows, BATCH):
        part = customers(min(BATCH, rows - first), names, logged, first)
        writer = writer or pq.ParquetWriter(folder / "customers.parquet", part.schema)
        writer.write_table(part)
    writer.close()


def ours(folder, rows):
    import tempfile

    from kequn_lab.export.scorecard import Scorecard
    from kequn_lab.run.entrance import Given
    from kequn_lab.run.scoring import score_files

    card = Scorecard.load(folder / "card.json")
    with tempfile.TemporaryDirectory(dir=folder) as out, timing.measured():
        given = Given(features=folder / "customers.parquet")
        score_files(card, f"{out}/result", given)


def _pipeline(model):
    from sklearn.cluster import KMeans
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer, StandardScaler

    centres = np.array(model["centres"])
    fill, mean, scale = (np.array(model[key], float) for key in ("fill", "mean", "scale"))
    lower, upper = (np.array(model[key], float) for key in ("lower", "upper"))
    logged = np.flatnonzero(model["log"])

    def clip(X):
        return np.clip(X, lower, upper)

    def log(X):
        X[:, logged] = np.sign(X[:, logged]) * np.log1p(np.abs(X[:, logged]))
        return X

    imputer = SimpleImputer().fit(np.vstack([fill, fill]))
    scaler = StandardScaler().fit(centres)
    scaler.mean_, scaler.scale_ = mean, scale
    kmeans = KMeans(len(centres), init=centres, n_init=1, max_iter=1).fit(centres)
    kmeans.cluster_centers_ = centres
    steps = imputer, FunctionTransformer(clip), FunctionTransformer(log), scaler
    return make_pipeline(*steps), kmeans


def short(folder, rows):
    """The customer and the cluster alone."""
    import pyarrow as pa
    import pyarrow.csv
    import pyarrow.parquet as pq

    model = json.loads((folder / "model.json").read_text())
    with timing.measured():
        ready, kmeans = _pipeline(model)
        file, writer = pq.ParquetFile(folder / "customers.parquet"), None
        for batch in file.iter_batches(BATCH, columns=["customer_id", *model["names"]]):
            columns = [batch[n].to_numpy(zero_copy_only=False) for n in model["names"]]
            cluster = kmeans.predict(ready.transform(np.column_stack(columns)))
            out = pa.table({"customer_id": batch["customer_id"], "cluster": cluster})
            writer = writer or pa.csv.CSVWriter(folder / "short.csv", out.schema)
            writer.write_table(out)
        writer.close()


if __name__ == "__main__":
    timing.parts(prepare=prepare, ours=ours, short=short)
