"""Parameters as data: their sources, and edits that are refused with the cell."""

import shutil

import numpy as np
import pandas as pd
import pytest

from kequn_lab import catalogue
from kequn_lab.contract.tables import ContractError
from kequn_lab.synth import make_bank, parameter_table, read_population
from kequn_lab.synth.population import SEGMENTS


@pytest.fixture
def copy(tmp_path):
    """An edited copy: ``copy("presets", "hybrid_share", "easy", "1.2")`` returns the folder."""
    folder = tmp_path / "population"
    shutil.copytree(catalogue.path() / "population", folder)

    def edit(name, row, column, value):
        path = folder / f"{name}.csv"
        lines = path.read_text(encoding="utf-8").splitlines()
        header = lines[0].split(",")
        line = next(i for i, text in enumerate(lines) if text.startswith(f"{row},"))
        cells = lines[line].split(",")
        cells[header.index(column)] = value
        lines[line] = ",".join(cells)
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return folder

    edit.folder = folder
    return edit


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (("presets", "hybrid_share", "easy", "1.2"),
         "line 2, column 'easy': must be between 0 and 1; found 1.2"),
        (("segments", "aum_sd", "elderly", "-1"),
         "column 'elderly': must be between 0 and 10; found -1"),
        (("segments", "aum_median", "elderly", "0"), "column 'elderly': must be above 0"),
        (("segments", "helped", "elderly", "1"), "must be above 0 and below 1; found 1"),
        (("segments", "tier_tier1", "elderly", "0.15"),
         "column 'elderly': the 5 shares of 'tier' must add up to 1; found 1.01"),
        (("segments", "aum_median", "elderly", "NaN"), "column 'elderly': missing value"),
        (("segments", "aum_median", "elderly", ""), "column 'elderly': missing value"),
        (("segments", "helped", "elderly", "0，45"),
         "column 'elderly': written otherwise than the other cells, which have a decimal point; "
         "found 0，45"),
        (("segments", "helped", "elderly", "a lot"), "not a finite number; found a lot"),
        (("profiles", "elderly", "state_big", "0.2"),
         "column 'state_big': the 9 shares of 'weights' must add up to 1; found 1.08"),
        (("hybrids", "scitech_corporate", "share", "0.9"),
         "the 1 shares of 'second of scitech_corporate' must add up to 1; found 0.9"),
        (("hybrids", "scitech_corporate", "second_segment_id", "tycoon"),
         "column 'second_segment_id': unknown segment; found tycoon"),
        (("hybrids", "scitech_corporate", "second_segment_id", "scitech_corporate"),
         "a segment cannot be its own second one; found scitech_corporate"),
        (("hybrids", "scitech_corporate", "segment_id", "elderly"),
         "has no second segment; found scitech_corporate"),
        (("products", "large_cd", "step_cny", "-1"), "must be between 0 and inf; found -1"),
        (("segments", "aum_median", "parameter", "aum_medain"), "'parameter': unknown; did you mean 'aum_median'?; found aum_medain"),  # noqa: E501
    ],
)  # fmt: skip
def test_a_wrong_edit_is_refused_with_its_cell(copy, edit, message):
    folder = copy(*edit)
    with pytest.raises(ContractError) as error:
        make_bank(10, random_state=0, population=folder)
    assert message in str(error.value)
    assert f"{edit[0]}.csv" in str(error.value)
    assert "a decimal mark is a point" in str(error.value)


def test_a_decimal_comma_tears_the_line_and_is_named(copy):
    folder = copy("segments", "helped", "elderly", "0,45")
    with pytest.raises(ValueError, match=r"line 34.*13 fields where the header has 12"):
        read_population(folder)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("elderly", "eldery", "column 'elderly': missing column (did you mean 'eldery'?)"),
        (",gig_worker", ",gig_worker,tycoon", "column 'tycoon': unknown column"),
    ],
)
def test_a_wrong_column_is_named(copy, old, new, message):
    path = copy.folder / "segments.csv"
    lines = path.read_text(encoding="utf-8").splitlines()
    extra = "" if "tycoon" not in new else ",1"
    lines = [lines[0].replace(old, new), *(line + extra for line in lines[1:])]
    path.write_text("\n".join(lines), encoding="utf-8")
    with pytest.raises(ContractError) as error:
        read_population(copy.folder)
    assert message in str(error.value)


