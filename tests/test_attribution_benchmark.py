"""Reference sets, galleries and open sets through the command line and the documents."""

import csv
import json
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]


@pytest.fixture
def scans(tmp_path, monkeypatch, work_of):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SAMEHAND_HOME", str(tmp_path / "home"))
    for artist in range(2):
        folder = tmp_path / "paintings" / f"artist {artist}"
        folder.mkdir(parents=True)
        for work in range(3):
            work_of(artist, work).save(folder / f"{work}.png")
    (tmp_path / "secure").mkdir()
    for work in range(1, 4):
        work_of(0, work).save(tmp_path / "secure" / f"{work}.jpg")
    work_of(0, 9).save(tmp_path / "doubtful.jpg")
    return tmp_path


def test_the_example_of_the_document_runs(scans, capsys):
    text = (ROOT / "docs" / "attribution.md").read_text(encoding="utf-8")
    example = text.split("```python\n")[1].split("```")[0]
    exec(compile(example, "docs/attribution.md", "exec"), {})
    lines = capsys.readouterr().out.splitlines()
    assert lines[1] == "6 {}"
    assert len(lines) == 3


def test_every_question_from_the_command_line(scans, samehand):
    def run(*arguments):
        code, out, err = samehand(*arguments)
        assert code == 0, err
        return out

    found = json.loads(run("verify", "doubtful.jpg", "--references", "secure", "--json"))
    assert [one["references"] for one in found["growth"]] == [1, 2, 3]
    assert found["growth"][-1]["llr"] == pytest.approx(found["llr"])
    assert "references" in run("verify", "doubtful.jpg", "--references", "secure")
    run("gallery", "create", "g")
    (scans / "paintings" / "broken.png").write_bytes(b"")
    added = json.loads(run("gallery", "add", "g", "paintings", "--json"))
    assert (added["added"], len(added["failed"])) == (6, 1)
    assert len(run("gallery", "list", "g", "--where", "artist=artist 1").splitlines()) == 3
    assert run("gallery", "list") == "g\n"
    assert json.loads(run("gallery", "info", "g", "--json"))["artists"] == 2
    near = json.loads(run("search", "doubtful.jpg", "--gallery", "g", "--top", "2", "--json"))
    assert [one["rank"] for one in near["neighbours"]] == [1, 2]
    named = json.loads(run("identify", "doubtful.jpg", "--gallery", "g", "--json"))
    total = named["none_probability"] + sum(one["probability"] for one in named["candidates"])
    assert total == pytest.approx(1.0)
    assert "doubtful.jpg" in run("identify", "doubtful.jpg", "--gallery", "g")
    assert json.loads(run("cluster", "--gallery", "g", "--json"))["works"] == 6
    run("gallery", "export", "g", "--out", "g.parquet")
    assert (scans / "g.parquet").is_file()
    assert run("gallery", "remove", "g", "--where", "artist=artist 1").startswith("removed 3")


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_answers_go_on_where_they_stopped(scans, samehand, kind):
    (scans / "paintings" / "broken.png").write_bytes(b"")
    out = scans / f"out.{kind}"
    arguments = ("verify", "paintings", "--references", "secure", "--out", out)
    assert samehand(*arguments)[0] == 0
    whole = out.read_text()
    out.write_text(whole[: len(whole) * 2 // 3])
    code, said, _ = samehand(*arguments)
    assert code == 0
    assert " 0 were there" not in said
    assert sorted(out.read_text().splitlines()) != []
    if kind == "csv":
        rows = list(csv.DictReader(out.read_text().splitlines()))
    else:
        rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert len({row["probe"] for row in rows}) == len(rows) == 7
    assert sum(bool(row.get("error")) for row in rows) == 1


def test_mistakes_are_one_sentence(scans, samehand):
    for arguments in (
        ("search", "doubtful.jpg", "--gallery", "nowhere"),
        ("verify", "missing.jpg", "--references", "secure"),
        ("verify", "doubtful.jpg", "--references", "home-less"),
        ("gallery", "remove", "nowhere"),
    ):
        code, out, err = samehand(*arguments)
        assert (code, out, err.count("\n")) == (2, "", 1), err
