import csv
import os
from pathlib import Path

import pytest

from samehand.errors import ImageError, OutputError, ProtocolError, SamehandError
from samehand.verification.score import ADDED, score_csv
from samehand.verification.verifier import SameHand

HEADER = ["left", "right"]
ROWS = [["a0.png", "a1.png"], ["a0.png", "b0.png"], ["b1.png", "b0.png"], ["a1.png", "a1.png"]]


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory, work_of) -> Path:
    """Two works of two artists each."""
    folder = tmp_path_factory.mktemp("images")
    for artist, letter in enumerate("ab"):
        for work in range(2):
            work_of(artist, work, (64, 64)).save(folder / f"{letter}{work}.png")
    (folder / "text.jpg").write_text("Dear diary")
    return folder


def write_pairs(path: Path, header: list[str], rows: list[list[str]]) -> Path:
    with open(path, "w", newline="", encoding="utf-8", errors="surrogateescape") as sink:
        csv.writer(sink).writerows([header, *rows])
    return path


def read(path: Path) -> list[list[str]]:
    with open(path, newline="", encoding="utf-8", errors="surrogateescape") as source:
        return list(csv.reader(source))


def refusal(verifier: SameHand, pairs: Path, images: Path, kind: type[SamehandError]) -> str:
    """The message of a refused list; nothing must be left in the output's folder."""
    out = pairs.parent / "results" / "out.csv"
    with pytest.raises(kind) as caught:
        score_csv(verifier, pairs, images, out)
    assert not out.parent.exists() or list(out.parent.iterdir()) == []
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_every_row_says_what_compare_says(verifier: SameHand, images: Path, tmp_path: Path):
    pairs = write_pairs(tmp_path / "pairs.csv", HEADER, ROWS)
    options = {"prior": 0.1, "operating_point": "fmr1"}
    assert score_csv(verifier, pairs, images, tmp_path / "out.csv", **options) == (4, 0)
    header, *rows = read(tmp_path / "out.csv")
    assert header == [*HEADER, *ADDED]
    assert [row[:2] for row in rows] == ROWS
    for row in rows:
        verdict = verifier.compare(images / row[0], images / row[1], **options)
        score, llr, probability = map(float, row[2:5])
        assert score == pytest.approx(verdict.score, abs=1e-5)
        assert llr == pytest.approx(verdict.llr, abs=1e-4)
        assert probability == pytest.approx(verdict.probability, abs=1e-5)
        assert row[5] == verdict.decision
        assert float(row[6]) == pytest.approx(verdict.llr_one_style, abs=1e-4)
        # Only "eer" keeps its promise within a style.
        assert (row[9:11], verdict.decision_one_style) == (["", ""], None)


def test_every_row_decides_within_a_style_as_compare_does(
    verifier: SameHand, images: Path, tmp_path: Path
):
    pairs = write_pairs(tmp_path / "pairs.csv", HEADER, ROWS)
    score_csv(verifier, pairs, images, tmp_path / "out.csv")
    for row in read(tmp_path / "out.csv")[1:]:
        verdict = verifier.compare(images / row[0], images / row[1])
        assert row[9] == verdict.decision_one_style is not None
        assert float(row[10]) == pytest.approx(verdict.error_rate_one_style, abs=1e-4)