def test_a_row_that_is_gone_is_named(copy):
    path = copy.folder / "segments.csv"
    lines = [x for x in path.read_text("utf-8").splitlines() if not x.startswith("aum_sd,")]
    path.write_text("\n".join(lines), encoding="utf-8")
    with pytest.raises(ContractError, match="column 'parameter': missing row; found aum_sd"):
        read_population(copy.folder)


def test_impossible_latents_are_refused(copy):
    with pytest.raises(ValueError, match="no correlation matrix"):
        read_population(copy("loadings", "corr_size", "activity", "0.9"))
    copy("loadings", "corr_size", "activity", "0.35")
    with pytest.raises(ValueError, match="row 'inflow': the latents explain more than all"):
        read_population(copy("loadings", "inflow", "size", "1.3"))


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="is no folder"):
        read_population(tmp_path / "nowhere")


def test_a_right_edit_changes_the_bank_and_is_marked(copy):
    folder = copy("presets", "hybrid_share", "standard", "0")
    bank = make_bank(200, random_state=0, months=1, population=folder)
    assert bank.truth["second_segment_id"].isna().all()
    assert make_bank(200, random_state=0, months=1).truth["second_segment_id"].notna().any()
    table = parameter_table(read_population(folder))
    edited = table[table["basis"] == "edited"]
    assert list(zip(edited["parameter"], edited["column"])) == [("hybrid_share", "standard")]


def test_hybrids_lie_between_their_segments():
    """All weight on pure segments: medians of drawn columns are the parameters."""
    population = read_population()
    bank = make_bank(10_000, random_state=0, months=1, preset="easy", population=population)
    pure = bank.truth[bank.truth["second_segment_id"].isna()]
    assets = bank.holdings[~bank.holdings["product"].isin(["micro_loan", "consumer_loan"])]
    total = assets.groupby("customer_id")["balance_cny"].sum()
    median = total[pure["customer_id"]].groupby(pure["segment_id"].to_numpy()).median()
    wanted = population.segments.loc["aum_median", median.index]
    assert np.allclose(np.log(median / wanted.astype(float)), 0, atol=0.2)


def test_every_number_has_a_source():
    table = parameter_table()
    assert set(table["basis"]) == {"article", "calibrated", "assumption"}
    assert table.loc[table["basis"] != "assumption", "reference"].ne("").all()
    assert len(table) > 1000 and not table.duplicated(["table", "parameter", "column"]).any()


def test_what_is_the_articles_is_in_the_catalogue():
    table = parameter_table()
    articles = set(table.loc[table["basis"] == "article", "reference"])
    known = set(catalogue.segments()["inventory_id"]) | {"S1-S5"}
    known |= set(catalogue.read("figures")["figure_id"]) | set(catalogue.products()["product_id"])
    assert articles <= known | set(catalogue.read("banks")["bank_id"])


def test_what_is_calibrated_names_a_row_of_the_sources(shared):
    rows = pd.read_csv(shared / "design" / "calibration.csv").set_index("quantity")
    table = parameter_table()
    used = set(table.loc[table["basis"] == "calibrated", "reference"])
    assert used <= set(rows.index)
    assert (rows.loc[list(used), "verified"] == "yes").all()


def test_reading_twice_gives_equal_tables_that_are_not_shared():
    one, two = read_population(), read_population()
    one.segments.loc["age_mean", "elderly"] = 20
    assert two.segments.loc["age_mean", "elderly"] == 73
    assert list(two.segments.columns) == list(SEGMENTS)
