"""Why a customer is in a segment: reasons that add up to the lead."""

import numpy as np
import pandas as pd
import pytest

import kequn_lab as kq
from kequn_lab.__main__ import main
from kequn_lab.export.reasons import reasons
from kequn_lab.export.scorecard import Scorecard
from kequn_lab.segments.pipeline import fit_segments


def table(n=300, *, seed=0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    kind = rng.integers(0, 3, n)
    out = pd.DataFrame({
        "age_years": 30 + 15.0 * kind + rng.normal(0, 6, n),
        "aum_cny": rng.lognormal(8 + kind, 0.5),
        "job": np.where(rng.random(n) < 0.7, np.array(["clerk", "farmer", "none"])[kind], "clerk"),
        "is_business": rng.integers(0, 2, n).astype(float),
    })  # fmt: skip
    out.loc[3, "age_years"] = np.nan
    return out.set_index(pd.Index([f"c{i:03d}" for i in range(n)], name="customer_id"))


def card_of(features, **how) -> Scorecard:
    pipeline = fit_segments(features, random_state=0, log_columns=["aum_cny"], **how)
    return Scorecard.from_pipeline(pipeline, features, as_of="2024-12-31")


@pytest.mark.parametrize(
    "how",
    [
        {"n_clusters": 4, "weights": {"aum_cny": 2.0}},
        {"n_clusters": 4, "categories": {"job": []}},
        {"n_clusters": 2, "by": "is_business"},
    ],
)
def test_contributions_sum_to_the_difference_of_the_two_distances(how):
    features = table() if "categories" in how else table().drop(columns="job")
    card = card_of(features, **how)
    found = reasons(card, features)
    label = card.label(features).set_index("customer_id")
    first = found.groupby("customer_id", sort=False).first()
    assert first.index.tolist() == features.index.tolist()
    assert (first["segment_id"] == label["segment_id"]).all()
    lead = found.groupby("customer_id", sort=False)["contribution"].sum()
    # margin = (d2 - d1) / (d2 + d1), so d2 = d1 (1 + m) / (1 - m)
    second = label["distance"] * (1 + label["margin"]) / (1 - label["margin"])
    np.testing.assert_allclose(lead, second**2 - label["distance"] ** 2, rtol=1e-9)
    np.testing.assert_allclose(found["lead"], lead.loc[found["customer_id"]], rtol=1e-9)
    to_own = found["pulls_to"] == found["segment_id"]
    assert to_own.equals(found["contribution"] >= 0) and (~to_own).any()
    assert (to_own | (found["pulls_to"] == found["runner_up"])).all()
    few = reasons(card, features, most=2)
    assert (few.groupby("customer_id").size() == 2).all()
    weight = found["contribution"].abs().groupby(found["customer_id"]).nlargest(2).to_numpy()
    kept = few["contribution"].abs().groupby(few["customer_id"]).nlargest(2).to_numpy()
    np.testing.assert_array_equal(kept, weight)


def test_a_reason_by_hand_in_both_languages():
    features = pd.DataFrame({"age_years": [20.0, 22, 60, 62]}, index=list("abcd"))
    names = {0: ("青年", "Young"), 1: ("银发", "Silver")}
    result = kq.segment(features, k=2, stability=0, quiet=True, names=names)
    own = result.labels.set_index("customer_id")["name_en"]
    found = result.explain("a")
    mean, sd = features["age_years"].mean(), features["age_years"].std(ddof=0)
    a = (20 - mean) / sd
    near, far = (21 - mean) / sd, (61 - mean) / sd
    row = found.iloc[0]
    assert len(found) == 1 and row["lead"] == row["contribution"]
    assert row["centre"] == pytest.approx(21, abs=0.5)
    assert row["contribution"] == pytest.approx((a - far) ** 2 - (a - near) ** 2, rel=0.05)
    other = "Silver" if own["a"] == "Young" else "Young"
    assert f"nearer to {own['a']} (" in row["text_en"] and f"than to {other} (" in row["text_en"]
    assert "更接近" in row["text_zh"] and "Young" not in row["text_zh"]
    assert len(result.explain(["a", "d"])) == 2
    with pytest.raises(KeyError, match="no customer zz"):
        result.explain("zz")
    with pytest.raises(ValueError, match="one segment only"):
        kq.segment(features, k=1, stability=0, quiet=True).explain("a")


def test_reasons_are_written_on_request_and_described(tmp_path):
    features = table(120).drop(columns=["job", "is_business"])
    features.to_csv(tmp_path / "t.csv")
    out = tmp_path / "out"
    command = ["run", str(tmp_path / "t.csv"), "--id", "customer_id", "--k", "3", "--quiet"]
    command += ["--stability", "0", "--out", str(out)]
    assert main([*command, "--reasons", "1"]) == 0
    found = pd.read_csv(out / "tables/reasons.csv")
    assert len(found) == 120 and found["customer_id"].tolist() == features.index.tolist()
    described = pd.read_csv(out / "columns.csv").fillna("")
    assert (described[["meaning_zh", "meaning_en"]] != "").all(axis=None)
    back = kq.read_result(out)
    with pytest.raises(ValueError, match="holds no customer table"):
        back.explain("c001")
    again = back.explain("c001", features=features, most=1)
    assert again["text_en"].iloc[0] == found.set_index("customer_id").loc["c001", "text_en"]
    renamed = back.rename({0: ("甲", "Alpha")})
    assert renamed.reasons["text_en"].str.contains("Alpha").any()
