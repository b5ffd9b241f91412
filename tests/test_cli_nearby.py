"""`compare` and `report` with --gallery: the same works in words, JSON, picture and report."""

import html
import json
import re

import pytest

from samehand.gallery import Gallery
from samehand.verification.verifier import SameHand


@pytest.fixture(scope="module")
def works(work_of, tmp_path_factory):
    folder = tmp_path_factory.mktemp("works")
    for artist in range(2):
        (folder / f"<b>Artist {artist}").mkdir()
        for work in range(3):
            work_of(artist, work).save(folder / f"<b>Artist {artist}" / f"{work}.png")
    return folder


@pytest.fixture(scope="module")
def shelf(works, verifier: SameHand, tmp_path_factory):
    folder = tmp_path_factory.mktemp("galleries") / "shelf"
    with Gallery.create(folder, verifier.folder) as made:
        made.add([works], verifier)
    return folder


@pytest.fixture
def asked(works, shelf, tiny_model):
    pair = [works / f"<b>Artist {artist}" / "0.png" for artist in range(2)]
    return [*pair, "--gallery", shelf, "--model", tiny_model]


def test_words_json_and_report_name_the_same_works(asked, works, tmp_path, samehand):
    picture, page = tmp_path / "e.png", tmp_path / "r.html"
    code, said, _ = samehand("compare", *asked, "--json", "--evidence", picture)
    assert code == 0
    assert picture.read_bytes().startswith(b"\x89PNG")
    near = json.loads(said)["neighbours"]
    assert (near["gallery"], near["works"]) == ("shelf", 6)
    for side, own in (("left", asked[0]), ("right", asked[1])):
        assert len(near[side]) == 4
        assert str(own) not in [one["path"] for one in near[side]]
        llrs = [one["llr"] for one in near[side]]
        assert llrs == sorted(llrs, reverse=True)
    said = samehand("compare", *asked)[1]
    for one in near["left"] + near["right"]:
        title = one["path"].rsplit("/", 1)[1]
        assert f"  {one['llr']:+.2f}  {one['artist']}, {title}" in said
    code, _, error = samehand("report", *asked, "-o", page, "--date", "2026-01-02")
    assert code == 0, error
    text = page.read_text(encoding="utf-8")
    assert "<b>Artist" not in text
    shown = re.search(r'<pre id="verdict">(.*?)</pre>', text, re.DOTALL)
    assert shown
    # A report is handed on, so it names files and no folders.
    for one in near["left"] + near["right"]:
        one["path"] = one["path"].rsplit("/", 1)[1]
    assert json.loads(html.unescape(shown[1]))["neighbours"] == near
    assert text.count(f"<b>{near['left'][0]['llr']:+.2f}</b>") >= 1
    # Both paintings, two kinds of evidence in windows and maps, influence, and eight works.
    assert text.count("data:image/jpeg") == 2 + 6 + 8
    assert "shelf, 6 works" in text


def test_mistakes_are_one_sentence(asked, works, shelf, tmp_path, samehand):
    out = tmp_path / "r.html"
    for words, reason in (
        (("compare", *asked, "--fast"), "leave out --fast or --gallery"),
        (("compare", *asked[:2], "--gallery", shelf), "or run samehand gallery re-embed"),
        (("compare", *asked[:3], tmp_path / "none", *asked[4:]), "none"),
        (
            ("report", asked[0], "--references", asked[1], *asked[2:], "-o", out),
            "--gallery goes with a second image",
        ),
    ):
        code, said, error = samehand(*words)
        assert (code, said, error.count("\n")) == (2, "", 1), error
        assert reason in error
    assert not out.exists()
