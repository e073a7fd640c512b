"""report: one file, in two languages, escaped, whole or not at all."""

import itertools
import re
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from kequn_lab import catalogue
from kequn_lab._notes import Note, notes_table
from kequn_lab.compare.groups import assign_groups, compare_groups, group_sizes
from kequn_lab.features.definitions import feature_dictionary
from kequn_lab.profiles.cards import segment_cards
from kequn_lab.profiles.cautions import warnings_table
from kequn_lab.profiles.rules import segment_rules
from kequn_lab.profiles.tables import marker_table, profile_table, size_table
from kequn_lab.report.page import Picture, write_report
from kequn_lab.report.summary import summarise
from kequn_lab.validation.decisions import read_k, stability_summary
from kequn_lab.validation.stability import _reading

SEGMENTS = ["elderly", "young_adult", "low_mid_income", "cluster_1"]
EVIL = "<script>alert(1)</script>"
RUN = {
    "synthetic": True,
    "created_at": "2024-12-31T08:00:00+00:00",
    "as_of": "2024-12-31",
    "months": 12,
    "currency": "CNY",
    "parameters": {"n_clusters": 4, "random_state": 7, "n_starts": 25},
    "inputs": [{"table": "events", "file": f"{EVIL}.csv", "rows": 9, "refused": 1, "sha256": "ab"}],
    "features": {"used": ["age_years"], "left_out": {"balance_mean_cny": "no balance_cny"}},
    "fit": {"agreement": 0.32, "starts": 25, "inertia": 12345.6},
    "versions": {"pandas": "3.0"},
}


class Page(HTMLParser):
    """Tags with their attributes, and the visible text."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.texts, self.hidden = [], [], False
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.hidden = tag == "style"

    def handle_endtag(self, tag):
        self.hidden = False

    def handle_data(self, data):
        if not self.hidden:
            self.texts.append(data)

    @property
    def text(self):
        return re.sub(r"\s+", " ", " ".join(self.texts))

    def all(self, tag):
        return [attrs for name, attrs in self.tags if name == tag]


def bank(segments, n_variables, *, seed=0, n=600):
    """Tables of a run on random customers."""
    rng = np.random.default_rng(seed)
    known = feature_dictionary()["feature"].tolist()[:n_variables]
    labels = pd.Series(rng.permutation(np.resize(segments, n)), index=[f"c{i}" for i in range(n)])
    shift = pd.factorize(labels)[0][:, None] * rng.normal(size=n_variables)
    shares = [c.endswith("share") or c == "is_business" for c in known]
    values = rng.normal(size=(n, n_variables)) + shift
    values = np.where(shares, 1 / (1 + np.exp(-values)), np.exp(values + 5))
    features = pd.DataFrame(values, labels.index, known)
    profile = profile_table(features, labels, n_boot=20)
    markers, sizes = marker_table(profile), size_table(labels)
    names = pd.concat(
        [
            catalogue.segments()[["segment_id", "name_zh", "name_en"]],
            pd.DataFrame(
                {"segment_id": ["cluster_1"], "name_zh": "柜台多·年龄大", "name_en": EVIL}
            ),
        ]
    )
    options = {"segments": names, "variables": feature_dictionary()}
    tables = {
        "sizes": sizes,
        "profile": profile,
        "markers": markers,
        "segments": names,
        "variables": feature_dictionary(),
        "cards": segment_cards(
            profile,
            markers,
            sizes=sizes,
            traits=catalogue.traits(),
            signatures=catalogue.signatures(),
            **options,
        ),
        "rules": segment_rules(features, labels, **options),
        "warnings": warnings_table(profile, sizes=sizes, silhouette=0.1, **options),
        "target_groups": catalogue.target_groups(),
        "groups": group_sizes(labels, catalogue.target_groups()),
    }
    group = assign_groups(labels, catalogue.target_groups())
    if group.nunique() == 2:
        tables["comparison"] = compare_groups(features, group, n_boot=20)
    return tables


def picture(**changes):
    figure = Figure((6, 3))
    figure.subplots().plot(np.random.default_rng(0).normal(size=200))
    texts = {
        "title_zh": "大小",
        "title_en": "Sizes",
        "alt_zh": '占比 "图"',
        "alt_en": 'Shares "drawn"',
    }
    return Picture(**{"image": figure, **texts, **changes})


TABLES = bank(SEGMENTS, 12)


def written(folder, **changes):
    arguments = {"tables": TABLES, "run": RUN, "figures": {"sizes": picture()}, "language": "en"}
    path = folder / "report.html"
    write_report(path, **{**arguments, **changes})
    return path.read_text(encoding="utf-8")


@pytest.fixture(scope="module", params=["zh", "en"])
def page(request, tmp_path_factory):
    text = written(tmp_path_factory.mktemp("report"), language=request.param)
    return request.param, text, Page(text)


def test_sections_are_there_in_the_language(page):
    language, _, parsed = page
    expected = {
        "zh": ["结论", "警告", "客群卡片", "客群画像", "两类银行的客户有何不同",
               "运行记录", "本报告不能说明什么"],
        "en": ["In brief", "Warnings", "Segment cards", "Profiles", "two kinds of bank",
               "How this was made", "What this report cannot tell"],
    }  # fmt: skip
    found = [a["href"] for a in parsed.all("a")]
    ids = {attrs["id"] for attrs in parsed.all("section")}
    assert {h.removeprefix("#") for h in found} == ids
    for word in expected[language]:
        assert word in parsed.text
    assert parsed.all("html") == [{"lang": {"zh": "zh-CN", "en": "en"}[language]}]


def test_every_fixed_word_has_both_languages(page):
    """No Chinese in the English report but for the article's words."""
    language, _, parsed = page
    if language == "en":
        quotes = set("".join(catalogue.traits()["quote_zh"]))
        chinese = {c for c in parsed.text if "\u4e00" <= c <= "\u9fff"}
        assert chinese <= quotes
    else:
        assert "老年客群" in parsed.text and "Elderly" not in parsed.text
        assert "年龄" in parsed.text and "Age " not in parsed.text


