"""Pairs and answers on contact sheets, chosen from a catalogue of made-up artists."""

import imagehash
import numpy as np
import polars as pl
import pytest
from PIL import Image

import samehand.explain.examples as examples
from samehand.catalogue.schema import SCHEMA, write_catalogue
from samehand.errors import CatalogueError
from samehand.files import sha256_file


@pytest.fixture(scope="module")
def folder(tmp_path_factory, work_of):
    folder = tmp_path_factory.mktemp("examples")
    (folder / "images").mkdir()
    rows = []
    for artist in range(5):
        for work in range(4):
            name = f"{artist}-{work}"
            image = work_of(artist, work)
            image.save(folder / "images" / f"{name}.png")
            rows.append(
                dict.fromkeys(SCHEMA)
                | {
                    "painting_id": name,
                    "path": f"images/{name}.png",
                    "artist": f"Artist {artist}",
                    "style": "Cubism" if work else None,
                    "width": image.width,
                    "height": image.height,
                    "bytes": 1,
                    "sha256": sha256_file(folder / "images" / f"{name}.png"),
                    "phash": str(imagehash.phash(image)),
                    "split": "test",
                    "origin": name,
                }
            )
    write_catalogue(pl.DataFrame(rows, schema=SCHEMA), folder)
    return folder


@pytest.fixture
def drawn(monkeypatch):
    """Every sheet that is drawn, by its file's name."""
    sheets = {}
    draw = examples.draw_sheet

    def keep(title, tiles, target):
        sheets[target.stem] = (title, tiles)
        draw(title, tiles, target)

    monkeypatch.setattr(examples, "draw_sheet", keep)
    return sheets


def test_each_sheet_has_the_pairs_that_it_says(tmp_path, folder, drawn):
    paths = examples.show_pairs(folder, tmp_path, split="test", pairs=6, seed=1)
    assert [path.name for path in paths] == ["same-artist.png", "different-artists.png"]
    for name, same in (("same-artist", True), ("different-artists", False)):
        _, tiles = drawn[name]
        assert len(tiles) == 6
        for tile in tiles:
            for path, (artist, *style) in zip(tile.images, tile.captions, strict=True):
                assert artist == f"Artist {path.name[0]}"
                assert style == ([] if path.stem.endswith("0") else ["Cubism"])
            assert (tile.captions[0][0] == tile.captions[1][0]) is same
        with Image.open(tmp_path / f"{name}.png") as sheet:
            assert sheet.width > 900


def test_no_sheet_shows_a_pair_twice(tmp_path, folder, drawn, verifier):
    examples.show_pairs(folder, tmp_path, split="test", pairs=12, seed=1)
    examples.show_predictions(verifier, folder, tmp_path, split="test", pairs=35, among=150, seed=1)
    for _, tiles in drawn.values():
        shown = [frozenset(tile.images) for tile in tiles]
        assert len(set(shown)) == len(shown)
    # Twenty works make 190 pairs, 30 of them by one artist.
    answers = [
        tile for name, (_, tiles) in drawn.items() if name.startswith(("r", "w")) for tile in tiles
    ]
    assert len(answers) <= 190


def test_answers_are_sorted_by_truth_and_by_certainty(tmp_path, folder, drawn, verifier):
    paths = examples.show_predictions(
        verifier, folder, tmp_path, split="test", pairs=3, among=60, seed=1
    )
    assert {path.stem for path in paths} == set(drawn)
    assert {"right-most-certain", "right-least-certain"} <= set(drawn)
    shown = {}
    calibration = verifier.folder.config.calibration
    for name, (_, tiles) in drawn.items():
        shown[name] = []
        for tile in tiles:
            score = verifier.compare(*tile.images).score
            evidence = calibration.slope * score + calibration.intercept
            same = tile.captions[0][0] == tile.captions[1][0]
            assert ((evidence > 0) == same) == name.startswith("right")
            assert f"log10 LR {evidence:+.2f}" in tile.verdict
            assert f"Truth: {'one artist' if same else 'two artists'}." in tile.verdict
            shown[name].append(abs(evidence))
    most, least = shown["right-most-certain"], shown["right-least-certain"]
    assert most == sorted(most, reverse=True)
    assert least == sorted(least)
    assert np.min(most) >= np.max(least)


def test_a_split_without_pairs_is_refused(tmp_path, folder):
    with pytest.raises(CatalogueError, match="another --split"):
        examples.show_pairs(folder, tmp_path, split="train", pairs=2, seed=0)
