"""Whatever is handed to a public function, an answer or one sentence comes of it."""

import inspect
import math
import shutil
from pathlib import Path

import numpy as np
import pytest

from samehand import Gallery, Painting, SameHand, SamehandError

FEW = (None, "x", b"x", 3, math.nan, object(), [None], np.array([0.5, 2]))
MANY = (
    *("", "\0", 0, -1, 2.5, math.inf, 10**400, True, False, 1j),
    *([], [3], {}, {"a": 3}, {3: "a"}, (1, "a"), print),
    *(Path("no/such"), Path(), "a" * 5000, "\ud800", "artist>=x", SameHand),
)
"""None of them is right everywhere, and most are right somewhere."""


@pytest.fixture(scope="module")
def made(verifier, work_of, tmp_path_factory):
    """A folder with a gallery of three works, two of them of one artist, and their paths."""
    folder = tmp_path_factory.mktemp("wrong")
    paths = []
    for number in range(3):
        paths.append(folder / f"{number}.png")
        work_of(number // 2, number, (40, 40)).save(paths[-1])
    rows = "".join(f"{path},artist {number // 2}\n" for number, path in enumerate(paths))
    (folder / "works.csv").write_text("path,artist\n" + rows)
    with Gallery.create(folder / "gallery", verifier) as gallery:
        gallery.add(folder / "works.csv", verifier)
    return folder, paths


def of_model(model, gallery, paths):
    """Each verb with arguments that are right."""
    picture, where = model.open(paths[0]), ()
    asked = {"prior": 0.5, "operating_point": "eer"}
    return [
        (model.open, {"source": paths[0], "name": None}),
        (model.open_many, {"sources": paths[:1]}),
        (model.compare, {"left": picture, "right": picture, **asked}),
        (model.explain, {"left": picture, "right": picture, "influence": False}),
        (model.verify, {"probe": picture, "references": [picture], **asked}),
        (
            model.search,
            {"probe": picture, "gallery": gallery, "top": 3, "where": where, "exact": False},
        ),
        (
            model.identify,
            {"probe": picture, "gallery": gallery, "top": 3, "where": where, "prior": 0.5,
             "threshold": "far10", "any_attribution": False},
        ),
        (
            model.cluster,
            {"gallery": gallery, "where": where, "suspects": 5, "any_attribution": False},
        ),
        (
            model.queue,
            {"gallery": gallery, "top": 3, "where": where, "prior": 0.5, "labelled": False},
        ),
        (model.embed, {"images": [picture]}),
        (model.embed_many, {"sources": [picture]}),
        (Painting.open, {"source": paths[0], "embedder": model.embedder, "name": None}),
        (picture.opened_by, {"embedder": model.embedder}),
        (
            SameHand,
            {"model": model.folder.path, "threads": 1, "fast": False, "device": "cpu"},
        ),
        (
            SameHand.from_pretrained,
            {"repo": "\0", "revision": None, "threads": 1, "fast": False, "device": "cpu"},
        ),
    ]  # fmt: skip


def of_gallery(model, gallery, paths):
    """Each method with arguments that are right."""
    where, names = (), [str(path) for path in paths]
    return [
        (Gallery, {"name": gallery.folder}),
        (Gallery.open, {"name": gallery.folder, "model": model}),
        (Gallery.create, {"name": "fresh", "model": model}),
        (gallery.require, {"model": model}),
        (gallery.list, {"where": where, "limit": 2, "offset": 0}),
        (
            gallery.add,
            {"sources": names[:1], "model": model, "cache": None, "images": None, "columns": None,
             "tell": None, "erase_labels": False},
        ),
        (gallery.remove, {"paths": (), "where": ["artist=nobody"]}),
        (gallery.set_columns, {"values": {"room": "1"}, "where": where}),
        (gallery.merge, {"source": "nowhere"}),
        (gallery.export, {"out": "out.csv", "where": where}),
        (
            gallery.decide,
            {"first": names[0], "second": names[2], "label": "same", "note": "", "by": "",
             "model": None, "files": True},
        ),
        (gallery.undo, {"identity": "zzz", "by": ""}),
        (gallery.decisions, {"history": False}),
        (gallery.info, {"look_for_files": False}),
        (gallery.count, {"where": where}),
        (gallery.count_artists, {"where": where}),
        (gallery.autograph, {"any_attribution": False}),
        (gallery.artists_like, {"name": "artist"}),
        (
            gallery.nearest,
            {"probe": gallery.embeddings()[1][0], "count": 2, "where": where, "exact": False},
        ),
        (gallery.embeddings, {"where": where}),
        (gallery.re_embed, {"model": model, "cache": None, "drop_gone": False}),
        (gallery.rename, {"name": "renamed"}),
    ]  # fmt: skip


def problems(function, right, wrong):
    """What else than an answer or a sentence comes of one wrong value at a time."""
    name = getattr(function, "__qualname__", str(function))
    for parameter in right:
        for value in wrong:
            told = f"{name}({parameter}={value!r:.40})"
            try:
                answer = function(**(right | {parameter: value}))
                if inspect.isgenerator(answer):
                    list(answer)
            except SamehandError as error:
                if not str(error) or "\n" in str(error):
                    yield f"{told}: no sentence: {error!r:.200}"
            except Exception as error:
                yield f"{told}: {error!r:.150}"


@pytest.mark.parametrize("wrong", [FEW, pytest.param(MANY, marks=pytest.mark.slow)])
@pytest.mark.parametrize("methods", [of_model, of_gallery])
def test_nothing_but_an_answer_or_a_sentence(made, verifier, tmp_path, monkeypatch, methods, wrong):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SAMEHAND_HOME", str(tmp_path / "home"))
    shutil.copytree(made[0] / "gallery", tmp_path / "gallery")
    with Gallery(tmp_path / "gallery") as gallery:
        found = [
            told
            for function, right in methods(verifier, gallery, made[1])
            for told in problems(function, right, wrong)
        ]
    assert not found, "\n".join(found)


def test_a_gallery_may_be_named_where_one_is_asked_for(made, verifier):
    folder, paths = made
    with Gallery(folder / "gallery") as gallery:
        found = verifier.search(paths[0], gallery, 2).neighbours
    assert verifier.search(paths[0], folder / "gallery", 2).neighbours == found
    assert verifier.search(paths[0], str(folder / "gallery"), 2).neighbours == found


def test_the_sentence_names_the_argument_and_what_it_may_be(made, verifier):
    one = verifier.open(made[1][0])
    for prior, shown in (("x", "'x'"), (True, "True"), ([1], "something of type list")):
        with pytest.raises(SamehandError, match=f"prior must be a number.* not {shown}"):
            verifier.compare(one, one, prior=prior)
    assert verifier.compare(one, one, prior=np.float32(0.25)).prior == 0.25
    with pytest.raises(SamehandError, match="top must be at least 1, not 0"):
        verifier.search(one, made[0] / "gallery", 0)