def test_numbers_are_those_of_the_tables(page):
    _, _, parsed = page
    for row in TABLES["sizes"].itertuples():
        assert f"{100 * row.share:.1f}% {row.customers:,}" in parsed.text
    text = f"text_{page[0]}"
    marks = TABLES["cards"].query("part == 'mark'")[text]
    squeezed = parsed.text
    assert all(re.sub(r"\s+", " ", mark) in squeezed for mark in marks)
    assert TABLES["warnings"][text].iloc[0] in parsed.text
    assert "25; 8 reached the best" in parsed.text or "25 个，其中 8 个" in parsed.text


def test_nothing_comes_from_outside(page):
    _, text, parsed = page
    assert not parsed.all("script") and not parsed.all("iframe")
    links = [a.get("src") or a.get("href") for _, a in parsed.tags if "src" in a or "href" in a]
    assert all(link.startswith(("#", "data:")) for link in links)
    assert all(url.startswith("data:") for url in re.findall(r'url\("?([^")]+)', text))
    assert "http" not in text.replace("http-equiv", "").replace("http://www.w3.org", "")


def test_what_users_wrote_stays_text(page):
    _, text, parsed = page
    assert "<script" not in text
    assert EVIL in parsed.text  # the file's name, and in English the segment's


def test_pictures_have_words_for_those_who_cannot_see(page):
    language, _, parsed = page
    assert [i["alt"] for i in parsed.all("img")] == [
        {"zh": '占比 "图"', "en": 'Shares "drawn"'}[language]
    ]
    assert all(int(i["width"]) > 100 and int(i["height"]) > 100 for i in parsed.all("img"))


def test_synthetic_is_said_in_a_banner(tmp_path):
    assert "Synthetic data: the customers" in written(tmp_path)
    assert "Synthetic data" not in written(tmp_path, run={**RUN, "synthetic": False})


def test_missing_sections_are_left_out(tmp_path):
    text = written(tmp_path, tables={}, run={}, figures=None)
    assert [a["id"] for a in Page(text).all("section")] == ["run", "limits"]
    only = written(tmp_path, tables={"sizes": TABLES["sizes"]}, run={}, figures=None)
    assert [a["id"] for a in Page(only).all("section")] == ["summary", "run", "limits"]
    assert "young_adult" in only  # without names the id is shown


def test_every_table_can_stand_alone(tmp_path):
    for name in ("profile", "cards", "rules", "warnings", "groups", "comparison"):
        text = written(tmp_path, tables={name: TABLES[name]}, run={}, figures=None)
        assert len(Page(text).all("section")) == 3, name


