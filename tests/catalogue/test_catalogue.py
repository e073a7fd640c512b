"""The catalogue says what the article says, marks what it does not, and every id has a home."""

import re
import shutil

import pandas as pd
import pytest

from kequn_lab import catalogue
from kequn_lab._words import CHANNELS
from kequn_lab.compare.separability import ONLINE
from kequn_lab.contract.tables import EVENTS, ContractError
from kequn_lab.features.definitions import FEATURES

IDS = {  # inventory, section 7
    "segments": "micro_enterprise sole_proprietor farm_household young_adult low_mid_income "
    "structured_deposit elderly scitech_corporate",
    "banks": "webank mybank suning yillion xwbank zbank zgcbank aibank ccb",
    "products": "current money_fund tiered_deposit guaranteed_wealth smart_deposit "
    "term_deposit_3y savings_bond large_cd term_deposit_5y bancassurance "
    "structured_deposit_product micro_loan consumer_loan",
    "ladder": "L0 L1 L2 L3 L4",
    "channels": "mobile web counter atm agent third_party",
    "funnel": "acquire activate retain convert",
    "figures": "ccb_visits_2017 ccb_visits_2019 branch_hours_mean branch_hours_ops_head "
    "branch_hours_marketing_head term_deposit_min savings_bond_min large_cd_min",
}
TABLES = sorted(catalogue.contracts())


@pytest.fixture(scope="module")
def article(shared):
    text = shared / "article" / "article.zh.txt"
    if not text.exists():
        pytest.skip("../shared has no article to hold the quotes against")
    return text.read_text(encoding="utf-8")


@pytest.fixture
def own(tmp_path):
    """A copy of the catalogue that a test may break."""
    return shutil.copytree(catalogue.path(), tmp_path / "catalogue")


def edit(folder, name, old, new, *, count=1):
    file = folder / f"{name}.csv"
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new, count), encoding="utf-8")


def cells(table, index, column):
    return catalogue.read(table).set_index(index)[column].to_dict()


# --- what the article says -------------------------------------------------------------------


QUOTED = [n for n in TABLES if "quote_zh" in [c.name for c in catalogue.contracts()[n].columns]]


@pytest.mark.parametrize("name", QUOTED)
def test_every_quote_is_in_the_article(name, article):
    quotes = catalogue.read(name)["quote_zh"].dropna()
    parts = [part for quote in quotes for part in quote.split("…")]
    assert len(parts) >= 3 and all(parts)
    assert [part for part in parts if part not in article] == []


@pytest.mark.parametrize("name", IDS)
def test_ids_are_the_inventory_s(name):
    table = catalogue.read(name)
    if name == "products":
        kit = table["origin"] == "kit"
        assert set(table.loc[kit, "product_id"]) == {"term_deposit_1y", "wealth_product"}
        table = table[~kit]
    ids = table[catalogue.contracts()[name].key[0]].tolist()
    assert sorted(ids) == sorted(IDS[name].split())


def test_segments_have_their_side_number_and_both_names():
    table = catalogue.segments()
    assert table["inventory_id"].tolist() == [f"S{i}" for i in range(1, 9)]
    assert table["segment_id"].tolist() == IDS["segments"].split()
    business = {"micro_enterprise", "sole_proprietor", "scitech_corporate"}
    assert set(table.loc[table["side"] == "business", "segment_id"]) == business
    assert table["name_zh"].str.contains(r"[\u4e00-\u9fff]").all() and table["name_zh"].is_unique
    assert table["name_en"].str.isascii().all() and table["name_en"].is_unique


def test_figures_and_minimums_are_the_article_s():
    assert cells("figures", "figure_id", "value") == {
        "ccb_visits_2017": 636,
        "ccb_visits_2019": 604,
        "branch_hours_mean": 9.9,
        "branch_hours_ops_head": 11.5,
        "branch_hours_marketing_head": 8.33,
        "term_deposit_min": 50,
        "savings_bond_min": 100,
        "large_cd_min": 200_000,
    }
    products = catalogue.products().set_index("product_id")
    stated = products[products["minimum_basis"] == "article"]["minimum_cny"].to_dict()
    assert stated == {
        "term_deposit_1y": 50,
        "term_deposit_3y": 50,
        "term_deposit_5y": 50,
        "savings_bond": 100,
        "large_cd": 200_000,
    }
    structured = products.loc["structured_deposit_product"]
    assert structured["minimum_cny"] == 10_000 and structured["minimum_basis"] == "rule"
    assert "CBIRC" in cells("rules", "rule_id", "source")[structured["minimum_rule"]]
    unknown = products[products["minimum_basis"].isna()]
    assert unknown["minimum_cny"].isna().all() and "money_fund" in unknown.index


