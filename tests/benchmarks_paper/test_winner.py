import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from benchmarks.paper.winner import train_classifier

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def paintings():
    rng = np.random.default_rng(0)
    artists = np.repeat(np.arange(4), 25)
    centres = 3 * rng.normal(size=(4, 5))
    features = centres[artists] + rng.normal(size=(100, 5)) * [1, 1, 1, 1, 50]
    return features.astype(np.float32), [f"artist {code}" for code in artists]


def test_posteriors_are_those_of_multinomial_logistic_regression(paintings):
    features, artists = paintings
    decay = 0.1
    found = train_classifier(features, artists, decay=decay, steps=500)
    scaled = (features - features.mean(axis=0)) / features.std(axis=0)
    # scikit-learn minimises the sum of losses plus the squared weights over 2 C.
    twin = LogisticRegression(C=4 / (decay * 100), tol=1e-8, max_iter=1000).fit(scaled, artists)
    np.testing.assert_allclose(found.posteriors(features), twin.predict_proba(scaled), atol=2e-3)


def test_posteriors_are_shares_in_the_order_of_the_names(paintings):
    features, artists = paintings
    posteriors = train_classifier(features, artists, decay=0.01).posteriors(features)
    np.testing.assert_allclose(posteriors.sum(axis=1), 1, atol=1e-5)
    assert posteriors.min() >= 0
    names = np.array(sorted(set(artists)))
    assert np.mean(names[posteriors.argmax(axis=1)] == np.array(artists)) > 0.9


def test_training_is_repeatable(paintings):
    features, artists = paintings
    one, two = (train_classifier(features, artists, decay=0.1) for _ in range(2))
    np.testing.assert_array_equal(one.weights, two.weights)
