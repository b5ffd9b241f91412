"""Two students to one model: the whitening by hand, the ensemble, and a whole small model."""

import json
import sys

import numpy as np
import polars as pl
import pytest
import torch

from benchmarks import distil, make_lite
from benchmarks.held_out import set_apart
from samehand.atelier import build_atelier
from samehand.catalogue.prepare import prepare
from samehand.errors import OutputError, RecipeError
from samehand.images.decode import decode_file
from samehand.images.views import render_views
from samehand.networks.encoder import Encoder, EncoderConfig
from samehand.verification.verifier import SameHand


def test_half_whitening_makes_half_of_what_differs_within_artists_the_same():
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(40), 5)
    scale = np.array([4.0, 1.0, 0.25])
    rows = rng.normal(size=(40, 3))[labels] + scale * rng.normal(size=(200, 3))
    mean, root = make_lite.half_whitening(rows.astype(np.float32), labels, 1e-9)
    assert mean == pytest.approx(rows.mean(axis=0), abs=1e-5)
    within = np.zeros((3, 3))
    for artist in range(40):
        own = rows[labels == artist]
        within += (own - own.mean(axis=0)).T @ (own - own.mean(axis=0)) / len(rows)
    # Applied twice it whitens in full, which is what half means.
    twice = root @ root
    assert twice @ within @ twice == pytest.approx(np.eye(3), abs=1e-3)
    assert root == pytest.approx(root.T, abs=1e-6)


def test_shrunk_in_full_the_whitening_changes_no_direction():
    rows = np.random.default_rng(1).normal(size=(30, 4)).astype(np.float32)
    root = make_lite.half_whitening(rows, np.repeat(np.arange(10), 3), 1.0)[1]
    assert root == pytest.approx(root[0, 0] * np.eye(4), abs=1e-6)


def test_artists_with_one_work_say_nothing_of_the_covariance():
    rng = np.random.default_rng(2)
    rows = rng.normal(size=(20, 3)).astype(np.float32)
    labels = np.repeat(np.arange(5), 4)
    lone = 100 * rng.normal(size=(7, 3)).astype(np.float32)
    before = make_lite.half_whitening(rows, labels, 0.3)[1]
    after = make_lite.half_whitening(
        np.concatenate([rows, lone]), np.concatenate([labels, np.arange(5, 12)]), 0.3
    )[1]
    assert after == pytest.approx(before, rel=1e-5)


def test_the_softmax_over_artists_has_its_margin_by_hand():
    told = np.array([[1, 0], [0, 1], [0.6, 0.8], [1, 0]], np.float32)
    labels = distil.Labels(["b", "a", "a", "b"], told, 0.5)
    found = np.array([[0.8, 0.6], [0.0, 1.0]], np.float32)
    a = np.array([0.6, 1.8]) / np.linalg.norm([0.6, 1.8])
    expected = 0.0
    for row, own in zip(found, (1, 0), strict=True):
        cosines = np.array([row @ a, row[0]])
        cosines[own] -= 0.1
        expected -= np.log(np.exp(20 * cosines[own]) / np.exp(20 * cosines).sum()) / 2
    loss = labels.loss(torch.from_numpy(found), np.array([0, 2]))
    assert float(loss) == pytest.approx(0.5 * expected, rel=1e-4)


def test_about_half_of_new_artists_are_set_apart_whatever_their_names_spelling():
    names = [f"painter {chr(97 + i % 26)}{chr(97 + i // 26)}" for i in range(400)]
    assert 150 < sum(map(set_apart, names)) < 250
    assert set_apart("Frédéric Bazille") == set_apart("frederic-bazille")
    table = pl.DataFrame(
        {
            "path": [
                "images/1.png",
                *(f"photographs-512/{i}.png" for i in range(390)),
                *(f"natural-224/{i}.png" for i in range(390, 400)),
            ],
            "artist": [names[0], *names],
        }
    )
    found = distil.apart_artists(table)
    assert found == sorted(name for name in names[1:390] if set_apart(name))


