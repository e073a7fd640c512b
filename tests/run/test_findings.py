"""What a run says of itself: marks, warnings, the screen, and names that carry on."""

import numpy as np
import pandas as pd
import pytest

from kequn_lab import catalogue
from kequn_lab.export import write_labels
from kequn_lab.run.analysis import analyse
from kequn_lab.run.findings import findings, mean_silhouette, segment_marks
from kequn_lab.run.inputs import Inputs
from kequn_lab.run.options import Options

QUICK = {"n_boot": 20, "n_starts": 3, "quiet": True}


def blobs(sizes, places, *, seed=0, prefix="c", n_columns=2) -> pd.DataFrame:
    """Customers around places in two columns that no signature knows."""
    rng = np.random.default_rng(seed)
    rows = np.concatenate([
        rng.normal(0, 1, (n, n_columns)) + np.resize(p, n_columns)
        for n, p in zip(sizes, places, strict=True)
    ])  # fmt: skip
    index = pd.Index([f"{prefix}{i:04d}" for i in range(len(rows))], name="customer_id")
    return pd.DataFrame(rows, index, [f"x{i}" for i in range(n_columns)])


def run(features, k, **options):
    return analyse(
        Inputs(features), Options(n_clusters=k, **{**QUICK, "n_stability": 0, **options})
    )


PLACES = [(0, 0), (20, 0), (0, 20)]


@pytest.fixture
def may(tmp_path):
    """A run whose three clusters have working names, one of them given by a person."""
    analysis = run(blobs((90, 60, 30), PLACES), 3, overrides={1: "常客"})
    write_labels(analysis.labels, tmp_path / "labels.csv", meta={})
    return analysis, tmp_path


def test_the_same_group_keeps_id_and_name_though_the_numbers_change(may):
    """Nothing has a name of the catalogue; the clusters come in another order by size."""
    before, folder = may
    features = before.features.drop(index=[f"c{i:04d}" for i in range(70)])
    june = run(features, 3, previous=folder)
    old, new = (a.labels.set_index("customer_id") for a in (before, june))
    assert (new["cluster"] != old.loc[new.index, "cluster"]).mean() > 0.5
    for column in ("segment_id", "name_zh", "name_en"):
        assert new[column].equals(old.loc[new.index, column])
    matching = june.tables["matching"]
    assert set(matching["event"]) == {"kept"}
    assert (matching["before"] == matching["after"]).all()
    moved = june.tables["migration"].query("segment_after != '(left)'")
    assert (moved["segment_before"] == moved["segment_after"]).all()
    assert set(june.names["by"]) == {"previous"}


def test_a_new_group_gets_an_id_that_nobody_had(may):
    before, folder = may
    newcomers = blobs((120,), [(20, 20)], prefix="n", seed=1)
    june = run(pd.concat([before.features, newcomers]), 4, previous=folder)
    ids = june.labels.set_index("customer_id")["segment_id"]
    assert not set(ids[newcomers.index]) & set(before.labels["segment_id"])
    matching = june.tables["matching"].set_index("after")
    assert matching.loc[ids["n0000"], "event"] == "born"
    assert set(matching.index) == set(june.labels["segment_id"])


def test_silhouette_by_hand():
    from sklearn.metrics import silhouette_score

    features = blobs((30, 20), PLACES[:2])
    clusters = np.repeat([0, 1], (30, 20))
    plain = silhouette_score(features, clusters)
    assert mean_silhouette(features, clusters) == pytest.approx(plain)
    assert mean_silhouette(features, np.zeros(50)) is None


def test_clear_groups_that_fit_no_description_are_called_by_their_marks():
    analysis = run(blobs((90, 60, 30), PLACES), 3, n_stability=5)
    assert analysis.names["name_en"].str.contains("high x|low x").all()
    codes = analysis.tables["warnings"]["warning"].tolist()
    assert "no_segments" not in codes and "weak_silhouette" not in codes
    notes = pd.DataFrame(analysis.record["notes"]).set_index("warning")
    assert "too few of their features" in notes.loc["names_not_possible", "text_en"]
    assert notes.loc["names_not_possible", "level"] == "note"
    assert "names_not_possible" not in codes
    assert "clear gap" in analysis.summary() and "界线清楚" in analysis.summary("zh")
    assert "None of the checks found anything." in analysis.summary()