def test_minimums_of_products_equal_the_rules_that_they_name():
    products = catalogue.products().dropna(subset="minimum_rule")
    rules = cells("rules", "rule_id", "value")
    assert len(products) == 3
    assert products["minimum_cny"].tolist() == products["minimum_rule"].map(rules).tolist()
    large = products.set_index("product_id").loc["large_cd", "minimum_business_cny"]
    assert large == rules["large_cd_min_institution"]


def test_ladder_holds_the_products_in_the_article_s_order():
    products = catalogue.products()
    rungs = products[products["rung_basis"] == "article"].groupby("rung_id")["product_id"]
    assert rungs.agg(set).to_dict() == {
        "L0": {"money_fund", "tiered_deposit"},
        "L1": {"guaranteed_wealth"},
        "L2": {"smart_deposit"},
        "L3": {"term_deposit_3y", "savings_bond", "large_cd"},
        "L4": {"term_deposit_5y", "bancassurance"},
    }
    placed = products.dropna(subset="rung_id").merge(catalogue.read("ladder"), on="rung_id")
    assert placed["term_months"].between(placed["term_min_months"], placed["term_max_months"]).all()
    assert cells("ladder", "rung_id", "spending_min_months")["L0"] == 3
    assert cells("ladder", "rung_id", "spending_max_months")["L0"] == 6


def test_products_that_ended_name_the_rule_and_what_is_sold_instead():
    products = catalogue.products().set_index("product_id")
    ended = products[products["status_today"] != "current"]
    assert ended["replaced_by"].to_dict() == {
        "tiered_deposit": "current",
        "guaranteed_wealth": "wealth_product",
        "smart_deposit": "term_deposit_1y",
    }
    years = ended["status_rule"].map(cells("rules", "rule_id", "value"))
    assert ("ended " + years.astype(int).astype(str)).equals(ended["status_today"])
    assert (products.loc[ended["replaced_by"], "status_today"] == "current").all()
    assert products.loc[~products.index.isin(ended.index), "status_rule"].isna().all()
    assert (products.loc[ended["replaced_by"], "rung_id"].tolist()) == ended["rung_id"].tolist()


# --- what the article does not say -----------------------------------------------------------


def test_no_size_age_income_or_method_is_attributed_to_the_article():
    said = pd.concat([catalogue.traits(), catalogue.segments(), catalogue.read("bank_focus")])
    words = said["quote_zh"] + " " + said["gloss_en"].fillna("")
    assert not words.str.contains(r"[0-9]").any()
    assert not words.str.contains("k-means|cluster|聚类|岁|元", case=False).any()


@pytest.mark.parametrize("segment", ["sole_proprietor", "farm_household", "scitech_corporate"])
def test_segments_that_are_only_named_have_no_trait_of_their_own(segment):
    traits = catalogue.traits().query("segment_id == @segment and inventory_id != 'S1-S5'")
    assert set(traits["about"]) == {"target"}
    signatures = catalogue.signatures().query("segment_id == @segment")
    assert not (signatures["basis"] == "article").any()


def test_target_groups_show_what_is_a_reading():
    groups = catalogue.target_groups().set_index(["group_id", "segment_id"])
    assert set(groups.loc["internet_bank"].index) == set(IDS["segments"].split()[:5])
    assert set(groups.loc["internet_bank_corporate"].index) == {"scitech_corporate"}
    traditional = groups.loc["traditional_bank"]
    assert set(traditional.index) == {"structured_deposit", "elderly", "young_adult"}
    assert (traditional["basis"] == "reading").all() and traditional["note"].notna().all()
    assert traditional.loc["young_adult", "relation"] == "gap"
    stated = groups.drop(index="traditional_bank")
    assert (stated["basis"] == "stated").all()
    primary = groups[groups["primary"]].reset_index()
    assert sorted(primary["segment_id"]) == sorted(IDS["segments"].split())


def test_banks_stated_focus_is_the_article_s_and_no_more():
    focus = catalogue.read("bank_focus")
    stated = focus[focus["basis"] == "stated"].groupby("bank_id")["segment_id"].agg(set).to_dict()
    assert stated == {
        "suning": set(IDS["segments"].split()[:5]),
        **{bank: {"micro_enterprise"} for bank in ("webank", "mybank", "yillion", "xwbank")},
        **{bank: {"scitech_corporate"} for bank in ("zbank", "zgcbank")},
    }
    assert set(focus["bank_id"]) == set(IDS["banks"].split())


def test_kit_rows_carry_no_quote_of_the_article():
    for name in ("products", "channels"):
        kit = catalogue.read(name).query("origin == 'kit'")
        assert len(kit) and kit["quote_zh"].isna().all()
    assumed = catalogue.signatures().query("basis != 'article'")
    assert assumed["quote_zh"].isna().all()


# --- signatures ------------------------------------------------------------------------------


