"""The same picture under two labels, among others that are merely alike."""

from pathlib import Path

import numpy as np

from samehand import Gallery
from samehand.verification.copies import copies_of, duplicates_of, without_copies


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


def at_cosine(row, cosine):
    """A unit row of some cosine to another, (D,)."""
    other = np.roll(row, 1) - (np.roll(row, 1) @ row) * row
    return (cosine * row + (1 - cosine**2) ** 0.5 * other / np.linalg.norm(other)).astype("f4")


def test_a_copy_in_greyscale_is_looked_at_though_its_embedding_is_far(tmp_path, verifier, work_of):
    work_of(0, 0).convert("L").save(tmp_path / "grey copy.png")
    work_of(1, 5).convert("L").save(tmp_path / "grey other.png")
    work_of(0, 0).resize((110, 92)).save(tmp_path / "colour copy.png")
    with Gallery.create(tmp_path / "g", verifier) as gallery:
        gallery.add(sorted(tmp_path.glob("*.png")), verifier)
        works = list(gallery.list())
        probe = verifier.open(work_of(0, 0), "probe")
        names = [Path(one.work.path).name for one in works]
        found = {}
        for cosine in (0.35, 0.21, 0.19):
            rows = np.stack([at_cosine(probe.embedding, cosine)] * len(works))
            found[cosine] = [names[i] for i in copies_of(probe, works, rows, gallery.thumbnails)]
            # Among references two by two, whatever the probe.
            kept, _ = without_copies(works, rows[:1].repeat(3, 0), None, gallery.thumbnails)
            assert len(kept) == 2
    # In colours, nobody has measured a copy that far, and nothing is opened for it.
    assert found == {0.35: ["grey copy.png"], 0.21: ["grey copy.png"], 0.19: []}