def test_the_joined_network_says_the_half_whitened_sum(tmp_path):
    build_atelier(tmp_path, painters=3, works=3, seed=0, layout="folder", size=(64, 64))
    paths = sorted(tmp_path.glob("*/*"))
    labels = np.unique([path.parent.name for path in paths], return_inverse=True)[1]
    torch.manual_seed(0)
    config = EncoderConfig("efficientnet-lite0", pooling="statistics", width=6)
    members = [Encoder(config, pretrained=False).eval() for _ in range(2)]
    ensemble = make_lite.joined(members, paths, labels)
    views = [render_views(decode_file(path).image, ("whole",), 224) for path in paths]
    images = torch.from_numpy(np.concatenate(views))
    with torch.inference_mode():
        total = sum(member(images).numpy() for member in members)
        found = ensemble(images).numpy()
    mean, root = make_lite.half_whitening(total, labels, make_lite.SHRINKAGE)
    expected = (total - mean) @ root
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    assert found == pytest.approx(expected, abs=1e-3)


def test_what_is_no_student_and_a_folder_that_exists_are_refused(tmp_path):
    with pytest.raises(OutputError, match="choose another --out"):
        make_lite.make_lite(tmp_path, [], tmp_path)
    with pytest.raises(RecipeError, match=r"benchmarks\.distil"):
        make_lite.make_lite(tmp_path, [tmp_path], tmp_path / "out")


def student_of(folder, step=4, **others):
    """Write a student of two epochs of two steps."""
    folder.mkdir()
    facts = {
        "name": "lite0", "teacher": "vit@1", "apart": True, "epochs": 2, "pictures": 128,
        "batch": 64, "width": 8, **others,
    }  # fmt: skip
    (folder / "student.json").write_text(json.dumps(facts))
    network = distil.shipped_student(facts["width"], int(facts["name"][-1]))
    torch.save({"mean": network.state_dict(), "step": step}, folder / "student.pt")
    return folder


def test_students_who_are_unfinished_or_learned_otherwise_are_not_joined(tmp_path):
    one = student_of(tmp_path / "one", step=3)
    with pytest.raises(RecipeError, match="stopped at step 3"):
        make_lite.make_lite(tmp_path, [one], tmp_path / "out")
    done = [
        student_of(tmp_path / name, name=f"lite{member}", **others)
        for name, member, others in (
            ("a", 0, {}),
            ("b", 1, {"teacher": "vit@2"}),
            ("c", 1, {"apart": False}),
            ("d", 0, {}),
        )
    ]
    for other, reason in zip(done[1:], ("other teachers", "set apart", "named twice"), strict=True):
        with pytest.raises(RecipeError, match=reason):
            make_lite.make_lite(tmp_path, [done[0], other], tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_student_goes_on_with_more_epochs_and_with_nothing_else(tmp_path):
    facts = {"labels": 0.1, "epochs": 2}
    distil._refuse_another(tmp_path, facts)
    (tmp_path / "student.json").write_text(json.dumps(facts))
    distil._refuse_another(tmp_path, facts | {"epochs": 3})
    with pytest.raises(RecipeError, match="another labels"):
        distil._refuse_another(tmp_path, facts | {"labels": 0.2})


@pytest.mark.slow
def test_two_students_become_a_model_that_compares(tmp_path, monkeypatch):
    build_atelier(tmp_path / "works", painters=24, works=6, seed=0, layout="folder", size=(64, 64))
    catalogue = tmp_path / "catalogue"
    prepare("folder", tmp_path / "works", catalogue, split="artist-disjoint")
    monkeypatch.setattr(distil, "BATCH", 8)
    for member in ("0", "1"):
        command = ["distil", str(catalogue), "--out", str(tmp_path / member), "--member", member]
        options = ["--teacher", "lite", "--epochs", "1", "--labels", "0.1"]
        monkeypatch.setattr(sys, "argv", [*command, *options])
        distil.main()
    out = tmp_path / "model"
    students = [tmp_path / "0", tmp_path / "1"]
    config = make_lite.make_lite(catalogue, students, out)
    runs = (config.training, *config.training["joined_with"])
    assert [run["recipe"]["name"] for run in runs] == ["lite0", "lite1"]
    card = (out / "README.md").read_text()
    assert "learned from `lite@" in card
    assert "beside the artists' names" in card
    model = SameHand(out)
    pictures = sorted((tmp_path / "works").glob("*/*"))[:2]
    served = model.compare(*pictures)
    assert np.isfinite(served.llr)
    facts = json.loads((tmp_path / "0" / "student.json").read_text())
    assert facts["pictures"] == config.training["training_paintings"]