def test_signatures_speak_of_features_of_the_model():
    from kequn_lab.features.definitions import FEATURES

    signatures = catalogue.signatures()
    assert set(signatures["feature"]) <= {f.name for f in FEATURES}
    assert signatures.groupby("segment_id").size().between(5, 9).all()
    assert signatures["segment_id"].nunique() == 8


def test_no_size_in_a_signature_is_the_article_s():
    signatures = catalogue.signatures()
    assert set(signatures["size_basis"]) == {"assumption"}
    claimed = signatures[signatures["basis"] == "article"]
    assert claimed["reference"].str.fullmatch(r"S\d|S1-S5").all()
    numbers = signatures.merge(catalogue.segments()[["segment_id", "inventory_id"]])
    own = numbers[numbers["basis"] == "article"]
    assert ((own["reference"] == own["inventory_id"]) | (own["reference"] == "S1-S5")).all()
    jointly = own.loc[own["reference"] == "S1-S5", "inventory_id"]
    assert set(jointly) <= {"S1", "S2", "S3", "S4", "S5"}
    calibrated = signatures[signatures["basis"] == "calibrated"]
    assert calibrated["reference"].str.contains(r"20\d\d\)").all()


def test_a_cluster_that_stands_where_a_signature_says_gets_that_name():
    from kequn_lab.segments.naming import name_clusters

    table = catalogue.signatures()
    where = table.set_index(["segment_id", "feature"])["level_sd"].unstack(fill_value=0.0)  # noqa: PD010
    named = name_clusters(where.reset_index(drop=True), table)
    assert named["segment_id"].tolist() == where.index.tolist()
    assert (named["margin"] > 0.25).all()


# --- the loader ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", TABLES)
def test_files_are_plain_and_as_the_dictionary_says(name):
    raw = (catalogue.path() / f"{name}.csv").read_bytes()
    assert not raw.startswith(b"\xef\xbb\xbf") and b"\r" not in raw and raw.endswith(b"\n")
    contract = catalogue.contracts()[name]
    table = catalogue.read(name)
    assert table.columns.tolist() == [c.name for c in contract.columns]
    assert all(c.meaning for c in contract.columns)
    for key in contract.key:
        ids = table[key]
        assert ids.map(lambda i: bool(re.fullmatch(r"[a-zA-Z][a-z0-9_]*", i))).all()


def test_every_table_has_a_file_and_those_of_a_run_a_function():
    assert {f"{name}.csv" for name in TABLES} <= {f.name for f in catalogue.path().glob("*.csv")}
    for name in set(TABLES) & set(catalogue.__all__):
        pd.testing.assert_frame_equal(getattr(catalogue, name)(), catalogue.read(name))


@pytest.mark.parametrize("name", TABLES)
def test_returned_frames_are_independent(name):
    first = catalogue.read(name)
    first.iloc[:, 0] = "spoilt"
    first["more"] = 1
    again = catalogue.read(name)
    assert "more" not in again and not (again.iloc[:, 0] == "spoilt").any()


@pytest.mark.parametrize(
    ("name", "old", "new", "expected"),
    [
        ("segments", "S2,business", "S2,buisness", "line 3, column 'side': not one of"),
        ("segments", "\nelderly,", "\nyoung_adult,", "column 'segment_id': not unique"),
        ("traits", "\nelderly,", "\nelder,", "column 'segment_id': no such segment_id in segments"),
        ("products", ",L4,", ",L9,", "column 'rung_id': no such rung_id in ladder; found L9"),
        ("products", ",wealth_product,", ",wealth,", "'replaced_by': no such product_id"),
        ("products", "current,活期存款", "current,", "line 2, column 'name_zh': missing value"),
        ("products", "current,活期存款", "current", "line 2: 25 fields where"),
        ("figures", "636", "six hundred", "line 2, column 'value': not a finite number"),
        ("signatures", ",2.0,true", ",20,true", "line 2, column 'level_sd': must be <= 3"),
        ("signatures", "小微企业", "", "line 2, column 'quote_zh': missing, in a row that is"),
        ("funnel", "stage_order", "order", "column 'stage_order': missing column"),
        ("bank_channels", "ccb,atm", "ccb,fax", "no such channel_id in channels; found fax"),
    ],
)
def test_a_broken_cell_is_named(own, name, old, new, expected):
    catalogue.read(name, folder=own)
    edit(own, name, old, new)
    with pytest.raises(ContractError, match=re.escape(expected)) as error:
        catalogue.read(name, folder=own)
    assert f"{name}.csv" in str(error.value)


