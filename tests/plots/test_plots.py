"""Pictures: what is drawn, in which order and colour, with every glyph, and how it is saved."""

import importlib
import importlib.util
import warnings
from functools import partial
from itertools import pairwise
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib import font_manager
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from kequn_lab import plots
from kequn_lab.features.definitions import feature_dictionary
from kequn_lab.plots.grids import truth_plot
from kequn_lab.plots.palette import segment_colors, segment_looks
from kequn_lab.plots.profile import size_plot
from kequn_lab.validation.agreement import truth_table

style_module = importlib.import_module("kequn_lab.plots.style")

ROOT = Path(__file__).resolve().parents[2]
FONTS = ROOT / "kequn_lab" / "fonts"

NAMES = pd.DataFrame(
    {
        "segment_id": ["elderly", "young_adult", "farm_household"],
        "name_zh": ["老年客群", "年轻人", "农户"],
        "name_en": ["Elderly", "Young adults", "Farm households"],
    }
)
SIZES = pd.DataFrame(
    {
        "segment_id": ["elderly", "farm_household", "young_adult"],
        "customers": [600, 300, 100],
        "share": [0.6, 0.3, 0.1],
        "share_low": [0.57, 0.27, 0.08],
        "share_high": [0.63, 0.33, 0.12],
    }
)
EFFECTS = {  # variable -> elderly, farm_household, young_adult
    "age_years": [1.5, -0.2, -1.3],
    "night_share": [-0.4, 0.1, 0.6],
}


def profile(effects=EFFECTS, ids=SIZES["segment_id"]):
    rows = [
        (s, v, e[i], e[i] - 0.1, e[i] + 0.1) for i, s in enumerate(ids) for v, e in effects.items()
    ]
    return pd.DataFrame(
        rows, columns=["segment_id", "variable", "effect", "effect_low", "effect_high"]
    )


def large():
    rng = np.random.default_rng(0)
    ids = [*NAMES["segment_id"], *(f"cluster_{i}" for i in range(1, 10))]
    effects = {f"a_rather_long_variable_{j}": rng.normal(size=12) for j in range(40)}
    return profile(effects, ids)


PLANE = {"PC1": [0.0, 1, 0, 5, 6, 5], "PC2": [0.0, 0, 1, 5, 5, 6]}
SCORES = pd.DataFrame({"segment_id": ["elderly"] * 3 + ["young_adult"] * 3, **PLANE})
HULLS = SCORES.assign(hull="inner")
FLOWS = pd.DataFrame(
    {
        "k_from": [2, 2, 2],
        "segment_from": [0, 0, 1],
        "k_to": [3, 3, 3],
        "segment_to": [0, 1, 2],
        "rows": [30, 20, 50],
    }
)
MIXED = pd.DataFrame({"k": [3, 3, 3], "segment_id": [0, 1, 2], "entropy": [0.0, 1.0, 0.0]})
QUANTILES = pd.DataFrame(
    {
        "segment_id": ["elderly", "young_adult"],
        "variable": "age_years",
        "q25": [60.0, 20],
        "median": [70.0, 25],
        "q75": [80.0, 30],
        "mean": [71.0, 26],
        "overall_mean": 50.0,
    }
)
PAIRS = pd.DataFrame(
    {
        "k": np.repeat([2, 3], 4),
        "replicate": [*range(4)] * 2,
        "ari": [0.9, 0.8, 0.7, 0.95, 0.2, 0.9, 0.3, 0.8],
        "ari_data": 0.9,
        "ari_search": 0.95,
    }
)
WITHIN = pd.DataFrame(
    {"segment_id": ["elderly"] * 3 + ["young_adult"] * 3, "slsw": [0.9, 0.95, 1, 0.5, 0.6, 0.7]}
)
SCORED = pd.DataFrame(
    {
        "k": [2, 3, 4],
        "inertia": [90000.0, 50000, 40000],
        "silhouette": [0.5, 0.3, 0.2],
        "silhouette_se": 0.01,
        "gap": [0.5, 0.6, 0.605],
        "gap_se": 0.01,
        "davies_bouldin": [1.0, 0.9, 0.8],
    }
)
GORGE = pd.DataFrame({"elderly": [0.9, 0.1, 0.2, 0.95], "young_adult": [0.1, 0.9, 0.8, 0.05]})
TRUTH = truth_table(
    pd.Series(["elderly"] * 2 + ["young_adult"] * 3),
    pd.Series(["elderly"] * 2 + ["young_adult", "young_adult", "micro_enterprise"]),
)

