"""Facts behind chapter 01: on what the catalogue rests six sentences.

``python notebooks/evidence/01.py`` writes kequn_lab/workshop/evidence/01_facts.json.
"""

from writing import write_facts

from kequn_lab import catalogue, synth


def main() -> None:
    """Look each sentence up where the catalogue says its basis."""
    groups = catalogue.target_groups().set_index(["group_id", "segment_id"])["basis"]
    signatures = catalogue.signatures().set_index(["segment_id", "feature"])["basis"]
    traits = catalogue.traits()
    rows = synth.parameter_table().query("table == 'profiles' and column == 'state_big'")
    shares = rows.set_index("parameter")
    most = shares.loc[list(catalogue.names().index), "value"].astype(float).idxmax()
    if most != "low_mid_income":
        raise ValueError(f"sentence f: {most} is the largest segment now")
    if "rather_old" not in set(traits["trait_id"]):
        raise ValueError("sentence c: the catalogue has no trait rather_old any more")
    own = traits[~traits["inventory_id"].str.contains("-")]
    write_facts("01", {
        "basis": {
            "a": groups["internet_bank", "young_adult"],
            "b": groups["traditional_bank", "elderly"],
            "c": "stated",  # a trait is what the article states
            "d": signatures["farm_household", "agent_share"],
            "e": groups["traditional_bank", "young_adult"],
            "f": shares.loc[most, "basis"],
        },
        "n_farm": int((own["segment_id"] == "farm_household").sum()),
        "n_signatures": len(signatures),
        "n_article": int((signatures == "article").sum()),
    })  # fmt: skip


if __name__ == "__main__":
    main()
