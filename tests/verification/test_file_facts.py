"""Rows of a table of pairs carry the warnings that `compare` gives of each pair alone."""

import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from samehand.verification.score import score_csv
from samehand.verification.verifier import SameHand


@pytest.fixture(scope="module")
def shipped() -> SameHand:
    return SameHand(threads=1)


@pytest.fixture(scope="module")
def scans(tmp_path_factory, painting_of) -> Path:
    """A work, copies of it, another one, and pictures that are warned of."""
    folder = tmp_path_factory.mktemp("scans")
    one = painting_of(1, 0, (480, 400))
    noise = np.random.default_rng(0).integers(0, 256, (300, 300, 3), dtype=np.uint8)
    pictures = {
        "one": one,
        "again": one,
        "small": one.resize((96, 80)),
        "cropped": one.crop((30, 20, 450, 390)),
        "mirrored": ImageOps.mirror(one),
        "grey": one.convert("L"),
        "other": painting_of(2, 0, (480, 400)),
        "noise": Image.fromarray(noise),
    }
    for name, image in pictures.items():
        image.save(folder / f"{name}.png")
    one.save(folder / "blocks.jpg", quality=8)
    return folder


def scored(shipped: SameHand, scans: Path, pairs: list[tuple[str, str]], out: Path):
    table = out.with_name("pairs.csv")
    table.write_text("left,right\n" + "".join(f"{one},{two}\n" for one, two in pairs))
    score_csv(shipped, table, scans, out)
    with open(out, newline="") as lines:
        return list(csv.DictReader(lines))


def test_every_row_warns_as_compare_does(shipped, scans, tmp_path):
    names = sorted(path.name for path in scans.iterdir())
    pairs = [("one.png", name) for name in names] + [("noise.png", "other.png")]
    rows = scored(shipped, scans, pairs, tmp_path / "out.csv")
    for row in rows:
        verdict = shipped.compare(scans / row["left"], scans / row["right"])
        assert row["warnings"] == "; ".join(verdict.warnings)
        assert row["decision"] == verdict.decision
        assert float(row["llr"]) == pytest.approx(verdict.llr, abs=1e-4)
    told = {row["right"]: row["warnings"] for row in rows[:-1]}
    assert "both images are the same file" in told["one.png"]
    for name in ("small", "cropped", "mirrored", "grey"):
        assert "two reproductions of one painting" in told[f"{name}.png"]
    assert "quality 8 of 100" in told["blocks.jpg"]
    assert "left image: unlike the paintings" in rows[-1]["warnings"]
    assert told["other.png"] == ""


def test_what_is_novel_stays_so_where_rows_come_from_the_cache(shipped, scans, tmp_path):
    table = tmp_path / "pairs.csv"
    table.write_text("left,right\nnoise.png,other.png\n")
    for _ in range(2):
        score_csv(shipped, table, scans, tmp_path / "out.csv", cache=tmp_path / "cache")
        assert "unlike the paintings" in (tmp_path / "out.csv").read_text()