def test_an_edited_copy_is_read_again_and_in_any_encoding(own):
    names = catalogue.read("segments", folder=own).set_index("segment_id")["name_zh"]
    assert names["elderly"] == "老年客群"
    text = (own / "segments.csv").read_text(encoding="utf-8").replace("老年客群", "银发客群")
    (own / "segments.csv").write_bytes(text.encode("gb18030"))
    names = catalogue.read("segments", folder=own).set_index("segment_id")["name_zh"]
    assert names["elderly"] == "银发客群"
    assert catalogue.names()["elderly"] == "老年客群"


def test_missing_tables_and_folders_are_named(own, monkeypatch, tmp_path):
    with pytest.raises(KeyError, match="no table 'customers' in the catalogue; there are segments"):
        catalogue.read("customers")
    (own / "ladder.csv").unlink()
    with pytest.raises(FileNotFoundError, match=r"ladder\.csv"):
        catalogue.read("products", folder=own)
    monkeypatch.setattr(catalogue, "files", lambda package: tmp_path / "site" / package)
    with pytest.raises(FileNotFoundError, match=r"looked in .*_catalogue and .*data.catalogue"):
        catalogue.path()


@pytest.fixture
def smallest(tmp_path):
    """A catalogue of two files with three columns each."""
    (tmp_path / "segments.csv").write_text("id,zh,en\nvip,贵宾,VIPs\nmass,大众,Mass\n", "gb18030")
    (tmp_path / "signatures.csv").write_text(
        "segment,feature,level\nvip,points,1\nvip,visits,1\nvip,spend,1\nmass,points,-1\n"
    )
    return tmp_path


def test_the_smallest_catalogue_is_two_files_of_three_columns(smallest):
    book = catalogue.book(folder=smallest)
    assert book["segments"]["name_zh"].tolist() == ["贵宾", "大众"]
    signatures = book["signatures"]
    assert signatures["level_sd"].tolist() == [1, 1, 1, -1]
    assert set(signatures["basis"]) == {"assumption"} and not signatures["essential"].any()
    assert signatures["quote_zh"].isna().all()
    for name in ("traits", "target_groups", "criteria", "weights"):
        assert len(book[name]) == 0 and list(book[name]) == list(catalogue.read(name))
    assert len(book["feature_words"]) > 40
    (smallest / "target_groups.csv").write_text(
        "group_id,group_zh,group_en,segment_id\nfirst,甲,A,vip\nsecond,乙,B,mass\n"
    )
    groups = catalogue.read("target_groups", folder=smallest)
    assert groups["primary"].tolist() == [True, True]


def test_a_catalogue_that_would_not_be_read_is_refused(smallest):
    (smallest / "criterias.csv").write_text("criterion_id\n")
    with pytest.raises(ValueError, match=r"criterias\.csv is no table .* mean criteria\.csv"):
        catalogue.book(folder=smallest)
    (smallest / "criterias.csv").unlink()
    (smallest / "signatures.csv").unlink()
    with pytest.raises(FileNotFoundError, match=r"no signatures\.csv; a catalogue needs .*has seg"):
        catalogue.book(folder=smallest)


def test_a_wheel_finds_its_own_copy_first(monkeypatch, tmp_path):
    inside = tmp_path / "kequn_lab" / "_catalogue"
    shutil.copytree(catalogue.path(), tmp_path / "data" / "catalogue")
    monkeypatch.setattr(catalogue, "files", lambda package: tmp_path / package)
    assert catalogue.path() == tmp_path / "data" / "catalogue"
    inside.mkdir(parents=True)
    assert catalogue.path() == inside


def test_names_and_quotes():
    assert catalogue.names(language="en")["young_adult"] == "Young adults"
    assert catalogue.names("banks").loc["webank"] == "微众银行"
    with pytest.raises(ValueError, match="'fr'; give 'zh' or 'en'"):
        catalogue.names(language="fr")
    assert catalogue.quote("relies_on_counter") == "多依赖柜台人工服务"
    assert catalogue.quote("acquire") == "拉新"
    with pytest.raises(KeyError, match="near: elderly"):
        catalogue.quote("elderlies")
    with pytest.raises(KeyError, match="the kit's own"):
        catalogue.quote("wealth_product")


def test_an_id_means_one_thing():
    keyed = [n for n in TABLES if len(catalogue.contracts()[n].key) == 1 and n != "rules"]
    ids = [i for n in keyed for i in catalogue.read(n).iloc[:, 0]]
    ids += catalogue.traits()["trait_id"].unique().tolist()
    assert len(ids) == len(set(ids))


def test_a_channel_is_known_to_words_contract_features_and_overlap():
    channels = catalogue.read("channels")
    assert set(channels["channel_id"]) == set(CHANNELS) == set(EVENTS["channel"].isin)
    assert {f"{c}_share" for c in CHANNELS} <= {f.name for f in FEATURES}
    online = channels.loc[channels["place"] == "online", "channel_id"]
    assert set(ONLINE) == set(online)
