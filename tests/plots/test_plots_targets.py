"""plots.targets, campaigns, offers: what is drawn is what the table says, in both languages."""

import warnings
from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex

from kequn_lab import plots

SEGMENTS = pd.DataFrame(
    {
        "segment_id": ["elderly", "young_adult"],
        "name_zh": ["老年客群", "年轻人"],
        "name_en": ["Elderly", "Young adults"],
    }
)
DIFFERENCES = pd.DataFrame(
    {
        "variable": ["age_years", "mobile_share", "city_tier", "empty"],
        "meaning_zh": ["年龄", "手机占比", "城市", "空"],
        "meaning_en": ["Age", "Mobile share", "City", "Empty"],
        "measure": ["smd", "cliffs_delta", "cramers_v_corrected", "smd"],
        "effect": [-2.0, 1.0, 0.4, np.nan],
        "effect_low": [-2.2, 0.9, 0.3, np.nan],
        "effect_high": [-1.8, 1.1, 0.5, np.nan],
        "group_a": "internet_bank",
        "group_b": "traditional_bank",
    }
)
MATRIX = pd.DataFrame(
    {
        "bank_kind": ["internet_bank"] * 2 + ["traditional_bank"] * 2,
        "segment_id": ["young_adult", "elderly"] * 2,
        "size_share": [0.2, 0.1] * 2,
        "attractiveness": [0.6, 0.3, 0.4, 0.5],
        "competitiveness": [0.8, 0.2, 0.1, 0.9],
        "knocked_out_by": ["", "online_reach", "", ""],
        "target": [True, False, False, True],
        "target_share_weights": [0.9, 0.0, 0.2, 0.8],
        "declared": "yes",
    }
)
for axis in ("attractiveness", "competitiveness"):
    MATRIX[f"{axis}_low"], MATRIX[f"{axis}_high"] = MATRIX[axis] - 0.1, MATRIX[axis] + 0.05
FIT = pd.DataFrame(
    {
        "bank_id": ["suning", "suning", "ccb", "ccb"],
        "segment_id": ["young_adult", "elderly"] * 2,
        "fit": [0.6, np.nan, 0.5, 0.7],
        "relation": ["target", None, "gap", "customer"],
        "basis": ["stated", None, "reading", "reading"],
    }
)
MATCHES = pd.DataFrame(
    {
        "segment_id": ["elderly"] * 3 + ["young_adult"] * 3,
        "product_id": ["savings_bond", "savings_bond", "money_fund"] * 2,
        "channel_id": ["counter", "mobile", "mobile"] * 2,
        "score": [0.5, 0.1, 0.2, 0.0, 0.0, 0.4],
    }
)
PRODUCTS = pd.DataFrame(
    {
        "product_id": ["money_fund", "savings_bond", "smart_deposit"],
        "name_zh": ["货币基金", "国债", "智能存款"],
        "name_en": ["Money fund", "Savings bond", "Smart deposit"],
        "status_today": ["current", "current", "ended 2019"],
    }
)
LADDER = pd.DataFrame(
    {
        "segment_id": ["elderly"] * 3 + ["young_adult"],
        "rung_id": ["L0", "L2", "L3", "L0"],
        "product_id": ["money_fund", "smart_deposit", "savings_bond", "money_fund"],
        "share": [0.2, 0.3, 0.5, 1.0],
        "amount_cny": [2e4, 3e4, 5e4, 9e3],
    }
)
FUNNEL = pd.DataFrame(
    {
        "group": ["internet_bank"] * 4 + ["traditional_bank"] * 4,
        "stage": ["acquire", "activate", "retain", "convert"] * 2,
        "of": [100] * 4 + [50] * 4,
        "share": [1, 0.8, 0.6, 0.4, 0.9, 0.6, 0.5, 0.2],
    }
).assign(low=lambda t: t["share"] * 0.9, high=lambda t: np.minimum(t["share"] * 1.1, 1))
GAIN = pd.DataFrame(
    {
        "strategy": np.repeat(["segment", "oldest", "random", "best possible"], 3),
        "contacted_share": [0, 0.5, 1] * 4,
        "gain": [0, 0.8, 1, 0, 0.6, 1, 0, 0.5, 1, 0, 1, 1],
    }
).assign(gain_low=lambda t: t["gain"] * 0.9, gain_high=lambda t: t["gain"])
BRANCH = pd.DataFrame(
    {
        "segment_id": ["young_adult", "elderly", "all"],
        "staff_days": [2.0, 10, 12],
        "staff_days_after": [1.0, 8, 9],
        "migrated": [0.5, 0.2, 0.25],
    }
)
ALL = [
    (plots.difference_plot, DIFFERENCES),
    (plots.decision_plot, MATRIX),
    (plots.fit_plot, FIT),
    (plots.fit_plot, MATCHES),
    (plots.ladder_plot, LADDER),
    (plots.funnel_plot, FUNNEL),
    (plots.gain_plot, GAIN),
    (plots.branch_plot, BRANCH),
]


