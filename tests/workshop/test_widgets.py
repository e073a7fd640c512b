"""Controls of the chapters: each one that moves changes what is answered, and what is drawn."""

import numpy as np
import pandas as pd
import pytest
from sklearn.cluster import KMeans

import kequn_lab as kq
from kequn_lab.run.inputs import from_bank
from kequn_lab.synth import make_bank
from kequn_lab.workshop import exploring, widgets
from kequn_lab.workshop.explorers import EXPLORERS, OF_EVIDENCE


@pytest.fixture(scope="module")
def result():
    bank = from_bank(make_bank(400, random_state=0, as_of="2024-12-31"))
    return kq.segment(bank.features, k=4, stability=0, starts=2, quiet=True)


@pytest.fixture
def shown(monkeypatch):
    """What is displayed, and displayed again."""
    seen = []
    take = lambda thing, **how: seen.append(thing)  # noqa: E731
    monkeypatch.setattr("IPython.display.display", take)
    monkeypatch.setattr("IPython.display.update_display", take)
    return seen


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("name", EXPLORERS)
def test_each_control_that_moves_changes_the_picture(name, language, result, shown):
    panel = widgets.panel(name, None if name in OF_EVIDENCE else result, language=language)
    panel.show()
    box, first = shown
    assert box is panel.box and first["text/plain"] in first["text/plain"].strip()
    for control in panel.controls.values():
        before, values = shown[-1], [value for _, value in control.options]
        control.value = next(v for v in values[::-1] if v != control.value)
        assert shown[-1]["image/png"] != before["image/png"], control.description
    assert len(shown) >= 2 + len(panel.controls)
    chinese = any("\u4e00" <= letter <= "\u9fff" for letter in shown[-1]["text/plain"])
    assert chinese == (language == "zh")


def test_without_widgets_the_controls_are_a_list_and_the_picture_stays(result, shown):
    widgets.explore("scale", result, language="zh")
    box, picture = shown
    assert "[标准化]" in box._repr_mimebundle_()["text/plain"]
    assert picture["image/png"].startswith("iVBOR") and "最近五人" in picture["text/plain"]


def test_what_cannot_be_explored_is_told(result):
    with pytest.raises(KeyError, match="no controls 'colour'; there are scale"):
        widgets.explore("colour", result)
    with pytest.raises(ValueError, match="needs a result of kq.segment"):
        widgets.explore("steps")


def test_scaling_takes_the_decision_from_the_columns_in_yuan(result):
    space = exploring.Distances(result.features)
    raw = space.near(customer=3, log=False, scale=False)
    scaled = space.near(customer=3, log=True, scale=True)
    assert raw["money_share"].iloc[0] > 0.99 > 0.5 > scaled["money_share"].iloc[0]
    assert raw["distance"].is_monotonic_increasing and len(raw) == 6
    values = result.features.fillna(result.features.median())
    low, high = values.quantile(0.001), values.quantile(0.999)
    values = values.clip(low, high, axis=1)
    by_hand = ((values - values.iloc[3]) ** 2).sum(axis=1) ** 0.5
    assert set(by_hand.nsmallest(6).index) == set(raw["customer_id"])


def test_the_steps_are_those_of_k_means():
    z = np.random.default_rng(0).normal(size=(200, 3))
    path = exploring.k_means_steps(z, seed=1, k=3)
    own = KMeans(3, init=path[0][0], n_init=1, tol=0).fit(z)
    np.testing.assert_allclose(path[-1][0], own.cluster_centers_)
    inertia = [((z - centres[labels]) ** 2).sum() for centres, labels in path]
    assert inertia == sorted(inertia, reverse=True)


def test_apart_the_true_segments_have_clusters_of_their_own():
    counted = {a: exploring.recovered(apart=a, k=9) for a in (False, True)}
    most = {a: set(t.loc[t["of_cluster"] > 0.5, "segment_id"]) for a, t in counted.items()}
    assert most[False] < most[True] and len(most[True]) == 8


def test_a_weight_moves_scores_and_the_others_share_the_rest(result):
    space = exploring.Weighing(result)
    bank, criterion = "traditional_bank", "wealth"
    weights = space._weights(bank, criterion, 0.7).set_index("criterion_id")["weight"]
    own = space.weights[space.weights["bank_kind"] == bank].set_index("criterion_id")["weight"]
    axis = space.criteria.set_index("criterion_id")["axis"].reindex(own.index)
    rest = own[(axis == axis[criterion]) & own.notna()].drop(criterion)
    pd.testing.assert_series_equal(
        weights[rest.index] / weights[rest.index].sum(), rest / rest.sum()
    )
    same = space.decided(bank=bank, criterion=criterion, weight=own[criterion])
    np.testing.assert_allclose(same["score"], same["declared_score"])
    other = space.decided(bank=bank, criterion=criterion, weight=0.9)
    assert not np.allclose(other["score"], other["declared_score"])