def test_many_rows_keep_their_order_over_blocks(
    verifier: SameHand, images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    rows = [[*ROWS[index % 4], str(index)] for index in range(50)]
    pairs = write_pairs(tmp_path / "pairs.csv", [*HEADER, "index"], rows)
    score_csv(verifier, pairs, images, tmp_path / "whole.csv")
    monkeypatch.setattr("samehand.verification.score._ROWS_AT_ONCE", 7)
    assert score_csv(verifier, pairs, images, tmp_path / "blocks.csv") == (50, 0)
    assert (tmp_path / "blocks.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()
    found = read(tmp_path / "blocks.csv")[1:]
    assert [row[2] for row in found] == [str(index) for index in range(50)]
    assert all(found[index][3:] == found[index % 4][3:] for index in range(50))


def test_every_other_column_is_kept(verifier: SameHand, images: Path, tmp_path: Path):
    header = ["note, or none", "right", "empty", "left", "größe", ""]
    extra = [
        ["a, b", "", "1", " spaced "],
        ['say "so"', "", "two\nlines", "x"],
        ["cr\r\nlf", "", "\u200b", ""],
        ["", "", "=1+1", "'"],
    ]
    rows = [
        [some[0], pair[1], some[1], pair[0], some[2], some[3]]
        for pair, some in zip(ROWS, extra, strict=True)
    ]
    pairs = write_pairs(tmp_path / "pairs.csv", header, rows)
    assert score_csv(verifier, pairs, images, tmp_path / "out.csv") == (4, 0)
    found = read(tmp_path / "out.csv")
    assert found[0] == [*header, *ADDED]
    assert [row[:6] for row in found[1:]] == rows


def test_a_byte_order_mark_and_blank_lines_are_no_news(
    verifier: SameHand, images: Path, tmp_path: Path
):
    pairs = tmp_path / "pairs.csv"
    pairs.write_bytes(b"\xef\xbb\xbfleft,right\r\na0.png,a1.png\r\n\r\na0.png,b0.png\r\n")
    assert score_csv(verifier, pairs, images, tmp_path / "out.csv") == (2, 0)
    assert [row[:2] for row in read(tmp_path / "out.csv")] == [HEADER, *ROWS[:2]]


def test_tables_as_people_have_them(verifier: SameHand, images: Path, tmp_path: Path):
    plain = tmp_path / "plain.csv"
    pairs = write_pairs(tmp_path / "pairs.csv", HEADER, ROWS)
    score_csv(verifier, pairs, images, plain)
    expected = [row[2:] for row in read(plain)[1:]]
    typed = "sep=;\nNr;Bild A;Rechts\n" + "".join(
        f'{i};"{left}";{right.upper()} \n' for i, (left, right) in enumerate(ROWS)
    )
    (tmp_path / "typed.csv").write_text(typed, encoding="utf-16")
    told: list[str] = []
    out = tmp_path / "out.csv"
    columns = {"left": "Bild A"}
    options = {"columns": columns, "tell": told.append}
    assert score_csv(verifier, tmp_path / "typed.csv", images, out, **options) == (4, 0)
    header, *rows = read(out)
    assert header == ["Nr", "Bild A", "Rechts", *ADDED]
    assert [row[3:] for row in rows] == expected
    beside = images / "pairs.tsv"
    beside.write_text("left\tright\tnote\tnote\n" + f"{ROWS[0][0]}\t{ROWS[0][1]}\té\n", "latin-1")
    assert score_csv(verifier, beside, None, out, tell=told.append) == (1, 0)
    assert out.read_bytes().splitlines()[1].startswith(b"a0.png,a1.png,\xe9,,")
    assert len(told) == 1
    assert "was read as Windows-1252" in told[0]
    with pytest.raises(OutputError, match="out.xlsx does not end in .csv"):
        score_csv(verifier, pairs, images, tmp_path / "out.xlsx")


def test_names_that_are_not_text_come_out_as_they_went_in(
    verifier: SameHand, work_of, tmp_path: Path
):
    name = b"caf\xe9.png"
    try:
        work_of(0, 0).save(os.fsdecode(os.fsencode(tmp_path) + b"/" + name), "PNG")
    except OSError:
        pytest.skip("this file system accepts no such name")
    pairs = tmp_path / "pairs.csv"
    pairs.write_bytes(b"left,right,note\n" + name + b"," + name + b",\xff\n")
    assert score_csv(verifier, pairs, tmp_path, tmp_path / "out.csv") == (1, 0)
    assert (
        (tmp_path / "out.csv")
        .read_bytes()
        .splitlines()[1]
        .startswith(name + b"," + name + b",\xff,")
    )


def test_a_header_alone_gives_a_header_alone(verifier: SameHand, images: Path, tmp_path: Path):
    pairs = write_pairs(tmp_path / "pairs.csv", HEADER, [])
    assert score_csv(verifier, pairs, images, tmp_path / "out.csv") == (0, 0)
    assert read(tmp_path / "out.csv") == [[*HEADER, *ADDED]]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "is empty; it needs a row of column names"),
        ("a,b\n1,2\n", "has no column left and no column right (it has a, b)"),
        ("left,b\n1,2\n", "has no column right (it has left, b)"),
        ("image,maker\n1,2\n", "has no column left and no column right"),
        ("left,right,llr\na,b,1\n", "already has the column llr"),
        ("left,right\na0.png\n", "row 2: 1 values under 2 columns"),
        ("left,right\na0.png,a1.png\na0.png,a1.png,c\n", "row 3: 3 values under 2 columns"),
        ('left,right\n"a0.png\n', "row 2, as CSV: a value begins with a quotation mark"),
        (
            "left,right\n" + "x" * 200_000 + ",a0.png\n",
            "row 2, as CSV: field larger than",
        ),
    ],
)
def test_a_list_that_cannot_be_used_is_named(
    verifier: SameHand, images: Path, tmp_path: Path, text: str, reason: str
):
    pairs = tmp_path / "pairs.csv"
    pairs.write_text(text)
    message = refusal(verifier, pairs, images, ProtocolError)
    assert str(pairs) in message
    assert reason in message


