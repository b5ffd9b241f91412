"""Many exact searches in one reading of the embeddings."""

import numpy as np

from samehand.gallery import vectors
from samehand.gallery.vectors import nearest_of_each


def test_one_reading_finds_the_nearest_of_each_probe(monkeypatch):
    monkeypatch.setattr(vectors, "_ROWS_FOR_MANY", 7)
    rows = np.random.default_rng(0).standard_normal((100, 5)).astype(np.float32)
    probes = rows[::9] + np.float32(0.01)
    found = nearest_of_each(rows, probes, 10)
    expected = np.argsort(-(probes @ rows.T), axis=1)[:, :10]
    np.testing.assert_array_equal(np.sort(found, axis=1), np.sort(expected, axis=1))
    # The first block holds fewer rows than are asked for.
    assert found.shape == (len(probes), 10)
