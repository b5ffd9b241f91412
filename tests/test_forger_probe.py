"""The procedure of docs/forger-probe.md, with made-up painters standing in."""

import csv
import subprocess
import sys
from pathlib import Path

import pytest

from samehand import SameHand

pytestmark = pytest.mark.slow

SCRIPT = Path(__file__).parents[1] / "benchmarks" / "forger_probe.py"
ROLES = {0: "master", 1: "control", 2: "control", 3: "forger"}


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, SCRIPT, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture
def paintings(tmp_path: Path, work_of) -> Path:
    rows = ["file,artist,role"]
    for artist, role in ROLES.items():
        for work in range(3):
            name = f"{artist}-{work}.png"
            work_of(artist, work).save(tmp_path / name)
            rows.append(f"{name},artist {artist},{role}")
    (tmp_path / "paintings.csv").write_text("\n".join(rows) + "\n")
    return tmp_path / "paintings.csv"


def test_every_pair_with_a_master_is_scored_as_compare_would(paintings, tiny_model, tmp_path):
    found = run(paintings, tmp_path, tiny_model, "--out", tmp_path / "scores.csv")
    assert found.returncode == 0, found.stderr
    lines = {line[:22].strip(): line[22:].split() for line in found.stdout.splitlines()[1:]}
    # 3 pairs among three works, and 3 x 3 with each other painter.
    assert {kind: line[0] for kind, line in lines.items()} == {
        "master and master": "3",
        "master and control": "18",
        "master and forger": "9",
    }
    with (tmp_path / "scores.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == 30
    same_hand = SameHand(tiny_model, threads=1)
    for row in rows[::7]:
        verdict = same_hand.compare(tmp_path / row["left"], tmp_path / row["right"])
        assert float(row["llr"]) == pytest.approx(verdict.llr, abs=1e-4)
        assert row["eer"] == verdict.decision
    own = sorted(float(row["llr"]) for row in rows if row["kind"] == "master and master")
    assert float(lines["master and master"][2]) == pytest.approx(own[1], abs=0.006)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("role", "part", "no column role"),
        ("forger", "faker", "faker is not a role"),
        ("master", "control", "has no master"),
        ("0-0.png", "gone.png", "no file at"),
    ],
)
def test_mistakes_are_one_sentence(paintings, tiny_model, tmp_path, old, new, said):
    paintings.write_text(paintings.read_text().replace(old, new))
    found = run(paintings, tmp_path, tiny_model)
    assert found.returncode == 2
    assert said in found.stderr
    assert "Traceback" not in found.stderr
