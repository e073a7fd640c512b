"""The transformers keep scikit-learn's conventions and do what they say, recomputed plainly."""

import numpy as np
import pandas as pd
import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from kequn_lab.features.preprocessing import (
    QuantileClipper,
    SignedLog1p,
    model_columns,
    preprocessor,
)

TABLE = pd.DataFrame(
    {
        "aum_cny": [0.0, 10.0, 1000.0, np.nan, 1e9],
        "web_share": [0.0, 0.25, 0.5, 0.75, 1.0],
    }
)


@parametrize_with_checks([QuantileClipper(), SignedLog1p()])
def test_scikit_learn_conventions(estimator, check):
    check(estimator)


def test_clipper_cuts_at_the_quantiles_and_keeps_missing():
    clipped = QuantileClipper(lower=0.25, upper=0.75).fit_transform(TABLE)
    low, high = np.nanquantile(TABLE["aum_cny"], [0.25, 0.75])
    np.testing.assert_allclose(clipped[:, 0], TABLE["aum_cny"].clip(low, high))
    with pytest.raises(ValueError, match="lower < upper"):
        QuantileClipper(lower=0.9, upper=0.1).fit(TABLE)


def test_log_touches_only_the_named_columns_and_keeps_the_sign():
    table = TABLE.assign(aum_cny=[-5.0, 0, 5, 7, 9])
    out = SignedLog1p(columns=["aum_cny"]).set_output(transform="pandas").fit_transform(table)
    np.testing.assert_allclose(out["aum_cny"].iloc[:3], [-np.log(6), 0, np.log(6)])
    pd.testing.assert_series_equal(out["web_share"], table["web_share"])
    with pytest.raises(ValueError, match="not in X: .'nothing'"):
        SignedLog1p(columns=["nothing"]).fit(table)


def test_preprocessor_is_impute_clip_log_scale():
    out = preprocessor(TABLE.columns).fit_transform(TABLE)
    plain = TABLE["aum_cny"].fillna(TABLE["aum_cny"].median())
    plain = np.log1p(plain.clip(*plain.quantile([0.001, 0.999])))
    plain = (plain - plain.mean()) / plain.std(ddof=0)
    np.testing.assert_allclose(out["aum_cny"], plain)
    np.testing.assert_allclose(out.mean(), 0, atol=1e-12)


def test_model_columns_drops_and_names_the_constant_ones():
    out = model_columns(TABLE.assign(atm_share=0.0))
    assert out.columns.tolist() == ["aum_cny", "web_share"]
    assert out.attrs["left_out"] == {"atm_share": "constant"}