@pytest.fixture(autouse=True)
def close():
    yield
    plt.close("all")


def texts(ax):
    """Every word on the axes and its panels."""
    found = []
    for one in [ax, *ax.child_axes]:
        labels = [*one.get_xticklabels(), *one.get_yticklabels(), *one.texts]
        legend = one.get_legend()
        labels += legend.get_texts() if legend else []
        found += [t.get_text() for t in labels]
        found += [one.get_xlabel(), one.get_ylabel(), one.get_title()]
    return found


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize(("draw", "table"), ALL)
def test_every_picture_draws_in_both_languages_and_leaves_its_table_alone(draw, table, language):
    before = table.copy()
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # a glyph that the font lacks is a warning
        with plots.style(language, segments=SEGMENTS, synthetic=True):
            ax = draw(table)
            ax.figure.canvas.draw()
    pd.testing.assert_frame_equal(table, before)
    own = [t for t in texts(ax) if t]
    hanzi = any("一" <= c <= "鿿" for t in own for c in t)
    assert hanzi == (language == "zh"), own
    assert any("合成" in t.get_text() or "Synthetic" in t.get_text() for t in ax.figure.texts)


@pytest.mark.parametrize(("draw", "table"), ALL)
def test_every_picture_draws_on_given_axes_and_names_a_missing_column(draw, table):
    _, ax = plt.subplots()
    assert draw(table, ax=ax) is ax
    with pytest.raises(ValueError, match=rf"{draw.__name__}: the table lacks"):
        draw(table.drop(columns=table.columns[-1] if draw is not plots.decision_plot else "target")
             .rename(columns={"share": "x", "effect": "x", "fit": "x", "score": "x", "gain": "x",
                              "rate": "x", "migrated": "x"}))  # fmt: skip


def test_differences_stand_on_the_side_of_the_group_that_has_more():
    with plots.style("en"):
        ax = plots.difference_plot(DIFFERENCES)
    points = {line.get_ydata()[0]: line for line in ax.lines if line.get_marker() in "oDs"}
    assert [points[y].get_xdata()[0] for y in range(3)] == [-2.0, 1.0, 0.4]
    assert points[0].get_color() != points[1].get_color() != points[2].get_color()
    intervals = [tuple(ln.get_xdata()) for ln in ax.lines if len(ln.get_xdata()) == 2]
    assert (-2.2, -1.8) in intervals and (0.9, 1.1) in intervals
    assert "← higher: Traditional bank" in texts(ax) and "higher: Internet bank →" in texts(ax)
    assert [t.get_text() for t in ax.get_yticklabels()] == ["Age", "Mobile share", "City"]
    assert len(plots.difference_plot(DIFFERENCES, top=1).get_yticklabels()) == 1


def test_the_matrix_shows_targets_knock_outs_and_uncertainty():
    with plots.style("en", segments=SEGMENTS):
        ax = plots.decision_plot(MATRIX)
    internet, traditional = ax.child_axes
    at = {tuple(c.get_offsets()[0]): c for c in internet.collections}
    young, elderly = at[0.8, 0.6], at[0.2, 0.3]
    assert young.get_sizes()[0] > elderly.get_sizes()[0]
    assert to_hex(young.get_edgecolor()[0]) == "#000000"
    assert len(elderly.get_facecolor()) == 0  # hollow
    crosses = [(tuple(ln.get_xdata()), tuple(ln.get_ydata())) for ln in internet.lines]
    assert ((0.7000000000000001, 0.8500000000000001), (0.6, 0.6)) in crosses
    assert any(t.startswith("Young adults  90%") for t in texts(internet))
    assert any(t == "Young adults  20%" for t in texts(traditional))
    drawn = MATRIX.assign(target_share_customers=[0.7, 0, 0, 1], target_share_banks=[0.5, 0, 0, 1])
    with plots.style("en", segments=SEGMENTS):
        sure = plots.decision_plot(drawn)
    assert any(t.startswith("Young adults  90% / 70% / 50%") for t in texts(sure.child_axes[0]))
    told = "other weights / other customers, clustered again / other banks"
    assert any(told in t for t in texts(sure)) and not any("other banks" in t for t in texts(ax))
    with plots.style("en"):
        changed = plots.decision_plot(MATRIX.assign(declared="changed since"))
    assert any("changed after they were declared" in t for t in texts(changed))


def test_names_stand_beside_the_matrix_and_marks_beside_the_names():
    many = pd.concat([MATRIX.head(1)] * 20, ignore_index=True).assign(
        segment_id=[f"s{i}" for i in range(20)], attractiveness=0.9, mark=["merge"] + [""] * 19
    )
    with plots.style("en"):
        ax = plots.decision_plot(many)
    assert any("†: not to be recommended" in t.get_text() for t in ax.texts)
    panel = ax.child_axes[0]
    panel.figure.draw_without_rendering()
    names = [t for t in panel.texts if t.get_text().startswith("s")]
    boxes = sorted((t.get_window_extent() for t in names), key=lambda b: b.y0)
    assert len(boxes) == 20 and all(t.get_position()[0] > 1 for t in names)  # off the bubbles
    assert all(-1e-9 <= t.get_position()[1] <= 1 + 1e-9 for t in names)
    assert all(low.y1 <= high.y0 + 0.5 for low, high in pairwise(boxes))
    assert [t.get_text() for t in names if "†" in t.get_text()] == ["s0  90% †"]


