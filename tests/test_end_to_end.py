"""The whole path on synthetic painters, through the command line a user types.

Painters are split into artist-disjoint training, validation and test sets, so what is measured is
recognising hands that the model has never seen. It trains for over a minute:

    scripts/test -m slow tests/test_end_to_end.py
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from samehand import SameHand

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]


def samehand(*arguments: object) -> str:
    command = [sys.executable, "-m", "samehand", *map(str, arguments)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("workshop")
    samehand("atelier", home / "paintings", "--painters", 45, "--works", 10, "--size", 128)
    samehand("prepare", "folder", home / "paintings", "--out", home / "catalogue")
    samehand("protocol", "--catalogue", home / "catalogue", "--out", home / "unseen.parquet")
    recipe = ROOT / "recipes" / "atelier.toml"
    samehand("train", recipe, "--catalogue", home / "catalogue", "--out", home / "run")
    samehand("export", home / "run", "--catalogue", home / "catalogue", "--out", home / "model")
    samehand(
        *("evaluate", home / "unseen.parquet", "--catalogue", home / "catalogue"),
        *("--model", home / "model", "--baseline", "colour-histogram"),
        *("--out", home / "report", "--replicates", 200, "--card"),
    )
    return home


def result_of(workshop: Path, system: str) -> dict[str, object]:
    report = json.loads((workshop / "report" / "report.json").read_text())
    (found,) = (
        row for row in report["results"] if row["system"] == system and row["stratum"] == "all"
    )
    return found


def test_unseen_painters_are_told_apart(workshop: Path) -> None:
    trained = result_of(workshop, "atelier")
    colours = result_of(workshop, "colour-histogram")
    assert trained["metrics"]["auc"] > 0.85
    assert trained["intervals"]["auc"][0] > colours["metrics"]["auc"]


def test_calibration_carries_over_to_unseen_painters(workshop: Path) -> None:
    metrics = result_of(workshop, "atelier")["metrics"]
    assert metrics["cllr"] < 0.8
    assert metrics["cllr"] - metrics["min_cllr"] < 0.2


def test_the_report_names_what_it_was_made_from(workshop: Path) -> None:
    report = json.loads((workshop / "report" / "report.json").read_text())
    protocol = json.loads((workshop / "unseen.json").read_text())
    assert report["protocol"]["content_hash"] == protocol["content_hash"]
    assert report["command"].startswith("samehand evaluate ")
    card = (workshop / "model" / "README.md").read_text()
    assert report["model"] in card
    for picture in ("roc", "det", "scores", "reliability"):
        assert (workshop / "report" / f"{picture}.png").stat().st_size > 5_000


def test_the_exported_model_answers(workshop: Path) -> None:
    works = sorted((workshop / "paintings").rglob("*.jpg"))
    one = json.loads(
        samehand("compare", works[0], works[1], "--model", workshop / "model", "--json")
    )
    verdict = SameHand(workshop / "model").compare(works[1], works[0])
    assert verdict.score == pytest.approx(one["score"], abs=1e-6)
    assert verdict.model == one["model"]


def test_no_test_painter_helped_to_make_the_model(workshop: Path) -> None:
    import polars as pl

    table = pl.read_parquet(workshop / "catalogue" / "catalogue.parquet")
    by_split = {
        split: set(table.filter(pl.col("split") == split)["artist"])
        for split in ("train", "validation", "test")
    }
    assert by_split["train"].isdisjoint(by_split["validation"] | by_split["test"])
    assert by_split["validation"].isdisjoint(by_split["test"])
    config = json.loads((workshop / "model" / "config.json").read_text())
    assert config["training"]["training_artists"] == len(by_split["train"])
    assert config["calibration"]["artists"] == len(by_split["validation"])