def test_no_stability_is_no_clean_bill():
    said = run(blobs((90, 60, 30), PLACES), 3).summary()
    assert "None of the checks" not in said
    assert "No warnings, but stability was not computed." in said


def test_data_without_segments_say_so():
    noise = blobs((300,), [(0, 0)], n_columns=6)
    analysis = run(noise, 4)
    warnings = analysis.tables["warnings"]
    assert warnings["warning"].iloc[0] == "no_segments"
    assert "weak_silhouette" in set(warnings["warning"])
    assert "No target is recommended" in analysis.summary()


NAMES = pd.DataFrame(
    {
        "cluster": [0, 1, 2, 3],
        "segment_id": ["elderly", "young_adult", "cluster_2", "farm_household"],
        "name_zh": ["老年客群", "年轻人", "柜台多", "农户"],
        "name_en": ["Elderly", "Young adults", "many counter visits", "Farm households"],
        "similarity": [0.9, 0.8, np.nan, 0.7],
        "margin": [0.5, 0.4, np.nan, 0.1],
        "runner_up": ["structured_deposit", "low_mid_income", "elderly", "elderly"],
        "matched": [True, True, False, True],
        "mark": ["", "", "unnamed", "unclear"],
        "by": ["signature", "signature", "marks", "signature"],
    }
)
STABILITY = pd.DataFrame(
    {
        "segment_id": NAMES["segment_id"],
        "slsw_median": [0.9, 0.5, 0.9, 0.9],
        "similarity": [0.1, 0.8, 0.1, 0.1],
        "neighbour": ["young_adult", "elderly", "elderly", "elderly"],
        "action": ["keep", "merge", "keep", "keep"],
    }
)
CHANCE = pd.DataFrame({"kind": ["table", "values", "values"], "similarity": 0.1,
                       "unexplained": [0.5, 0.9, 0.9]})  # fmt: skip
NAMELESS = pd.DataFrame(
    {"segment_id": ["micro_enterprise"], "reason": ["not_similar"], "nearest": ["elderly"],
     "similarity": [0.2], "text_zh": ["最接近的是老年客群"], "text_en": ["nearest is Elderly"]}
)  # fmt: skip


def doubts(**changes):
    given = {"names": NAMES, "nameless": NAMELESS, "chance": CHANCE, "stability": STABILITY,
             "silhouette": 0.5, "segments": catalogue.segments()} | changes  # fmt: skip
    return {note.warning: note for note in findings(
        given.pop("names"), given.pop("nameless"), given.pop("chance"), **given)}  # fmt: skip


def test_verdicts_and_names_become_warnings_in_both_languages():
    found = doubts()
    assert list(found) == ["merge_segments", "segments_without_cluster", "unclear_names"]
    assert found["merge_segments"].text_en.endswith("Young adults → Elderly")
    assert (
        found["segments_without_cluster"].text_zh == "没有对应的簇：小微企业（最接近的是老年客群）"
    )
    assert "Farm households (0.10 ahead of Elderly)" in found["unclear_names"].text_en
    both = doubts(stability=STABILITY.assign(action=["merge", "merge", "keep", "keep"]))
    assert both["merge_segments"].text_en.endswith("neighbour: Young adults + Elderly")
    dropped = doubts(stability=STABILITY.assign(action=["drop", "keep", "keep", "keep"]))
    assert dropped["drop_segments"].text_zh.endswith("老年客群")


def test_where_every_segment_fails_it_is_k_that_is_named():
    for actions in ("drop", ["drop", "merge", "drop", "merge"]):
        found = doubts(stability=STABILITY.assign(action=actions))
        assert not {"no_segments", "drop_segments", "merge_segments"} & {*found}
        assert found["drop_k"].text_en.startswith("Do not use k = 4: ")
        assert found["drop_k"].text_zh.startswith("不要把客户分成 4 个客群")
    assert set(segment_marks(NAMES, STABILITY.assign(action="drop")).values()) == {"drop"}


def test_no_segments_by_chance_or_by_name():
    assert "no_segments" in doubts(chance=CHANCE.assign(unexplained=0.9))
    nobody = NAMES.assign(matched=False)
    assert "no_segments" in doubts(names=nobody, silhouette=0.1)
    assert "no_segments" not in doubts(names=nobody, silhouette=0.4)
    one = NAMES.assign(matched=NAMES["segment_id"] == "elderly")
    assert "no_segments" in doubts(names=one, silhouette=0.1)  # one name of four: by chance
    assert "no_segments" not in doubts(names=one, silhouette=0.4)
    seen = one.assign(by=one["by"].mask(one["matched"], "override"))
    assert "no_segments" not in doubts(names=seen, silhouette=0.1)  # a person looked
    cannot = NAMELESS.assign(reason="too_few_features")
    assert "no_segments" not in doubts(names=nobody, nameless=cannot, silhouette=0.1)