def test_measures_are_told_below_the_axis_and_cover_no_point():
    with plots.style("en"):
        ax = plots.difference_plot(DIFFERENCES)
    assert ax.get_legend() is None
    assert "● Standardised mean difference   ◆ Cliff's delta" in ax.get_xlabel()


def test_names_never_touch_and_stay_near():
    from kequn_lab.plots.targets import _spread

    wanted = [0.1, 0.5, 0.5, 0.51, 0.9]
    got = _spread(wanted, gap=0.05)
    assert (np.diff(got) >= 0.05 - 1e-12).all()
    assert got[[0, 4]].tolist() == pytest.approx([0.1, 0.9])
    assert got[1:4].mean() == pytest.approx(np.mean(wanted[1:4]))
    assert len(_spread([], 0.05)) == 0


def test_the_fit_marks_what_the_article_says():
    ax = plots.fit_plot(FIT)
    cells = {(t.get_position()): t.get_text() for t in ax.texts}
    assert cells[0, 0] == "● 0.60" and cells[1, 0] == "–"
    assert cells[0, 1] == "△ 0.50" and cells[1, 1] == "○ 0.70"


def test_matches_show_the_best_place_and_frame_the_best_product():
    with plots.style("en", segments=SEGMENTS):
        ax = plots.fit_plot(MATCHES, names=PRODUCTS)
    cells = {t.get_position(): t.get_text() for t in ax.texts}
    assert cells[0, 0] == "0.50\nCounter" and cells[0, 1] == "–" and cells[1, 1] == "0.40\nMobile"
    frames = [p.get_xy() for p in ax.patches]
    assert [(round(x), round(y)) for x, y in frames] == [(0, 0), (1, 1)]
    with pytest.raises(ValueError, match="no score is above 0"):
        plots.fit_plot(MATCHES.assign(score=0.0))
    assert "needs" not in ax.get_xlabel()
    lost = pd.concat([MATCHES, MATCHES.iloc[[0]].assign(segment_id="cluster_6", score=np.nan)])
    with plots.style("en", segments=SEGMENTS):
        ax = plots.fit_plot(lost, names=PRODUCTS)
    assert [t.get_text() for t in ax.get_yticklabels()][-1] == "cluster_6"
    assert {t.get_text() for t in ax.texts if t.get_position()[1] == 2} == {"–"}
    assert "a row of –: not in the table of needs" in ax.get_xlabel()


def test_the_ladder_adds_up_marks_ended_products_and_says_that_it_is_no_advice():
    with plots.style("en", segments=SEGMENTS):
        ax = plots.ladder_plot(LADDER, names=PRODUCTS)
    ends = [max(p.get_x() + p.get_width() for p in ax.patches if round(p.get_y() + 0.35) == y)
            for y in (0, 1)]  # fmt: skip
    assert ends == pytest.approx([1, 1])
    assert "L2 Smart deposit (ended)" in texts(ax)
    assert "not advice" in ax.get_xlabel()
    with plots.style("zh"):
        ax = plots.ladder_plot(LADDER)
    assert "不构成投资建议" in ax.get_xlabel()
    assert "10.0 万元" in texts(ax) and "9,000 元" in texts(ax)


def test_the_funnel_names_groups_and_denominators():
    with plots.style("zh"):
        ax = plots.funnel_plot(FUNNEL)
    assert "互联网银行  (n = 100)" in texts(ax) and "传统银行  (n = 50)" in texts(ax)
    drawn = [line.get_ydata().tolist() for line in ax.lines if len(line.get_ydata()) == 4]
    assert [1, 0.8, 0.6, 0.4] in drawn
    with pytest.raises(ValueError, match="stages are acquire"):
        plots.funnel_plot(FUNNEL.assign(stage="buy"))


def test_gain_curves():
    ax = plots.gain_plot(GAIN)
    lines = {line.get_label(): line for line in ax.lines}
    assert lines["By segment"].get_ydata().tolist() == [0, 0.8, 1]
    assert lines["At random"].get_linestyle() == "--"


def test_the_branch_shows_now_and_the_scenario():
    ax = plots.branch_plot(BRANCH)
    widths = [p.get_width() for p in ax.patches]
    assert widths == [10, 2, 8, 1]
    assert "scenario" in ax.get_xlabel()


def test_groups_of_ones_own_have_their_own_names():
    names = pd.DataFrame({"group_id": DIFFERENCES["group_a"].iloc[:1], "name_zh": "门店组",
                          "name_en": "Shop"})  # fmt: skip
    with plots.style("zh"):
        assert any(
            "门店组" in text for text in texts(plots.difference_plot(DIFFERENCES, names=names))
        )
