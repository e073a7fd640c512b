"""Null sets like the model table of a synthetic bank: one fit of the copula, many draws."""

import numpy as np
import timing


def prepare(folder, customers, sets):
    from kequn_lab.features.preprocessing import preprocessor
    from kequn_lab.run.inputs import from_synthetic_bank

    found = from_synthetic_bank(customers, random_state=0)
    scaled = preprocessor(found.features.columns, log_columns=found.log_columns)
    np.save(folder / "x.npy", scaled.fit_transform(found.features).to_numpy(float))


def ours(folder, customers, sets):
    from kequn_lab.validation.null_model import null_sets

    X, rng = np.load(folder / "x.npy"), np.random.RandomState(0)
    with timing.measured():
        draw = null_sets(X, rng)
        for _ in range(sets):
            draw(len(X), rng)


if __name__ == "__main__":
    timing.parts(prepare=prepare, ours=ours)
