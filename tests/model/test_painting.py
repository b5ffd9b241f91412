"""A painting is opened once and encoded once, whatever is asked of it."""

import io
import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from samehand import Gallery, SameHand, Unreadable
from samehand.errors import ImageError
from samehand.images import decode as decoding
from samehand.model.runtime import Embedder


@pytest.fixture
def counted(monkeypatch):
    """Count files that are decoded and paintings that are encoded, by calling the real thing."""
    counts = {"decoded": [], "encoded": 0}
    decode_bytes, encode = decoding.decode_bytes, Embedder.encode

    def counting_decode(data, name, *rest, **more):
        counts["decoded"].append(name)
        return decode_bytes(data, name, *rest, **more)

    def counting_encode(self, views, **more):
        counts["encoded"] += len(views)
        return encode(self, views, **more)

    monkeypatch.setattr(decoding, "decode_bytes", counting_decode)
    monkeypatch.setattr(Embedder, "encode", counting_encode)
    return counts


def test_compare_with_everything_opens_and_encodes_each_image_once(
    counted, verifier: SameHand, work_of, tmp_path, samehand
):
    for name, artist in (("a", 0), ("b", 1)):
        work_of(artist, 0).save(tmp_path / f"{name}.png")
    (tmp_path / "works").mkdir()
    work_of(2, 0).save(tmp_path / "works" / "c.png")
    with Gallery.create(tmp_path / "shelf", verifier) as gallery:
        gallery.add([tmp_path / "works"], verifier)
    counted["decoded"].clear()
    counted["encoded"] = 0
    said = samehand(
        "compare", tmp_path / "a.png", tmp_path / "b.png", "--model", verifier.folder.path,
        "--picture", tmp_path / "p.png", "--evidence", tmp_path / "e.png",
        "--gallery", tmp_path / "shelf",
    )  # fmt: skip
    assert said.code == 0, said.err
    own = [name for name in counted["decoded"] if "works" not in name]
    assert sorted(own) == [str(tmp_path / "a.png"), str(tmp_path / "b.png")]
    assert counted["encoded"] == 2


def test_every_question_about_one_painting_encodes_it_once(
    counted, verifier: SameHand, work_of, tmp_path
):
    one, two = verifier.open(work_of(0, 0)), verifier.open(work_of(0, 1))
    assert counted["encoded"] == 0
    verifier.compare(one, two)
    verifier.explain(one, two, influence=False)
    verifier.compare(two, one)
    np.testing.assert_array_equal(verifier.embed([one])[0], one.embedding)
    assert counted["encoded"] == 2


def test_one_run_gives_what_separate_passes_give(verifier: SameHand, work_of):
    painting = verifier.open(work_of(3, 0))
    views = verifier.embedder.render(work_of(3, 0))
    alone = verifier.embedder.encode(views[None])
    np.testing.assert_array_equal(painting.embedding, alone.embeddings[0])
    assert painting.novelty == alone.novelty[0]
    np.testing.assert_array_equal(painting.view_embeddings, verifier.embedder.embed_views(views))
    whole = verifier.embedder.encode(views[None, :1], patches=True)
    np.testing.assert_allclose(painting.patches, whole.patches[0], atol=1e-6)
    assert alone.patches is None


def test_another_model_sees_the_same_pixels_anew(verifier: SameHand, counted, tiny_model, work_of):
    painting = verifier.open(work_of(4, 0))
    other = SameHand(threads=1)
    again = other.open(painting)
    assert again is not painting
    assert again.image is painting.image
    assert again.embedding.shape != painting.embedding.shape
    assert verifier.open(painting) is painting
    assert SameHand(tiny_model, threads=1).open(painting) is painting


def test_threads_share_a_painting(counted, verifier: SameHand, work_of):
    painting = verifier.open(work_of(5, 0))
    with ThreadPoolExecutor(8) as pool:
        rows = list(pool.map(lambda _: painting.embedding, range(32)))
    assert counted["encoded"] == 1
    assert all(row is not None and (row == rows[0]).all() for row in rows)


def test_many_are_opened_a_few_ahead_and_a_bad_one_is_an_item(verifier: SameHand, work_of):
    drawn = []

    def sources():
        for work in range(60):
            drawn.append(work)
            yield b"no picture" if work == 3 else work_of(0, work)

    stream = verifier.open_many(sources())
    first = next(stream)
    assert len(drawn) < 15
    np.testing.assert_array_equal(first.embedding, verifier.embed([work_of(0, 0)])[0])
    found = [first, *stream]
    assert [isinstance(one, Unreadable) for one in found] == [n == 3 for n in range(60)]
    assert found[3].error.startswith("image 4 is not an image")


def test_embedding_many_goes_on_after_a_bad_file(verifier: SameHand, work_of, tmp_path):
    work_of(1, 0).save(tmp_path / "good.png")
    paths = [tmp_path / "gone.png", tmp_path / "good.png"]
    gone, good = verifier.embed_many(iter(paths))
    assert gone == Unreadable(str(paths[0]), f"no file at {paths[0]}; check the path")
    assert good[0] == str(paths[1])
    np.testing.assert_array_equal(good[1], verifier.embed([paths[1]])[0])
    with pytest.raises(ImageError, match="no file at"):
        verifier.embed(paths)


def test_one_path_where_several_are_wanted_is_one_image(verifier: SameHand, work_of, tmp_path):
    work_of(1, 0).save(tmp_path / "a.png")
    assert verifier.embed(str(tmp_path / "a.png")).shape == (1, 24)


def test_open_files_and_arrays_are_paintings_too(verifier: SameHand, work_of):
    buffer = io.BytesIO()
    work_of(2, 1).save(buffer, "PNG")
    expected = verifier.embed([buffer.getvalue()])[0]
    for source in (buffer, bytearray(buffer.getvalue()), np.asarray(work_of(2, 1))):
        np.testing.assert_array_equal(verifier.open(source).embedding, expected)


def test_a_model_is_pickled_by_its_folder_and_settings(verifier: SameHand, work_of):
    again = pickle.loads(pickle.dumps(verifier))
    assert again.folder.identity == verifier.folder.identity
    np.testing.assert_array_equal(again.embed([work_of(0, 0)]), verifier.embed([work_of(0, 0)]))