def test_a_list_that_is_no_file_is_named(verifier: SameHand, images: Path, tmp_path: Path):
    gone = refusal(verifier, tmp_path / "gone.csv", images, ProtocolError)
    assert gone == f"{tmp_path}/gone.csv does not exist; name a table"
    (tmp_path / "folder.csv").mkdir()
    message = refusal(verifier, tmp_path / "folder.csv", images, ProtocolError)
    assert "folder.csv: it is a folder or a pipe; name an ordinary file" in message
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.csv")
        assert "it is a folder or a pipe" in refusal(
            verifier, tmp_path / "pipe.csv", images, ProtocolError
        )


def test_the_input_is_never_overwritten(verifier: SameHand, images: Path, tmp_path: Path):
    pairs = write_pairs(tmp_path / "pairs.csv", HEADER, ROWS)
    (tmp_path / "link.csv").symlink_to(pairs)
    before = pairs.read_bytes()
    for out in (pairs, tmp_path / "." / "pairs.csv", tmp_path / "link.csv"):
        with pytest.raises(SamehandError, match="is the input itself; choose another --out"):
            score_csv(verifier, pairs, images, out)
    assert pairs.read_bytes() == before


@pytest.mark.parametrize("bad", ["gone.png", "", "x" * 5000, "a0.png/b.png", "nul\0"])
def test_a_missing_image_stops_before_any_is_embedded(
    verifier: SameHand, images: Path, tmp_path: Path, bad: str
):
    pairs = write_pairs(tmp_path / "pairs.csv", HEADER, [*ROWS, ["a0.png", bad]])
    message = refusal(verifier, pairs, images, ImageError)
    assert "--skip-bad-images" in message
    if bad:
        assert f"{images / bad} (1 of 5 images missing)" in message
    cache = tmp_path / "cache"
    with pytest.raises(ImageError):
        score_csv(verifier, pairs, images, tmp_path / "out.csv", cache=cache)
    assert not cache.exists() or not bad


def test_an_unreadable_image_stops_everything(verifier: SameHand, images: Path, tmp_path: Path):
    pairs = write_pairs(tmp_path / "pairs.csv", HEADER, [*ROWS, ["text.jpg", "a0.png"]])
    message = refusal(verifier, pairs, images, ImageError)
    assert f"{images}/text.jpg is not an image" in message
    assert "(1 unreadable image in all)" in message