def test_evidence_and_decision_are_shown(tmp_path):
    tables = {
        "stability": pd.DataFrame(
            {"k": [3], "ari_median": [0.91], "ari_q05": [0.8], "ari_q95": [0.95],
             "reading": ["stable"]}
        ),
        "decision": pd.DataFrame(
            {"bank_kind": ["branch"], "segment_id": ["elderly"], "attractiveness": [0.7],
             "attractiveness_low": [0.6], "attractiveness_high": [0.8], "target": [True],
             "recommended": [True]}
        ),
    }  # fmt: skip
    parsed = Page(written(tmp_path, tables=tables, language="zh"))
    assert "0.91 [0.80, 0.95]" in parsed.text and "稳定" in parsed.text
    assert "0.70 [0.60, 0.80]" in parsed.text and "✓" in parsed.text


def test_chinese_evidence_has_no_english_verdicts(tmp_path):
    cases = itertools.product((0.9, 0.8, 0.7, 0.1), (True, False), (True, False))
    reading = [_reading(*case) for case in cases]
    k = np.arange(2, 18)
    scores = pd.DataFrame({"k": k, "silhouette": 0.1, "gap": 1.0, "gap_se": 0.1})
    stable = pd.DataFrame({"k": k, "ari_used": 0.9, "reading": reading})
    X = np.repeat([[0.0], [1.0], [8.0], [9.0]], 10, axis=0)
    slsw = pd.DataFrame({"segment_id": np.repeat([0, 1], 5), "slsw": np.tile([0.9, 0.5], 5)})
    tables = {
        "scores": scores,
        "stability": stable,
        "k_reading": read_k(scores, stability=stable),
        "segment_stability": stability_summary(X, centres=[[0.5], [8.5]], slsw=slsw),
    }
    left_out = {"a": "no table holdings", "b": "no risk_class in customers", "c": "constant"}
    run = {"parameters": {"n_clusters": 4}, "features": {"left_out": left_out}}
    text = Page(written(tmp_path, tables=tables, run=run, figures=None, language="zh")).text
    assert "搜索充分后不稳定；需要更多起点" in text and "customers 表缺 risk_class" in text
    evidence = text[text.rindex("客群是否可靠") : text.rindex("运行记录")]  # not the menu's words
    words = re.findall("[A-Za-z]{2,}", evidence)
    allowed = {"CH", "DB", "Gap", "Jaccard"}
    assert set(words) <= allowed, set(words) - allowed


def test_names_with_line_breaks_and_html(tmp_path):
    labels = pd.Series(["two\nlines", "<b>bold</b>"] * 20)
    features = pd.DataFrame({"<i>x</i>": np.arange(40.0) + 50 * (labels == "two\nlines")})
    profile = profile_table(features, labels, n_boot=0)
    tables = {"sizes": size_table(labels), "profile": profile, "markers": marker_table(profile)}
    text = written(tmp_path, tables=tables, figures=None)
    assert "<b>bold" not in text and "<i>x" not in text
    assert "two lines" in Page(text).text


def test_big_report_is_small_enough(tmp_path):
    """Eight segments by forty variables with ten pictures, below 5 MB."""
    tables = bank([*catalogue.segments()["segment_id"]], 40)
    figure = Figure((9, 7))  # noise does not compress: a hard case
    figure.subplots().imshow(np.random.default_rng(0).random((200, 200)))
    pictures = {f"p{i}": picture(image=figure) for i in range(10)}
    text = written(tmp_path, tables=tables, figures=pictures)
    assert len(text.encode()) < 5e6
    assert text.count("<table") >= 3


def test_many_segments_are_split_over_tables(tmp_path):
    ids = [f"s{i:02d}" for i in range(12)]
    labels = pd.Series(np.repeat(ids, 10))
    profile = profile_table(pd.DataFrame({"x": np.arange(120.0)}), labels, n_boot=0)
    text = written(tmp_path, tables={"profile": profile}, figures=None)
    assert len(re.findall('id="t-profile-\\d+"', text)) == 2


def test_colour_follows_the_effect(tmp_path):
    labels = pd.Series(["a", "b"] * 50)
    x = pd.Series(np.tile([0.0, 1.0], 50)) * 9 + np.arange(100) / 50
    table = profile_table(x.to_frame("x"), labels, n_boot=0)
    text = written(tmp_path, tables={"profile": table}, figures=None)
    cells = re.findall(r'<td style="background:(#\w+)"', text)
    assert cells == ["#629ecd", "#e28a62"]  # far below, far above