#: Every picture with a finished table and a column that it cannot do without.
PICTURES = [
    (size_plot, {}, SIZES, "share"),
    (plots.profile_plot, {}, profile(), "effect"),
    (plots.profile_plot, {"kind": "heatmap"}, profile(), "variable"),
    (plots.profile_plot, {"kind": "box"}, QUANTILES, "median"),
    (plots.separation_plot, {}, SCORES, "PC2"),
    (plots.flow_plot, {}, FLOWS, "rows"),
    (plots.validation_plot, {}, PAIRS, "k"),
    (plots.validation_plot, {}, SCORED, "k"),
    (plots.validation_plot, {}, WITHIN, "slsw"),
    (plots.gorge_plot, {}, GORGE, None),
    (truth_plot, {}, TRUTH, "adjusted_rand"),
]


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


@pytest.fixture
def only_our_font(monkeypatch):
    """A machine with DejaVu, which matplotlib brings, and the package's font: nothing else."""
    ours = {"DejaVu Sans", style_module.FAMILY}
    manager = font_manager.fontManager
    monkeypatch.setattr(manager, "ttflist", [f for f in manager.ttflist if f.name in ours])


def texts(ax, kind="y"):
    return [t.get_text() for t in getattr(ax, f"get_{kind}ticklabels")()]


def title(ax):
    return ax.get_title(loc="left") or ax.get_title()


def colors(patches):
    return [to_hex(p.get_facecolor()) for p in patches]


# The font --------------------------------------------------------------------------------------


def catalogue_strings():
    """Every text of the catalogue and of the features, those in Chinese and those in English."""
    found = {}
    for path in sorted(ROOT.glob("data/catalogue/**/*.csv")):
        table = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
        found |= dict.fromkeys(v for c in table for v in (c, *table[c]))
    for column in ("meaning_zh", "meaning_en", "unit"):
        found |= dict.fromkeys(feature_dictionary()[column])
    words = [s for s in found if any(c.isalpha() for c in s)]
    zh = [s for s in words if any("\u4e00" <= c <= "\u9fff" for c in s)]
    return {"zh": zh, "en": sorted(set(words) - set(zh))}


@pytest.mark.parametrize(
    ("language", "ending"), [("zh", "png"), ("zh", "svg"), ("zh", "pdf"), ("en", "png")]
)
def test_every_string_of_the_catalogue_is_drawn(language, ending, only_our_font, tmp_path):
    strings = catalogue_strings()[language]
    assert len(strings) > 100
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with plots.style(language):
            fig = plt.figure(figsize=(10, 10), layout="none")
            for i in range(0, len(strings), 50):
                page = "\n".join([*strings[i : i + 50], "−1.5"]).replace("$", r"\$")
                fig.text(0, i / len(strings), page, fontsize=4)
            path = plots.save(fig, tmp_path / f"all.{ending}", dpi=50)
    assert path.stat().st_size > 10_000


def test_that_test_fails_without_the_font(only_our_font, monkeypatch, tmp_path):
    fig = plt.figure()
    fig.text(0, 0, "客群")
    with pytest.warns(UserWarning, match="Glyph"):
        fig.savefig(tmp_path / "a.png")
    monkeypatch.setattr(style_module, "FONT", tmp_path / "gone.otf")
    with pytest.raises(FileNotFoundError, match=r"gone\.otf.*reinstall"), plots.style("en"):
        pass