def test_one_segment_of_everybody_is_no_target():
    """What `choose_k` answers where no number of segments is better than none."""
    found = doubts(names=NAMES.iloc[:1], stability=None, silhouette=None)["no_segments"]
    assert "No target is recommended" in found.text_en
    assert "不推荐任何目标" in found.text_zh


def test_the_verdict_goes_before_the_name():
    assert segment_marks(NAMES, STABILITY) == {
        "elderly": "", "young_adult": "merge", "cluster_2": "unnamed", "farm_household": "unclear",
    }  # fmt: skip


# A catalogue of one's own ----------------------------------------------------------------------


@pytest.fixture
def shop(tmp_path):
    """Two files of three columns for a table that is no bank's."""
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "segments.csv").write_text("id,zh,en\nvip,贵宾,VIPs\nghost,幽灵,Ghosts\n", "utf-8")
    rows = [f"vip,{c},1.4" for c in ("x0", "x1", "x2")] + ["ghost,y0,1", "ghost,y1,1"]
    (folder / "signatures.csv").write_text("segment,feature,level\n" + "\n".join(rows) + "\n")
    return folder


def shoppers():
    return blobs((90, 60), [(0, 0, 0), (9, 9, 9)], n_columns=3)


def test_two_small_files_name_segments_and_leave_out_what_they_do_not_say(shop, tmp_path):
    from kequn_lab.run.results import write_results

    analysis = run(shoppers(), 2, catalogue_folder=shop)
    assert analysis.names["segment_id"].tolist() == ["cluster_0", "vip"]
    assert {"groups", "decision"}.isdisjoint(analysis.tables)
    said = analysis.tables["warnings"].set_index("warning")["text_en"]
    assert "Ghosts (too few of their features" in said["names_not_possible"]
    write_results(analysis, tmp_path / "out", language="zh", quiet=True)
    report = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "贵宾" in report and "目标客群比较" not in report and "选哪些客群" not in report


def test_groups_of_ones_own_reach_the_report(shop, tmp_path):
    from kequn_lab.run.results import write_results

    (shop / "target_groups.csv").write_text(
        "group_id,group_zh,group_en,segment_id\nshop,门店组,Shop,vip\nweb,网络组,Web,ghost\n",
        "utf-8",
    )
    analysis = run(shoppers(), 2, catalogue_folder=shop, overrides={0: "ghost"})
    assert set(analysis.tables["groups"]["target_group"]) == {"shop", "web"}
    assert len(analysis.tables["comparison"]) == 3
    write_results(analysis, tmp_path / "out", language="zh", quiet=True)
    report = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "门店组" in report and "网络组" in report


def test_a_mistyped_criterion_stops_the_run_and_one_without_data_is_said(shop):
    head = "criterion_id,axis,role,columns,statistic,worst,best\n"
    rows = ["size,attractiveness,score,,size_share,0,1", "money,competitiveness,score,x7,mean,0,9"]
    criteria = shop / "criteria.csv"
    criteria.write_text(head + "\n".join(rows) + "\n")
    (shop / "weights.csv").write_bytes(
        "bank_kind,criterion_id,weight\n门店,size,1\n门店,money,1\n".encode("gb18030")
    )
    with pytest.raises(ValueError, match="unknown columns: 'x7' of money"):
        run(shoppers(), 2, catalogue_folder=shop)
    criteria.write_text(criteria.read_text().replace("x7", "aum_cny"))  # the kit's, not the table's
    said = run(shoppers(), 2, catalogue_folder=shop).tables["warnings"].set_index("warning")
    assert said.loc["no_decision", "text_en"].endswith(
        "what the data lack: Assets at the bank (aum_cny)"
    )
    criteria.write_text(criteria.read_text().replace("aum_cny", "x1"))
    decision = run(shoppers(), 2, catalogue_folder=shop).tables["decision"]
    assert set(decision["bank_kind"]) == {"门店"}
    assert decision.set_index("segment_id")["mark"].to_dict() == {"vip": "", "cluster_0": "unnamed"}