def test_a_failed_report_leaves_the_old_one(tmp_path):
    old = written(tmp_path)
    broken = {**TABLES, "sizes": TABLES["sizes"].drop(columns="share")}
    with pytest.raises((KeyError, AttributeError)):
        written(tmp_path, tables=broken)
    assert (tmp_path / "report.html").read_text(encoding="utf-8") == old
    assert [p.name for p in tmp_path.iterdir()] == ["report.html"]


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"language": "fr"}, ValueError, "language is 'fr'; give 'zh' or 'en'"),
        ({"tables": {"size": None}}, ValueError, r"unknown tables \['size'\]; the report takes"),
        ({"figures": {"a": b"x"}}, TypeError, "must be a Picture, found bytes"),
        ({"figures": {"a": picture(image=b"GIF89a")}}, ValueError, "is not a PNG"),
    ],
)
def test_wrong_arguments_are_named(tmp_path, changes, error, message):
    with pytest.raises(error, match=message):
        written(tmp_path, **changes)
    assert not list(tmp_path.iterdir())


def test_wrong_pictures_and_folders_are_named(tmp_path):
    with pytest.raises(ValueError, match="alt text in both languages"):
        picture(alt_zh=" ")
    with pytest.raises(ValueError, match="section is 'end'"):
        picture(section="end")
    with pytest.raises(FileNotFoundError, match="create the folder first"):
        written(tmp_path / "nowhere")


# The summary ------------------------------------------------------------------------------------

SIZES = pd.DataFrame(
    {"segment_id": ["elderly", "cluster_1"], "customers": [60, 40], "share": [0.6, 0.4]}
)
STABLE = pd.DataFrame(
    {
        "segment_id": ["elderly", "cluster_1"],
        "reading": ["natural", "constructed"],
        "action": ["keep", "merge"],
        "neighbour": ["cluster_1", "elderly"],
    }
)
CALLED = pd.DataFrame(
    {
        "segment_id": ["elderly", "cluster_1"],
        "name_zh": ["老年客群", "柜台多·存款多"],
        "name_en": ["Elderly", "many counter visits"],
    }
)
NOTED = notes_table([Note("rows_skipped", "略过 3 行", "3 rows skipped", 3)])
DECIDED = pd.DataFrame(
    {
        "bank_kind": ["internet_bank"] * 2,
        "segment_id": ["cluster_1", "elderly"],
        "rank": [1, 0],
        "attractiveness": [0.756, 0.3],
        "attractiveness_low": [0.7, 0.25],
        "attractiveness_high": [0.8, 0.35],
        "knocked_out_by": ["", "online_reach"],
        "target": [True, False],
        "recommended": [False, False],
        "advice_zh": ["不宜推荐：应与相邻客群合并", ""],
        "advice_en": ["not to be recommended: to be merged with another", ""],
    }
)
CRITERIA = pd.DataFrame(
    {"criterion_id": ["online_reach"], "name_zh": ["线上可触达"], "name_en": ["Reachable online"]}
)
KNOWN = {"sizes": SIZES, "segments": CALLED, "segment_stability": STABLE}


def test_the_summary_says_what_was_found_how_sure_and_what_next():
    run = {"names": [{"segment_id": "cluster_1", "by": "marks", "mark": "unnamed"}]}
    tables = {**KNOWN, "warnings": NOTED, "decision": DECIDED}
    summary = summarise(tables, run, language="en")
    lines = dict(summary.lines)
    assert lines["Found"].startswith("100 customers in 2 segments. The largest is Elderly (60.0%)")
    assert "1 has a clear gap" in lines["How sure"] and "1 is an arbitrary cut" in lines["How sure"]
    assert lines["Names"].startswith("Working names: many counter visits")
    assert "not to be recommended: many counter visits" in lines["Next"]
    assert "Internet bank:" not in lines["Next"]  # nothing is recommended
    assert lines["Warnings"] == "One, below." and summary.warnings == ("3 rows skipped",)
    assert summary.segments["advice"].tolist() == ["keep", "merge with Elderly"]
    zh = summarise(tables, run, language="zh")
    assert zh.segments["firm"].tolist() == ["界线清楚", "任意的划分"]
    assert len(zh.lines) == len(summary.lines) == 5