def subset_script():
    spec = importlib.util.spec_from_file_location("make_subset", ROOT / "data/make_subset.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_font_holds_what_it_should_and_is_small():
    script = subset_script()
    font = font_manager.get_font(script.TARGET)
    lacking = {c for c in script.wanted(ROOT) if ord(c) not in font.get_charmap()}
    assert not lacking, f"cut the font again (data/make_subset.py): {lacking}"
    assert script.TARGET.stat().st_size < 1_100_000
    licence = (FONTS / "OFL.txt").read_text()
    assert "SIL OPEN FONT LICENSE Version 1.1" in licence and "Adobe" in licence
    # the licence: a changed font must not have the name of the original
    assert font.family_name == style_module.FAMILY
    assert not {"noto", "source"} & set(font.postscript_name.lower().split("-"))


def test_missing_glyphs_make_one_warning_that_names_them(only_our_font, tmp_path):
    table = SIZES.assign(name_zh=["龘龘", "靐客群", "年轻人"])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with plots.style("zh"):
            ax = size_plot(table)
            ax.figure.canvas.draw()
    # A file that another test left open may be reported by the garbage collector meanwhile.
    caught = [w for w in caught if w.category is not ResourceWarning]
    assert [w.category for w in caught] == [UserWarning]
    assert "龘靐:" in str(caught[0].message)
    with pytest.warns(UserWarning, match="龘靐"):
        plots.save(ax.figure, tmp_path / "a.png")


def test_a_system_font_is_tried_last(monkeypatch):
    entry = font_manager.FontEntry(fname="x.otf", name="Noto Sans CJK SC")
    manager = font_manager.fontManager
    monkeypatch.setattr(manager, "ttflist", [*manager.ttflist, entry])
    with plots.style("zh"):
        assert mpl.rcParams["font.family"] == ["DejaVu Sans", "Kequn Sans SC", "Noto Sans CJK SC"]


# Style -----------------------------------------------------------------------------------------


def test_jupyter_stays_interactive_after_its_first_figure():
    """The inline backend turns interactive mode on when it draws the first figure."""
    assert not mpl.is_interactive()
    try:
        with plots.style("en"):
            mpl.interactive(True)
        assert mpl.is_interactive()
    finally:
        mpl.interactive(False)


def test_style_leaves_no_trace():
    before = dict(mpl.rcParams)
    with plots.style("zh"):
        assert mpl.rcParams["axes.unicode_minus"]
    assert dict(mpl.rcParams) == before
    with pytest.raises(KeyError), plots.style("en"):
        raise KeyError
    assert dict(mpl.rcParams) == before
    with pytest.raises(ValueError, match="'fr'.*'zh' or 'en'"), plots.style("fr"):
        pass
    with pytest.raises(ValueError, match="segments has no column segment_id"):
        plots.style("zh", segments=pd.DataFrame({"a": [1]})).__enter__()


def test_names_come_from_the_table_then_the_style_then_the_ids():
    unnamed = SIZES.replace("young_adult", "cluster_2").replace("farm_household", "x")
    with plots.style("zh", segments=NAMES):
        assert texts(size_plot(unnamed)) == ["老年客群", "x", "cluster_2"]
        assert texts(size_plot(unnamed.assign(name_zh="甲"))) == ["甲"] * 3
    with plots.style("en", segments=NAMES):
        ax = size_plot(unnamed)
        assert texts(ax) == ["Elderly", "x", "cluster_2"]
        assert "Share of customers" in ax.get_xlabel()
    assert texts(size_plot(unnamed)) == ["elderly", "x", "cluster_2"]


def test_strange_names_stay_text_on_one_line(tmp_path):
    table = SIZES.assign(name_zh=["<script>", "a$b$\nc", "长" * 60])
    with plots.style("zh"):
        ax = size_plot(table)
        plots.save(ax.figure, tmp_path / "a.svg")
    assert texts(ax) == ["<script>", r"a\$b\$ c", "长" * 20 + "…"]
    assert "<script" not in (tmp_path / "a.svg").read_text()


# Colours ---------------------------------------------------------------------------------------


def test_colours_do_not_depend_on_order_or_company():
    ids = ["elderly", "x10", "x9", "cluster_1"]
    once = segment_colors(ids)
    assert list(once) == ids
    assert once == segment_colors(ids[::-1])
    assert len(set(once.values())) == 4
    assert segment_colors(["elderly"])["elderly"] == once["elderly"]
    with plots.style("en", segments=pd.DataFrame({"segment_id": ids})):
        assert segment_colors(["x9"])["x9"] == once["x9"]
        assert segment_colors() == once


def test_twenty_segments_have_twenty_colours():
    for ids in ([f"s{i}" for i in range(20)], ["elderly", *(f"cluster_{i}" for i in range(19))]):
        assert segment_looks(ids)["color"].nunique() == 20


def test_truth_plot_names_what_is_true_and_says_how_well_it_was_found():
    with plots.style("en", segments=NAMES):
        ax = truth_plot(TRUTH)
        assert texts(ax, "x")[:2] == ["Elderly", "Young adults"]
        assert [t.get_text() for t in ax.texts] == ["2", "", "", "", "2", "1"]
        assert ax.get_xlabel().endswith(f"{TRUTH['adjusted_rand'].iloc[0]:.2f}")


def test_twelve_segments_differ_in_colour_marker_and_hatch():
    looks = segment_looks([f"s{i}" for i in range(12)])
    assert (looks[["color", "marker", "hatch"]].nunique() == 12).all()


# What is drawn ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("function", "options", "table", "needed"), PICTURES)
@pytest.mark.parametrize("language", ["zh", "en"])
def test_pictures_draw_where_told_and_change_nothing(
    function, options, table, needed, language, only_our_font, tmp_path
):
    before, draw, name = table.copy(deep=True), partial(function, **options), function.__name__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with plots.style(language, segments=NAMES, variables=feature_dictionary(), synthetic=True):
            given = Figure(layout="constrained").subplots()
            assert draw(table, ax=given) is given
            assert not plt.get_fignums()
            ax = draw(table)
            assert plt.get_fignums() == [ax.figure.number]
            words = " ".join(t.get_text() for t in ax.figure.findobj(mpl.text.Text))
            plots.save(ax.figure, tmp_path / "own.png", dpi=50)
    assert any("\u4e00" <= c <= "\u9fff" for c in words) == (language == "zh")
    pd.testing.assert_frame_equal(table, before)
    with pytest.raises(ValueError, match=f"{name}: the table has no rows"):
        draw(table.iloc[:0])
    if needed:
        with pytest.raises(ValueError, match=rf"{name}: the table lacks {needed}; it has \["):
            draw(table.drop(columns=needed))
    with pytest.raises((TypeError, ValueError), match=name):
        draw([1, 2])


def test_size_bars_in_the_order_of_the_table_with_intervals():
    ax = size_plot(SIZES)
    bars = ax.patches
    assert [b.get_width() for b in bars] == [0.6, 0.3, 0.1]
    assert colors(bars) == ["#601a4a", "#009e73", "#56b4e9"]
    (segments,) = (c.get_segments() for c in ax.collections)
    np.testing.assert_allclose([s[:, 0] for s in segments], SIZES[["share_low", "share_high"]])
    assert [t.get_text() for t in ax.texts] == ["60.0%  (600)", "30.0%  (300)", "10.0%  (100)"]
    assert ax.yaxis_inverted()


def test_profile_marks_orders_and_keeps_one_scale():
    markers = (
        profile().assign(marker=lambda t: t["effect"].abs() > 1).sample(frac=1, random_state=1)
    )
    ax = plots.profile_plot(profile(), markers=markers, order=["night_share", "age_years"])
    panels = ax.child_axes
    assert [title(p) for p in panels] == list(SIZES["segment_id"])
    assert texts(panels[0]) == ["night_share", "age_years"]
    assert [len(p.yaxis.get_major_ticks()) for p in panels] == [2, 0, 0]  # ticks take long
    assert [b.get_width() for b in panels[0].patches] == [-0.4, 1.5]
    assert [b.get_alpha() for b in panels[0].patches] == [0.28, 1]
    assert [b.get_alpha() for b in panels[1].patches] == [0.28, 0.28]
    assert len({p.get_xlim() for p in panels}) == 1
    with pytest.raises(ValueError, match=r"order names variables that the table lacks: \['b'\]"):
        plots.profile_plot(profile(), order=["b"])
    with pytest.raises(ValueError, match=r"more than one row for \('elderly', 'age_years'\)"):
        plots.profile_plot(pd.concat([profile(), profile()]))


def test_profile_with_levels_and_infinite_effects():
    table = profile().assign(level=None)
    table.loc[table["variable"] == "night_share", "level"] = "yes"
    table.loc[0, "effect"] = np.inf
    ax = plots.profile_plot(table)
    assert texts(ax.child_axes[0]) == ["age_years", "night_share = yes"]
    assert ax.child_axes[0].patches[0].get_width() == ax.child_axes[0].get_xlim()[1]


def test_one_huge_effect_does_not_flatten_the_others():
    table = profile({f"v{j}": [1.0, -0.5, 0.2] for j in range(20)})
    table.loc[0, ["effect", "effect_low", "effect_high"]] = [13.42, 12, 15]
    panel = plots.profile_plot(table).child_axes[0]
    assert panel.get_xlim()[1] < 3
    assert [t.get_text() for t in panel.texts] == ["13.4 ▸"]


def test_forty_variables_and_twelve_segments_stay_legible(tmp_path):
    table = large()
    for kind, most in (("bar", 24), ("heatmap", 40)):
        ax = plots.profile_plot(table, kind=kind)
        ax.figure.draw_without_rendering()
        first = ax.child_axes[0] if kind == "bar" else ax
        boxes = [t.get_window_extent() for t in first.get_yticklabels()]
        assert len(boxes) == most
        gaps = [upper.y0 - lower.y1 for upper, lower in pairwise(boxes)]
        assert min(gaps) > -0.5, kind  # labels do not cover each other
        if kind == "bar":
            titles = [p.title.get_window_extent() for p in ax.child_axes]
            assert not any(a.overlaps(b) for i, a in enumerate(titles) for b in titles[:i])


def test_of_two_thousand_variables_the_strongest_are_drawn_and_it_is_said():
    effects = {f"v{j}": [j / 1000, 0, -j / 2000] for j in range(2000)} | {"v7": [9.0, 0, 0]}
    table = profile(effects)
    for kind, most in (("heatmap", 40), ("bar", 24)):
        ax = plots.profile_plot(table, kind=kind)
        first = ax.child_axes[0] if kind == "bar" else ax
        assert texts(first)[0] == "v7" and texts(first)[-1] == "v1999"  # order of the table
        assert len(texts(first)) == most
        said = [ax.get_xlabel(), title(ax), *(t.get_text() for t in ax.texts)]
        assert any(f"the {most} of 2000 variables that differ most" in t.lower() for t in said)


def test_heat_map_numbers_and_symmetric_colours():
    table = profile()
    table.loc[1, "effect"] = np.nan
    ax = plots.profile_plot(table, kind="heatmap")
    assert [t.get_text() for t in ax.texts] == ["1.5", "−0.2", "−1.3", "–", "0.1", "0.6"]
    image = ax.images[0]
    assert image.norm.vmin == -image.norm.vmax
    assert texts(ax, "x") == list(SIZES["segment_id"])


def test_distribution_boxes_lie_at_the_quantiles():
    ax = plots.profile_plot(QUANTILES, kind="box")
    ends = [sorted(set(p.get_path().vertices[:, 0])) for p in ax.patches]
    assert ends == [[60, 80], [20, 30]]
    assert title(ax) == "age_years"
    two = pd.concat([QUANTILES, QUANTILES.assign(variable="b")])
    with pytest.raises(ValueError, match=r"boxes show one variable.*'age_years', 'b'"):
        plots.profile_plot(two, kind="box")
    assert title(plots.profile_plot(two, kind="box", order=["b"])) == "b"
    with pytest.raises(ValueError, match="kind is 'bar', 'heatmap' or 'box'; found 'pie'"):
        plots.profile_plot(two, kind="pie")


def test_separation_draws_customers_who_have_no_hull():
    with plots.style("en"):
        ax = plots.separation_plot(SCORES, hulls=pd.DataFrame())
    assert not ax.patches


def test_names_of_arrows_stand_within_the_axes():
    loadings = pd.DataFrame(
        {"PC1": [0.1, -0.9], "PC2": [-0.8, 0.1]}, ["A_LONG_VARIABLE_NAME", "ANOTHER_LONG_NAME"]
    )
    ax = plots.separation_plot(SCORES, loadings=loadings)
    ax.figure.draw_without_rendering()
    inside = ax.get_window_extent()
    for text in ax.texts:
        if text.get_text():
            box = text.get_window_extent()
            assert inside.x0 - 3 <= box.x0 and box.x1 <= inside.x1 + 3
            assert inside.y0 - 3 <= box.y0 and box.y1 <= inside.y1 + 3


def test_separation_says_sample_and_share():
    explained = pd.DataFrame({"component": ["PC1", "PC2"], "explained_share": [0.7, 0.2]})
    loadings = pd.DataFrame({"PC1": [1, 0.9, 0.0], "PC2": [0, 0.1, 0.5]}, index=["a", "b", "c"])
    centres = SCORES.groupby("segment_id")[["PC1", "PC2"]].mean().iloc[::-1]
    ax = plots.separation_plot(
        SCORES, hulls=HULLS, centres=centres, explained=explained, loadings=loadings,
        n_customers=1000,
    )  # fmt: skip
    assert "70%" in ax.get_xlabel()
    assert [t.get_text() for t in ax.get_legend().get_texts()] == ["young_adult", "elderly"]
    words = [t.get_text() for t in ax.texts]
    assert "Sample: 6 of 1,000 customers" in words
    assert "a" in words and "c" in words and "b" not in words  # b points where a does
    corners = [p.get_xy()[:-1] for p in ax.patches if isinstance(p, mpl.patches.Polygon)]
    np.testing.assert_array_equal(corners[0], HULLS[["PC1", "PC2"]][:3])


def test_gorge_bars_are_shares_of_all_customers():
    ax = plots.gorge_plot(GORGE)
    heights = [b.get_height() for b in ax.child_axes[0].patches]
    assert sum(heights[:10]) == sum(heights[10:]) == 0.5
    with pytest.raises(ValueError, match="between 0 and 1"):
        plots.gorge_plot(GORGE * 2)


def test_flow_heights_are_rows_and_dark_is_mixed():
    ax = plots.flow_plot(FLOWS, stability=MIXED)
    nodes = [p for p in ax.patches if isinstance(p, mpl.patches.Rectangle)]
    assert [p.get_height() for p in nodes] == [50, 50, 30, 20, 50]
    assert colors(nodes) == ["#ffffff", "#ffffff", "#ffffff", "#404040", "#ffffff"]
    assert len(ax.patches) == len(nodes) + len(FLOWS)


def test_flow_between_months_colours_those_who_move():
    moves = pd.DataFrame(
        [("a", "a", 90), ("a", "b", 6), ("a", "(left)", 4), ("b", "b", 50), ("(new)", "a", 10)],
        columns=["segment_before", "segment_after", "customers"],
    )
    ax = plots.flow_plot(moves)
    nodes = [p for p in ax.patches if isinstance(p, mpl.patches.Rectangle)]
    assert [p.get_height() for p in nodes] == [100, 50, 10, 100, 56, 4]
    words = [t.get_text() for t in ax.texts]
    assert words == ["a  100", "b  50", "new  10", "a  100", "b  56", "left  4"]
    streams = [p for p in ax.patches if not isinstance(p, mpl.patches.Rectangle)]
    own = dict(zip("ab", colors(nodes[:2])))
    grey = colors([p for p in streams if p.get_alpha() == 0.4])
    assert set(grey) == {"#cccccc"} and len(grey) == 2  # those who stay
    moving = colors([p for p in streams if p.get_alpha() == 0.9])
    assert moving == [own["a"], "#cccccc", own["b"]]  # new, left, from a to b


def test_stability_shows_every_pair_and_each_source():
    ax = plots.validation_plot(PAIRS)
    assert texts(ax, "x") == ["2", "3"]
    assert len(ax.get_legend().get_texts()) == 3
    dots = [line for line in ax.lines if line.get_marker() == "."]
    assert sum(len(d.get_xdata()) for d in dots) == 3 * len(PAIRS)
    assert len(plots.validation_plot(PAIRS[["k", "ari"]]).get_legend().get_texts()) == 1


def test_segment_stability_boxes_bear_the_colours():
    ax = plots.validation_plot(WITHIN)
    assert texts(ax) == ["elderly", "young_adult"]
    assert colors(ax.patches) == ["#601a4a", "#56b4e9"]
    assert ax.get_xlim()[0] < 0.5
    with pytest.raises(ValueError, match="validation_plot: the table lacks slsw"):
        plots.validation_plot(WITHIN[["segment_id"]])


def test_index_panel_rings_the_best_of_each_index():
    parts = plots.validation_plot(SCORED).child_axes
    assert [title(p) for p in parts] == [
        "Inertia", "Silhouette  k = 2", "Davies–Bouldin  k = 4",
        "Gap statistic  k = 3",
    ]  # fmt: skip
    rings = [[r for r in p.lines if r.get_gid() == "best"] for p in parts]
    assert [len(r) for r in rings] == [0, 1, 1, 1]
    assert rings[1][0].get_xdata().tolist() == [2]
    with pytest.raises(ValueError, match="no known index"):
        plots.validation_plot(SCORED[["k"]])


# Saving ----------------------------------------------------------------------------------------


def test_synthetic_pictures_say_so_once_in_ink_and_metadata(tmp_path):
    from PIL import Image

    with plots.style("zh", synthetic=True):
        fig, (left, right) = plt.subplots(1, 2, layout="constrained")
        size_plot(SIZES, ax=left)
        size_plot(SIZES, ax=right)
        assert [t.get_text() for t in fig.texts] == ["合成数据，不含真实客户"]
        own = plt.figure()
    assert [t.get_text() for t in own.texts] == ["合成数据，不含真实客户"]  # drawn by the caller
    path = plots.save(fig, tmp_path / "a.png", title="客群")
    kept = Image.open(path).text
    assert kept["Description"] == "synthetic data: yes"
    assert kept["Title"] == "客群" and kept["Software"].startswith("kequn_lab")
    plain = plots.save(plt.figure(), tmp_path / "b.png")
    assert Image.open(plain).text["Description"] == "synthetic data: not stated"
    assert (
        b"synthetic data: no"
        in plots.save(plt.figure(), tmp_path / "c.svg", synthetic=False).read_bytes()
    )


def test_save_is_whole_or_nothing_and_repeats_to_the_byte(tmp_path, monkeypatch):
    for ending in ("png", "svg", "pdf"):
        one, two = (
            plots.save(size_plot(SIZES).figure, tmp_path / f"a.{ending}").read_bytes()
            for _ in range(2)
        )
        assert one == two
    fig = plt.figure()
    monkeypatch.setattr("os.replace", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        plots.save(fig, tmp_path / "b.png")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.pdf", "a.png", "a.svg"]
    with pytest.raises(ValueError, match=r"\.png, \.svg or \.pdf"):
        plots.save(fig, tmp_path / "a.jpg")
    with pytest.raises(FileNotFoundError, match="no such folder"):
        plots.save(fig, tmp_path / "no" / "a.png")


def test_a_heat_map_of_few_segments_with_long_names_has_room_for_its_cells():
    names = [f"high CASH_ADVANCE_FREQUENCY · low NUMBER_{i}" for i in range(2)]
    rows = [(s, f"PURCHASES_INSTALLMENTS_{v}", 0.5) for s in names for v in range(12)]
    table = pd.DataFrame(rows, columns=["segment_id", "variable", "effect"])
    with plots.style("en"):
        ax = plots.profile_plot(table.assign(level=None), kind="heatmap")
        ax.figure.canvas.draw()
    assert ax.get_window_extent().width / ax.figure.dpi > 1.2
