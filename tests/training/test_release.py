import hashlib
from collections import Counter

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from samehand.catalogue.schema import load_catalogue
from samehand.catalogue.splits import draw_cohort
from samehand.errors import OutputError, RecipeError
from samehand.images.decode import decode_file
from samehand.model.background import read_background
from samehand.model.folder import open_model
from samehand.model.runtime import Embedder
from samehand.scoring.fitting import calibrate
from samehand.training.release import export
from samehand.training.runlog import RunFolder
from samehand.training.train import train


def table_of(sizes, seed=0):
    rows = [
        {"painting_id": f"{artist}{n}", "artist": f"artist {artist}", "split": split}
        for artist, (size, split) in enumerate(sizes)
        for n in range(size)
    ]
    order = np.random.default_rng(seed).permutation(len(rows))
    return pl.DataFrame([rows[i] for i in order])


oeuvres = st.lists(
    st.tuples(st.integers(1, 8), st.sampled_from(["train", "train", "validation", "test"])),
    min_size=1,
    max_size=10,
)


@settings(max_examples=60)
@given(oeuvres, st.integers(1, 50), st.integers(0, 2**32))
def test_a_cohort_takes_training_artists_in_turn(sizes, size, seed):
    table = table_of(sizes)
    have = Counter(table.filter(pl.col("split") == "train")["artist"].to_list())
    cohort = draw_cohort(table, size, seed)
    assert set(cohort["split"]) <= {"train"}
    assert len(cohort) == cohort["painting_id"].n_unique() == min(size, have.total())
    counts = Counter(cohort["artist"].to_list())
    # Nobody has two more than anybody who still has a painting to give.
    most = max(counts.values(), default=0)
    assert all(counts[artist] >= most - 1 for artist, left in have.items() if counts[artist] < left)
    # The order of rows says nothing, the seed everything.
    assert cohort["painting_id"].to_list() == (
        draw_cohort(table_of(sizes, seed=1), size, seed)["painting_id"].to_list()
    )


def test_seeds_draw_other_cohorts():
    table = table_of([(8, "train")] * 6)
    drawn = {tuple(draw_cohort(table, 12, seed)["painting_id"]) for seed in range(5)}
    assert len(drawn) == 5