def test_nothing_found_is_said_only_where_everything_was_looked_at():
    good = STABLE.assign(action="keep")
    none = NOTED.head(0)
    cases = [
        ({**KNOWN, "segment_stability": good, "warnings": none}, True),
        ({**KNOWN, "warnings": none}, False),  # one is to be merged
        ({"sizes": SIZES, "warnings": NOTED}, False),
        ({"sizes": SIZES}, False),  # not looked at
        ({"sizes": SIZES, "warnings": none}, False),  # stability was not looked at
        ({**KNOWN, "segment_stability": good, "warnings": NOTED.assign(level="note")}, True),
    ]
    for tables, clean in cases:
        summary = summarise(tables, {}, language="en")
        assert summary.clean is clean
        assert ("None of the checks" in dict(summary.lines)["Warnings"]) is clean


def test_marks_and_minimums_stand_beside_the_segment(tmp_path):
    tables = {**KNOWN, "decision": DECIDED, "criteria": CRITERIA}
    for language, mark, minimum in (
        ("en", "not to be recommended: to be merged", "Below the minimum: Reachable online"),
        ("zh", "不宜推荐：应与相邻客群合并", "未达门槛：线上可触达"),
    ):
        text = Page(written(tmp_path, tables=tables, figures=None, language=language)).text
        assert mark in text and minimum in text
        assert "0.76 [0.70, 0.80]" in text and "✓" not in text
        assert "—" in text and " 0 " not in text  # no rank 0


def test_no_raw_ids_are_left_in_the_text(tmp_path):
    known = bank(SEGMENTS, 12)
    tables = {**known, "decision": DECIDED.assign(segment_id=["young_adult", "elderly"]),
              "criteria": CRITERIA}  # fmt: skip
    for language in ("zh", "en"):
        text = Page(written(tmp_path, tables=tables, run={}, figures=None, language=language)).text
        assert re.findall(r"[a-z]+_[a-z_]+", text.replace("kequn_lab", "")) == []


def test_sections_with_nothing_to_say_are_left_out(tmp_path):
    """An own catalogue without groups and decision; a table whose truth nobody knows."""
    groups = pd.DataFrame(
        {"target_group": "no group", "segment_id": ["elderly", "cluster_1"], "customers": [60, 40],
         "share_of_group": np.nan, "role": "in neither"}
    )  # fmt: skip
    text = written(tmp_path, tables={**KNOWN, "groups": groups}, run={}, figures=None)
    assert [a["id"] for a in Page(text).all("section")] == ["summary", "evidence", "run", "limits"]


def test_a_profile_of_many_variables_shows_those_that_differ_most(tmp_path):
    rng = np.random.default_rng(0)
    labels = pd.Series(np.repeat(["a", "b"], 20))
    x = pd.DataFrame(rng.normal(size=(40, 300)), columns=[f"v{i}" for i in range(300)])
    x["v77"] += 9 * (labels == "a")
    table = profile_table(x, labels, n_boot=0)
    text = written(tmp_path, tables={"profile": table}, run={}, figures=None)
    names = re.findall(r'<td class="l">(v\d+)</td>', text)
    assert len(names) == 60 and "v77" in names
    assert "240 more are in profile.csv" in text


def test_rows_set_aside_are_said_where_no_check_found_anything():
    tables = {**KNOWN, "segment_stability": STABLE.assign(action="keep"), "warnings": NOTED.head(0)}
    note = {"warning": "rows_skipped", "level": "note", "text_en": "…", "text_zh": "…"}
    file = {"table": "features", "file": "t.csv", "refused": 1}
    run = {"notes": [note], "inputs": [file, {**file, "table": "events", "refused": 0}]}
    for language, said in (("en", "No warnings, but 1 row was set aside"), ("zh", "有 1 行被剔除")):
        summary = summarise(tables, run, language=language)
        assert said in dict(summary.lines)[{"en": "Warnings", "zh": "警告"}[language]]
        assert not summary.clean
    run["notes"] = [{**note, "level": "warning"}]  # then it is listed
    assert summarise(tables, run, language="en").clean


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"n_clusters": 4}, "k = 4 was given beforehand"),
        ({"n_clusters": 4, "k_assumed": True}, "k = 4 is the default"),
        ({"n_clusters": {"0": 3, "1": 3}, "by": "side", "k_assumed": True}, "--k 0=4,1=4 says"),
    ],
)
def test_the_report_says_whether_k_was_given_or_is_the_default(tmp_path, parameters, said):
    write_report(tmp_path / "r.html", tables=KNOWN, run={"parameters": parameters}, language="en")
    assert said in (tmp_path / "r.html").read_text("utf-8")
