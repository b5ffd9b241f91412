"""The same picture under two labels, among others that are merely alike."""

import numpy as np

from samehand.verification.copies import duplicates_of


def test_only_the_same_picture_under_another_label_is_a_twin(tmp_path, verifier, work_of):
    paths = []

    def save(name, image, **options):
        path = tmp_path / name
        image.save(path, **options)
        paths.append(str(path))

    picture = work_of(0, 0)
    save("first.png", picture)
    save("smaller.jpg", picture.resize((90, 75)), quality=70)
    # The same label twice says nothing, and neither does another work by the same hand.
    save("again.png", picture)
    save("other work.png", work_of(0, 1))
    save("stranger.png", work_of(1, 0))
    labels = np.array([0, 1, 0, 1, 2])
    rows = verifier.embed(paths)
    found = duplicates_of(paths, rows, labels)
    assert found == {0: 1, 1: 0, 2: 1} or found == {0: 1, 1: 2, 2: 1}
    (tmp_path / "smaller.jpg").write_bytes(b"lost")
    assert duplicates_of(paths, rows, labels) == {}
    assert duplicates_of(paths[:1], rows[:1], labels[:1]) == {}


def test_embeddings_that_differ_are_not_opened(tmp_path):
    rows = np.eye(3, dtype=np.float32)
    assert duplicates_of([str(tmp_path / "missing")] * 3, rows, np.arange(3)) == {}