def test_bad_images_can_be_skipped(verifier: SameHand, images: Path, tmp_path: Path):
    rows = [["gone.png", "a0.png"], ROWS[0], ["a0.png", "text.jpg"], ["", "text.jpg"], ROWS[1]]
    pairs = write_pairs(tmp_path / "pairs.csv", HEADER, rows)
    out = tmp_path / "out.csv"
    assert score_csv(verifier, pairs, images, out, skip_bad_images=True) == (5, 3)
    found = read(out)[1:]
    assert [row[:2] for row in found] == rows
    assert [row[2:-1] == [""] * (len(ADDED) - 1) for row in found] == [
        True, False, True, True, False,
    ]  # fmt: skip
    assert found[0][-1] == f"not scored: no file at {images}/gone.png; check the path"
    assert found[2][-1].startswith(f"not scored: {images}/text.jpg is not an image")
    assert not found[1][-1].startswith("not scored")
    clean = write_pairs(tmp_path / "clean.csv", HEADER, [ROWS[0], ROWS[1]])
    score_csv(verifier, clean, images, out)
    assert read(out)[1:] == [found[1], found[4]]


def test_a_list_of_nothing_but_bad_images(verifier: SameHand, images: Path, tmp_path: Path):
    pairs = write_pairs(tmp_path / "pairs.csv", HEADER, [["gone.png", "text.jpg"]])
    assert score_csv(verifier, pairs, images, tmp_path / "out.csv", skip_bad_images=True) == (1, 1)
    [row] = read(tmp_path / "out.csv")[1:]
    assert row[:-1] == ["gone.png", "text.jpg", *[""] * (len(ADDED) - 1)]
    assert row[-1].count("not scored: ") == 2


def test_options_are_checked_before_anything_is_read(
    verifier: SameHand, images: Path, tmp_path: Path
):
    gone, out = tmp_path / "gone.csv", tmp_path / "out.csv"
    with pytest.raises(SamehandError, match="strictly between 0 and 1"):
        score_csv(verifier, gone, images, out, prior=1.0)
    with pytest.raises(SamehandError, match="no operating point 'best'"):
        score_csv(verifier, gone, images, out, operating_point="best")
    with pytest.raises(SamehandError, match="no folder of images at .*nowhere; name it with"):
        score_csv(verifier, gone, tmp_path / "nowhere", out)


def test_the_cache_changes_nothing(verifier: SameHand, images: Path, tmp_path: Path):
    pairs = write_pairs(tmp_path / "pairs.csv", HEADER, ROWS)
    for name, cache in (("none", None), ("cold", tmp_path / "c"), ("warm", tmp_path / "c")):
        score_csv(verifier, pairs, images, tmp_path / f"{name}.csv", cache=cache)
    results = {(tmp_path / f"{name}.csv").read_bytes() for name in ("none", "cold", "warm")}
    assert len(results) == 1


def test_an_output_that_cannot_be_written_is_named(
    verifier: SameHand, images: Path, tmp_path: Path
):
    pairs = write_pairs(tmp_path / "pairs.csv", HEADER, ROWS)
    for out in (tmp_path, pairs / "out.csv"):
        with pytest.raises(OutputError, match=f"cannot write {out}"):
            score_csv(verifier, pairs, images, out)


def test_a_failed_run_leaves_the_earlier_result(verifier: SameHand, images: Path, tmp_path: Path):
    good = write_pairs(tmp_path / "good.csv", HEADER, ROWS)
    bad = write_pairs(tmp_path / "bad.csv", HEADER, [*ROWS, ["gone.png", "a0.png"]])
    out = tmp_path / "out.csv"
    score_csv(verifier, good, images, out)
    before = out.read_bytes()
    with pytest.raises(ImageError):
        score_csv(verifier, bad, images, out)
    assert out.read_bytes() == before
    assert {path.name for path in tmp_path.iterdir()} == {"good.csv", "bad.csv", "out.csv"}
