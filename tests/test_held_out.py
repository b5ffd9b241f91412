"""Pictures that calibrate by kinds: what is cut out, reduced, left out and chosen."""

import csv
import zipfile
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from benchmarks import fit_conditions, held_out
from benchmarks.make_vit.gather import cut_out
from samehand.atelier import build_atelier
from samehand.catalogue.prepare import prepare
from samehand.images.decode import decode_file
from samehand.model.folder import open_model
from samehand.scoring.comparator import Enrolled
from samehand.scoring.condition_fitting import Pictures
from samehand.verification.condition import kinds_of, picture_kinds

COLOURS = np.random.default_rng(0)


def painting(width, height):
    return Image.fromarray(COLOURS.integers(0, 255, (height, width, 3), dtype=np.uint8))


def of_collections(names):
    count = len(names)
    enrolled = Enrolled(np.eye(count, dtype=np.float32), *np.zeros((2, count), np.float32))
    numbers = np.arange(count)
    pictures = Pictures(enrolled, numbers, numbers, ["thumbnail"] * count, numbers)
    return held_out.HeldOut(pictures, np.array(names))


def test_a_collection_is_left_out_with_all_whose_names_begin_so():
    every = of_collections(["museum", "reduced", "reduced, small", "thumbnails"])
    assert every.without("reduced").collections.tolist() == ["museum", "thumbnails"]
    assert every.without("reduced").pictures.artist.tolist() == [0, 3]
    assert every.only("reduced").collections.tolist() == ["reduced"]


def test_reduced_photographs_show_the_work_that_they_were_made_of(tmp_path):
    file = tmp_path / "photograph.png"
    painting(700, 500).save(file)
    rows = [
        {"file": str(file), "artist": "A", "work": "", "collection": "apart somewhere"},
        {"file": str(file), "artist": "B", "work": "", "collection": "new somewhere"},
        {"file": str(file), "artist": "C", "work": "", "collection": "natural"},
    ]
    found = held_out._reduced(rows, tmp_path)
    names = ["reduced", *(f"reduced, {kind}" for kind in ("recaptured", "greyscale", "small"))]
    assert [one["collection"] for one in found] == names
    assert {(one["artist"], one["work"]) for one in found} == {("A", str(file))}
    sizes = {one["collection"]: decode_file(one["file"]).image.size for one in found}
    assert sizes["reduced"] == (224, 224)
    assert sizes["reduced, small"] == (134, 134)


def test_pictures_of_a_table_are_cut_out_of_their_borders(tmp_path):
    inner = painting(60, 80)
    bordered = Image.new("RGB", (100, 100))
    bordered.paste(inner, (20, 10))
    bordered.save(tmp_path / "one.png")
    with zipfile.ZipFile(tmp_path / "natural-224.zip", "w") as archive:
        archive.write(tmp_path / "one.png", "one.png")
    box = dict(
        zip(("crop_x0", "crop_y0", "crop_x1", "crop_y1"), "20 10 80 90".split(), strict=True)
    )
    found = cut_out(tmp_path, {"file": "natural-224/one.png", **box}, {})
    assert np.array_equal(np.asarray(found), np.asarray(inner))
    whole = cut_out(tmp_path, {"file": "one.png", "crop_x1": ""}, {})
    assert whole.size == (100, 100)


def test_what_a_photograph_is_held_against_comes_from_reduced_ones():
    shipped = open_model("lite").config.conditions
    found = fit_conditions._chosen(shipped, shipped)
    assert found == tuple(sorted(shipped, key=lambda one: one.kinds))
    with_photographs = [one for one in shipped if "photograph" in "".join(one.kinds)]
    assert list(fit_conditions._chosen(shipped, ())) == with_photographs
    assert len(fit_conditions._chosen((), shipped)) == len(shipped) - len(with_photographs)


def test_kinds_are_told_for_a_model_that_has_no_conditions_yet(tmp_path):
    path = tmp_path / "small.png"
    painting(150, 150).save(path)
    bare = replace(open_model("lite").config, conditions=())
    assert picture_kinds(bare, [path]) == ["photograph"]
    assert kinds_of([path]) == picture_kinds(open_model("lite").config, [path]) != ["photograph"]


@pytest.mark.slow
def test_held_out_pictures_are_listed_with_artists_set_apart(tmp_path):
    build_atelier(tmp_path / "works", painters=12, works=6, seed=0, layout="folder", size=(64, 64))
    catalogue = tmp_path / "catalogue"
    prepare("folder", tmp_path / "works", catalogue, split="artist-disjoint")
    natural, more = tmp_path / "natural", tmp_path / "more"
    (natural / "images").mkdir(parents=True)
    painting(400, 400).save(natural / "images" / "m.png")
    (natural / "paintings.csv").write_text("file,artist\nm.png,Museum\n")
    (more / "photographs-512").mkdir(parents=True)
    columns = ["file", "artist", "source", "pbn_group", "copy_of_pbn_mini", "crop_x1"]
    with open(more / "paintings.csv", "w", newline="") as sink:
        writer = csv.writer(sink)
        writer.writerow(columns)
        for number, name in enumerate("abcdefgh"):
            painting(400, 300).save(more / "photographs-512" / f"{number}.png")
            file = f"photographs-512/{number}.png"
            writer.writerow([file, f"New {name}", "web@1", "", "0", ""])
    table = held_out.make_held_out(catalogue, more, natural, tmp_path / "out")
    with open(table, newline="") as source:
        rows = list(csv.DictReader(source))
    apart = {row["artist"] for row in rows if row["collection"] == "apart web"}
    new = {row["artist"] for row in rows if row["collection"] == "new web"}
    assert apart == {f"New {name}" for name in "abcdefgh" if held_out.set_apart(f"New {name}")}
    assert new == {f"New {name}" for name in "abcdefgh"} - apart
    assert sum(row["collection"].startswith("reduced") for row in rows) == 4 * len(apart)
    assert all((tmp_path / "out" / row["file"]).exists() for row in rows)
