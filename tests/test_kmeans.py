"""The search finds the best known solutions, and says how many starts did."""


from sklearn.utils.estimator_checks import parametrize_with_checks

from kequn_lab.kmeans import KMeansSearch

KNOWN_FAILURES: dict[str, str] = {}


@parametrize_with_checks(
    [KMeansSearch(n_clusters=3, n_starts=4, n_swaps=4, random_state=0)],
    expected_failed_checks=lambda estimator: KNOWN_FAILURES,
)
def test_scikit_learn_conventions(estimator, check):
    check(estimator)
