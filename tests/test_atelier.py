import csv
import io
import zipfile
from collections import Counter
from itertools import combinations

import numpy as np
import pytest
from PIL import Image

from samehand.atelier import SCHOOLS, build_atelier, paint, painter, repaint
from samehand.atelier.painters import from_oklab, see, to_oklab
from samehand.atelier.scenes import KINDS, scene
from samehand.errors import OutputError

COLUMNS = [
    "artist", "date", "genre", "pixelsx", "pixelsy", "size_bytes", "source", "style", "title",
    "artist_group", "in_train", "new_filename",
]  # fmt: skip


@pytest.fixture(scope="module")
def pbn(tmp_path_factory):
    out = tmp_path_factory.mktemp("pbn")
    build_atelier(out, painters=5, works=4, seed=2, layout="pbn", size=(40, 40))
    return out


def rows_of(out):
    with (out / "all_data_info.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def files_of(archive):
    with zipfile.ZipFile(archive) as opened:
        return {name: opened.read(name) for name in opened.namelist()}


def opens(data):
    try:
        Image.open(io.BytesIO(data)).load()
    except OSError:
        return False
    return True


def texture_and_colour(image):
    """Edge strength and orientation at three scales, and a coarse colour histogram."""
    pixels = np.asarray(image, dtype=np.float64)
    bins = (pixels // 64).astype(int) @ [16, 4, 1]
    parts = [np.sqrt(np.bincount(bins.ravel(), minlength=64) / bins.size)]
    grey = pixels.mean(-1)
    for scale in (1, 2, 4):
        side = grey.shape[0] // scale
        small = grey[: side * scale, : side * scale].reshape(side, scale, side, scale).mean((1, 3))
        gy, gx = np.gradient(small)
        size, angle = np.hypot(gx, gy), np.arctan2(gy, gx) % np.pi
        turns, _ = np.histogram(angle, 12, (0, np.pi), weights=size)
        parts += [np.sqrt(turns / turns.sum()), np.quantile(np.log1p(size), [0.1, 0.3, 0.5, 0.7])]
    return np.concatenate(parts)


def test_same_seed_gives_the_same_bytes():
    first, second = (paint(painter(1, 4), 7, (96, 80)).tobytes() for _ in range(2))
    assert first == second
    assert painter(1, 4) == painter(1, 4)


def test_painter_subject_and_seed_each_change_the_picture():
    pictures = [
        paint(painter(seed, index), subject, (64, 64)).tobytes()
        for seed, index, subject in [(1, 4, 7), (2, 4, 7), (1, 5, 7), (1, 4, 8)]
    ]
    assert len(set(pictures)) == 4


@pytest.mark.parametrize("size", [(16, 16), (96, 64), (50, 111)])
def test_paintings_have_the_size_asked_for(size):
    picture = paint(painter(0, 0), 3, size)
    assert picture.size == size
    assert picture.mode == "RGB"


def test_a_larger_picture_is_the_same_painting():
    small, other = (paint(painter(0, 2), subject, (224, 224)) for subject in (1, 6))
    large = paint(painter(0, 2), 1, (448, 448)).resize((224, 224), Image.Resampling.BOX)
    same, different = (
        np.abs(np.asarray(small, float) - np.asarray(picture, float)).mean()
        for picture in (large, other)
    )
    assert same < different / 2


@pytest.mark.parametrize("subject", range(len(KINDS)))
def test_scenes_are_pictures_of_their_own(subject):
    picture = scene(subject, (80, 60))
    other = scene(subject + len(KINDS), (80, 60))
    assert picture.shape == (60, 80, 3)
    assert picture.dtype == np.float32
    assert 0 <= picture.min() < picture.max() <= 1
    assert np.abs(picture - other).mean() > 0.02


def test_repaint_keeps_the_motif_and_shows_the_hand():
    left_dark = np.zeros((60, 120, 3), dtype=np.uint8)
    left_dark[:, 60:] = 230
    photo = Image.fromarray(left_dark)
    painted = repaint(photo, painter(0, 1), 5, (100, 50))
    grey = np.asarray(painted, float).mean(-1)
    assert painted.size == (100, 50)
    assert grey[:, 60:].mean() - grey[:, :40].mean() > 60
    assert painted.tobytes() == repaint(photo, painter(0, 1), 5, (100, 50)).tobytes()
    assert painted.tobytes() != repaint(photo, painter(0, 1), 6, (100, 50)).tobytes()


def test_oklab_goes_there_and_back():
    rgb = np.random.default_rng(0).random((50, 3), dtype=np.float32)
    assert from_oklab(to_oklab(rgb)) == pytest.approx(rgb, abs=2e-3)
    # White has lightness 1 and no chroma; the published value of pure red.
    assert to_oklab(np.ones(3)) == pytest.approx([1, 0, 0], abs=1e-3)
    assert to_oklab(np.array([1, 0, 0])) == pytest.approx([0.62796, 0.22486, 0.12585], abs=1e-3)


def test_painters_see_the_order_of_light_and_dark():
    ramp = np.repeat(np.linspace(0, 1, 9, dtype=np.float32)[:, None], 3, axis=1)
    for index in range(8):
        maker = painter(3, index)
        lightness = to_oklab(see(maker, ramp[None]))[0, :, 0]
        assert np.all(np.diff(lightness) > 0)
        assert lightness[0] == pytest.approx(maker.darkest, abs=0.03)


@pytest.fixture(scope="module")
def oeuvres():
    """Six works, each of another scene, by each of eight painters."""
    return [
        (maker, paint(painter(3, maker), 100 * maker + work, (112, 112)))
        for maker in range(8)
        for work in range(6)
    ]


def nearest_neighbour_accuracy(oeuvres, describe):
    artist = np.array([maker for maker, _ in oeuvres])
    features = np.array([describe(picture) for _, picture in oeuvres])
    features = (features - features.mean(0)) / (features.std(0) + 1e-6)
    distance = np.linalg.norm(features[:, None] - features[None], axis=-1)
    np.fill_diagonal(distance, np.inf)
    return (artist[distance.argmin(1)] == artist).mean()


@pytest.mark.slow
def test_the_hand_identifies_painters_on_unseen_subjects(oeuvres):
    # Chance is 5 / 47 = 0.11.
    assert nearest_neighbour_accuracy(oeuvres, texture_and_colour) > 0.45


@pytest.mark.slow
def test_mean_colour_alone_does_not_identify_painters(oeuvres):
    accuracy = nearest_neighbour_accuracy(oeuvres, lambda p: np.asarray(p, float).mean((0, 1)))
    assert accuracy < 0.45


def test_folder_layout_has_a_folder_for_each_painter(tmp_path):
    build_atelier(tmp_path, painters=2, works=7, seed=0, first=3, size=(32, 32))
    assert sorted(f.name for f in tmp_path.iterdir() if f.is_dir()) == [
        "Painter 003",
        "Painter 004",
    ]
    pictures = sorted(tmp_path.glob("*/*"))
    assert Counter(f.suffix for f in pictures) == {".jpg": 12, ".png": 2}
    sizes = set()
    for file in pictures:
        with Image.open(file) as picture:
            picture.load()
            sizes.add(picture.size)
    assert len(sizes) > 1
    assert all(abs(width * height / 1024 - 1) < 0.1 for width, height in sizes)


def test_building_again_keeps_finished_files_and_makes_missing_ones(tmp_path):
    build_atelier(tmp_path, painters=1, works=3, seed=0, size=(32, 32))
    first, second, third = sorted(tmp_path.glob("*/*.jpg"))
    original = second.read_bytes()
    first.write_bytes(b"kept")
    second.unlink()
    build_atelier(tmp_path, painters=2, works=3, seed=0, size=(32, 32))
    assert first.read_bytes() == b"kept"
    assert second.read_bytes() == original
    assert len(list(tmp_path.glob("*/*.jpg"))) == 6
    assert third.exists()


def test_another_atelier_is_not_mixed_in(tmp_path):
    build_atelier(tmp_path, painters=1, works=1, seed=0, size=(32, 32))
    with pytest.raises(OutputError, match="another one"):
        build_atelier(tmp_path, painters=1, works=1, seed=1, size=(32, 32))


@pytest.mark.parametrize(
    "wrong", [{"painters": 0}, {"works": 0}, {"works": 1001}, {"seed": -1}, {"size": (8, 32)}]
)
def test_numbers_out_of_range_are_refused(tmp_path, wrong):
    arguments = {"painters": 1, "works": 1, "seed": 0, "size": (32, 32)} | wrong
    with pytest.raises(OutputError, match=r"cannot write an atelier"):
        build_atelier(tmp_path / "out", **arguments)
    assert not (tmp_path / "out").exists()


def test_pbn_layout_needs_room_for_its_faults(tmp_path):
    with pytest.raises(OutputError, match="at least 5 painters"):
        build_atelier(tmp_path, painters=4, works=4, seed=0, layout="pbn")


def test_a_file_in_the_way_is_an_output_error(tmp_path):
    (tmp_path / "out").write_text("")
    with pytest.raises(OutputError):
        build_atelier(tmp_path / "out", painters=1, works=1, seed=0, size=(32, 32))


def test_pbn_catalogue_has_the_columns_and_groups(pbn):
    rows = rows_of(pbn)
    assert list(rows[0]) == COLUMNS
    assert len(rows) == 5 * 4 + 1
    assert len({row["new_filename"] for row in rows}) == len(rows)
    assert {row["style"] for row in rows} == set(SCHOOLS)
    sides = {}
    for row in rows:
        sides.setdefault(row["artist_group"], set()).add(row["in_train"])
    assert sides == {
        "train_and_test": {"True", "False"},
        "train_only": {"True"},
        "test_only": {"False"},
    }
    assert {row["date"] == "" for row in rows} == {True, False}


def test_pbn_archives_hold_the_catalogued_files_and_each_fault(pbn):
    rows = rows_of(pbn)
    train, test = files_of(pbn / "train_2.zip"), files_of(pbn / "test.zip")
    good = files_of(pbn / "replacements_for_corrupted_files.zip")
    faults = Counter()
    contents = []
    for row in rows:
        in_train = row["in_train"] == "True"
        name = row["new_filename"]
        data = (train if in_train else test).get(f"{'train_2' if in_train else 'test'}/{name}")
        folder = f"replacements_for_corrupted_files/{'train' if in_train else 'test'}"
        replacement = good.get(f"{folder}/{name}")
        if data is None:
            faults["missing"] += 1
        elif not data:
            faults["empty"] += replacement is None
        elif not opens(data):
            faults["truncated"] += 1
            assert opens(replacement)
            assert replacement.startswith(data)
            assert len(replacement) == float(row["size_bytes"])
        else:
            contents.append((data, row["artist"]))
            with Image.open(io.BytesIO(data)) as picture:
                assert picture.size == (float(row["pixelsx"]), float(row["pixelsy"]))
            assert len(data) == float(row["size_bytes"])
    assert faults == {"missing": 1, "empty": 1, "truncated": 2}
    assert len(good) == 2
    assert len(train) + len(test) == len(rows) - 1
    ((twice, count),) = Counter(data for data, _ in contents).most_common(1)
    assert count == 2
    assert len({artist for data, artist in contents if data == twice}) == 2


def test_pbn_submission_has_every_test_pair_within_a_style(pbn):
    styles = {}
    for row in rows_of(pbn):
        if row["in_train"] == "False":
            styles.setdefault(row["style"], []).append(row["new_filename"])
    expected = {frozenset(p) for names in styles.values() for p in combinations(names, 2)}
    text = files_of(pbn / "submission_info.csv.zip")["submission_info.csv"].decode()
    pairs = list(csv.DictReader(io.StringIO(text)))
    assert list(pairs[0]) == ["index", "image1", "image2"]
    assert [int(pair["index"]) for pair in pairs] == list(range(len(pairs)))
    assert len(pairs) == len(expected)
    assert {frozenset((pair["image1"], pair["image2"])) for pair in pairs} == expected


def test_pbn_layout_is_reproducible_and_resumable(pbn, tmp_path):
    build_atelier(tmp_path, painters=5, works=4, seed=2, layout="pbn", size=(40, 40))
    names = sorted(file.name for file in pbn.iterdir())
    assert sorted(file.name for file in tmp_path.iterdir()) == names
    for name in names:
        assert (tmp_path / name).read_bytes() == (pbn / name).read_bytes()

    (tmp_path / "test.zip").unlink()
    build_atelier(tmp_path, painters=5, works=4, seed=2, layout="pbn", size=(40, 40))
    assert (tmp_path / "test.zip").read_bytes() == (pbn / "test.zip").read_bytes()
    stamp = (tmp_path / "test.zip").stat().st_mtime_ns
    build_atelier(tmp_path, painters=5, works=4, seed=2, layout="pbn", size=(40, 40))
    assert (tmp_path / "test.zip").stat().st_mtime_ns == stamp