@pytest.fixture(scope="module")
def run(catalogue, make_recipe, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "run"
    train(make_recipe(stages=[{"epochs": 1, "size": 32}]), catalogue, folder)
    return folder


@pytest.fixture(scope="module")
def model(run, catalogue, tmp_path_factory):
    folder = tmp_path_factory.mktemp("models") / "deep" / "model"
    return export([run], catalogue, folder), folder


def ids_hash(paintings):
    return hashlib.sha256("\n".join(sorted(paintings)).encode()).hexdigest()


def test_an_exported_model_answers(model, catalogue):
    config, folder = model
    opened = open_model(folder)
    assert opened.config == config
    assert {path.name for path in folder.iterdir()} == {
        *("encoder.onnx", "cohort.safetensors", "config.json", "README.md"),
        "evidence.safetensors",
    }
    background = read_background(opened)
    assert background.regions.shape[1] == opened.comparator.cohort.shape[1]
    assert background.genuine.sum() == config.calibration.genuine_pairs
    assert background.impostor.sum() == config.calibration.impostor_pairs
    assert opened.comparator.cohort.shape == (12, 16)
    assert config.training["best"]["epoch"] == 1
    # What is beside the folder was swept up.
    assert [path.name for path in folder.parent.iterdir()] == ["model"]


def test_test_artists_are_neither_in_the_cohort_nor_in_the_calibration(model, catalogue, run):
    config, folder = model
    table = load_catalogue(catalogue)
    by_split = {
        split: table.filter(pl.col("split") == split)["painting_id"].to_list()
        for split in ("train", "validation", "test")
    }
    assert not set(by_split["test"]) & {*by_split["train"], *by_split["validation"]}
    members = draw_cohort(table, 12, RunFolder(run).config()["recipe"]["seed"])["painting_id"]
    assert set(members) <= set(by_split["train"])
    assert config.training["cohort_sha256"] == ids_hash(members)
    assert config.training["calibration_sha256"] == ids_hash(by_split["validation"])
    # By content as well: the stored cohort is the embeddings of these paintings.
    opened = open_model(folder)
    expected = embed(opened, catalogue, members)
    for row in opened.comparator.cohort:
        assert (expected @ row).max() == pytest.approx(1, abs=1e-3)
    genuine = sum(n * (n - 1) // 2 for n in (5, 4, 4, 1))
    assert config.calibration.genuine_pairs == genuine
    assert config.calibration.impostor_pairs == 14 * 13 // 2 - genuine
    assert config.calibration.artists == 4


def embed(opened, catalogue, paintings):
    from samehand.images.decode import decode_file

    embedder = Embedder(opened.embedder)
    files = [catalogue / "images" / f"{painting}.png" for painting in paintings]
    return embedder.embed(np.stack([embedder.render(decode_file(file).image) for file in files]))


def contents(folder):
    return {p.relative_to(folder): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.mark.slow
def test_a_model_folder_is_replaced_and_a_foreign_one_left_alone(model, run, catalogue, tmp_path):
    _, folder = model
    (folder / "leftover.txt").write_text("of an older model")
    before = contents(run)
    foreign = tmp_path / "holiday"
    foreign.mkdir()
    (foreign / "config.json").write_text("{}")
    (foreign / "photo.jpg").write_bytes(b"precious")
    single = tmp_path / "file"
    single.write_text("precious")
    for out in (foreign, single, run, catalogue):
        kept = contents(out) if out.is_dir() else out.read_bytes()
        with pytest.raises(OutputError, match=rf"^{out} exists and is not a model folder"):
            export([run], catalogue, out)
        assert (contents(out) if out.is_dir() else out.read_bytes()) == kept
    assert contents(run) == before
    assert {path.name for path in tmp_path.iterdir()} == {"holiday", "file"}
    export([run], catalogue, folder)
    assert not (folder / "leftover.txt").exists()
    open_model(folder)


@pytest.fixture(scope="module")
def joined(catalogue, make_recipe, resnet, tmp_path_factory):
    """Two runs of other seeds as one model, with artists for a cohort."""
    folder = tmp_path_factory.mktemp("joined")
    for seed in (0, 1):
        recipe = make_recipe(
            seed=seed,
            stages=[{"epochs": 1, "size": 64}],
            model={"backbone": resnet, "pooling": "statistics", "width": 16},
            discriminant={"start": 1000.0, "finish": 1000.0},
            serve={"size": 64, "cohort": 12, "cohort_of": "artists", "neighbours": 2},
        )
        train(recipe, catalogue, folder / f"run{seed}")
    runs = [folder / "run0", folder / "run1"]
    return export(runs, catalogue, folder / "model", name="two eyes"), folder


@pytest.mark.slow
def test_two_runs_become_one_model(joined):
    config, folder = joined
    opened = open_model(folder / "model")
    assert opened.config == config
    assert config.name == "two eyes"
    assert opened.identity.startswith("two eyes@")
    assert config.training["recipe"]["seed"] == 0
    assert [facts["recipe"]["seed"] for facts in config.training["joined_with"]] == [1]
    assert Embedder(opened.embedder).width == 16


def test_a_cohort_of_artists_is_their_mean_embeddings(joined, catalogue):
    config, folder = joined
    opened = open_model(folder / "model")
    members = draw_cohort(load_catalogue(catalogue), 12, 0)
    embeddings = embed(opened, catalogue, members["painting_id"])
    assert opened.comparator.cohort.shape == (5, 16)
    for row, artist in zip(
        opened.comparator.cohort, ("ada", "bea", "cid", "dov", "eli"), strict=True
    ):
        mean = embeddings[(members["artist"] == artist).to_numpy()].mean(0)
        assert row @ mean / np.linalg.norm(mean) == pytest.approx(1, abs=1e-3)


def test_the_fast_setting_is_calibrated_for_single_views(joined, catalogue):
    config, folder = joined
    fast = open_model(folder / "model", fast=True)
    assert fast.identity == open_model(folder / "model").identity + "-fast"
    assert fast.embedder.views == fast.config.views == ("whole",)
    assert fast.config.attribution is None
    table = load_catalogue(catalogue)
    held_out = table.filter(pl.col("split") == "validation")
    enrolled = fast.comparator.enrol(embed(fast, catalogue, held_out["painting_id"]))
    again = calibrate(fast.comparator, enrolled, held_out["artist"].to_list())
    assert fast.config.calibration.points == again.points
    assert config.fast != config.calibration


def test_pairs_of_one_style_are_calibrated_apart(joined, catalogue):
    config, folder = joined
    opened = open_model(folder / "model")
    held_out = load_catalogue(catalogue).filter(pl.col("split") == "validation")
    enrolled = opened.comparator.enrol(embed(opened, catalogue, held_out["painting_id"]))
    artists, styles = held_out["artist"].to_list(), held_out["style"].to_list()
    again = calibrate(opened.comparator, enrolled, artists, styles)
    assert config.one_style.points == again.points
    assert config.one_style.genuine_pairs < config.calibration.genuine_pairs
    assert (
        "Against another artist of the same style" in (folder / "model" / "README.md").read_text()
    )


def test_a_painting_is_strange_where_few_of_the_calibration_paintings_are_stranger(
    joined, catalogue
):
    config, folder = joined
    embedder = Embedder(open_model(folder / "model", fast=True).embedder)
    held_out = load_catalogue(catalogue).filter(pl.col("split") == "validation")
    images = [decode_file(catalogue / path).image for path in held_out["path"]]
    found = embedder.encode(np.stack([embedder.render(image) for image in images])).novelty
    assert config.novelty_limit == pytest.approx(np.quantile(found, 0.98), rel=1e-4)


def test_a_run_without_discriminants_is_not_joined(run, joined, catalogue, tmp_path):
    with pytest.raises(RecipeError, match=r"cannot be joined .* no \[discriminant\]"):
        export([joined[1] / "run0", run], catalogue, tmp_path / "model")
    assert not (tmp_path / "model").exists()


def test_another_catalogue_is_refused(run, make_catalogue, tmp_path):
    other = make_catalogue(tmp_path / "other", {"train": {"ada": 3}, "validation": {"fay": 2}})
    with pytest.raises(RecipeError, match=rf"another catalogue than {other}"):
        export([run], other, tmp_path / "model")
    assert not (tmp_path / "model").exists()


def test_an_unfinished_run_or_no_run_is_refused(run, model, catalogue, tmp_path):
    unfinished = tmp_path / "unfinished"
    RunFolder(unfinished).start(RunFolder(run).config())
    with pytest.raises(RecipeError, match=r"best\.safetensors"):
        export([unfinished], catalogue, tmp_path / "model")
    for folder in (tmp_path / "nowhere", model[1]):
        with pytest.raises(RecipeError, match=rf"^{folder} is not a run folder"):
            export([folder], catalogue, tmp_path / "model")
    assert not (tmp_path / "model").exists()
