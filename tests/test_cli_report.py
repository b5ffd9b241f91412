import pytest


@pytest.fixture
def refused(samehand):
    def run(*arguments) -> str:
        code, _, err = samehand(*arguments)
        assert code == 2
        return err

    return run


@pytest.fixture
def pair(work_of, tmp_path):
    paths = tmp_path / "a.png", tmp_path / "b.png"
    for work, path in enumerate(paths):
        work_of(0, work).save(path)
    return paths


def test_report_writes_the_page_it_is_asked_for(pair, tiny_model, tmp_path, samehand):
    out = tmp_path / "r.html"
    words = ["report", *pair, "-o", out, "--date", "2026-01-02", "--model", tiny_model]
    code, said, _ = samehand(*words)
    assert code == 0
    assert "Report of 2026-01-02" in out.read_text(encoding="utf-8")
    assert "wrote" in said


def test_mistakes_are_one_sentence(refused, pair, tiny_model, tmp_path):
    before = set(tmp_path.iterdir())
    model = ("--model", tiny_model)
    assert "ends in neither .html nor .pdf" in refused(
        "report", *pair, "-o", tmp_path / "r.doc", *model
    )
    gone = tmp_path / "gone.png"
    assert "no file at" in refused("report", gone, pair[0], "-o", tmp_path / "r.html", *model)
    assert "strictly between 0 and 1" in refused(
        "report", *pair, "-o", tmp_path / "r.html", "--prior", 2, *model
    )
    assert "choose another --evidence" in refused("compare", *pair, "--evidence", pair[0], *model)
    same = tmp_path / "x.png"
    assert "name two files" in refused("compare", *pair, "--evidence", same, "--picture", same)
    assert set(tmp_path.iterdir()) == before
