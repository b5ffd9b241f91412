import hashlib
import zipfile
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from samehand.errors import ProtocolError
from samehand.pairs import submission
from samehand.pairs.protocol import load_protocol, write_protocol
from samehand.pairs.submission import submission_pairs

ARTISTS = {"1": "Ann", "2": "Ann", "3": "Bo", "4": "Bo", "5": "Cy", "6": "Ann", "7": "Bo"}


@pytest.fixture
def catalogue() -> pl.DataFrame:
    """Test paintings 1-4; 5 is excluded, 6 is for training, 7 has no split."""
    return pl.DataFrame(
        {
            "painting_id": list(ARTISTS),
            "artist": list(ARTISTS.values()),
            "style": ["Cubism", None, "Cubism", "Fauvism", None, None, None],
            "source": ["here"] * 7,
            "split": ["test"] * 5 + ["train", None],
            "exclusion": [None] * 4 + ["unreadable", None, None],
        }
    ).sample(fraction=1.0, shuffle=True, seed=1)


def write_list(path: Path, rows: list[tuple[str, str]], newline: str = "\n") -> Path:
    lines = ["index,image1,image2", *(f"{i},{a},{b}" for i, (a, b) in enumerate(rows))]
    text = newline.join(lines)
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("__MACOSX/._submission_info.csv", "shadow")
            archive.writestr("submission_info.csv", text)
    else:
        path.write_bytes(text.encode())
    return path


def pairs_of(path: Path, catalogue: pl.DataFrame) -> list[tuple[str, str, bool]]:
    draft = submission_pairs(path, catalogue)
    names = draft.candidates.ids
    return [
        (names[left], names[right], bool(same))
        for batch in draft.batches
        for left, right, same in zip(batch.left, batch.right, batch.same, strict=True)
    ]


@pytest.mark.parametrize("name", ["list.csv", "list.csv.zip"])
def test_a_list_becomes_a_protocol_and_what_is_skipped_is_counted(
    tmp_path: Path, catalogue: pl.DataFrame, name: str
):
    rows = [
        ("1.jpg", "2.jpg"),
        ("3.jpg", "1.jpg"),
        ("4.jpg", "4.jpg"),
        ("1.jpg", "5.jpg"),
        ("6.jpg", "1.jpg"),
        ("7.jpg", "7.jpg"),
        ("9.jpg", "1.jpg"),
        ("5.jpg", "9.jpg"),
        ("2.jpg", ""),
        ("4.jpg", "3.jpg"),
    ]
    path = write_list(tmp_path / name, rows)
    header = write_protocol(
        tmp_path / "p.parquet",
        submission_pairs(path, catalogue),
        description="",
        catalogue_sha256="",
    )
    assert header.options == {
        "kind": "submission",
        "split": "test",
        "file": name,
        "file_sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "skipped": {
            "unknown painting": 3,
            "unusable painting": 3,
            "a painting with itself": 1,
        },
    }
    protocol = load_protocol(tmp_path / "p.parquet", catalogue)
    assert protocol.header == header
    assert pl.read_parquet(protocol.path).rows() == [
        ("1", "2", True, True, None, True),
        ("3", "1", False, False, True, True),
        ("4", "3", True, False, False, True),
    ]


@pytest.mark.parametrize(
    "image", ["1.jpg", "1", "test/1.jpg", "a.b/1.jpeg", "1.PNG"], ids=lambda name: name
)
def test_an_image_is_named_by_its_stem(tmp_path: Path, catalogue: pl.DataFrame, image: str):
    assert pairs_of(write_list(tmp_path / "l.csv", [(image, "3.jpg")]), catalogue) == [
        ("1", "3", False)
    ]


@pytest.mark.parametrize("block", [1, 7, 64, 1 << 20])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("name", ["l.csv", "l.zip"])
def test_blocks_of_any_size_read_the_same_rows(
    tmp_path: Path,
    catalogue: pl.DataFrame,
    monkeypatch: pytest.MonkeyPatch,
    block: int,
    newline: str,
    name: str,
):
    rng = np.random.default_rng(0)
    drawn = [tuple(rng.choice(["1", "2", "3", "4"], 2, replace=False)) for _ in range(50)]
    path = write_list(tmp_path / name, [(f"{a}.jpg", f"{b}.jpg") for a, b in drawn], newline)
    monkeypatch.setattr(submission, "_BLOCK", block)
    expected = [(a, b, ARTISTS[a] == ARTISTS[b]) for a, b in drawn]
    assert pairs_of(path, catalogue) == expected


def test_columns_may_come_in_any_order(tmp_path: Path, catalogue: pl.DataFrame):
    path = tmp_path / "l.csv"
    path.write_text("image2,index,note,image1\n3.jpg,0,hm,1.jpg\n")
    assert pairs_of(path, catalogue) == [("1", "3", False)]


def broken_zip(whole: bytes) -> bytes:
    middle = whole.index(b"submission_info.csv", 120) + 30
    return whole[:middle] + b"\xff" * 8 + whole[middle + 8 :]


def test_what_is_no_pair_list_is_refused(tmp_path: Path, catalogue: pl.DataFrame):
    with pytest.raises(ProtocolError, match="there is no pair list"):
        submission_pairs(tmp_path / "none.csv", catalogue)
    path = tmp_path / "l.csv"
    texts = [b"index,left,right\n0,1.jpg,2.jpg\n", b"image1,image2\n\xff\xfe\xfa,1\n"]
    for text in texts:
        path.write_bytes(text)
        with pytest.raises(ProtocolError, match="l.csv is not a pair list"):
            pairs_of(path, catalogue)
    archive = write_list(tmp_path / "l.zip", [("1.jpg", "2.jpg")] * 500)
    archive.write_bytes(broken_zip(archive.read_bytes()))
    with pytest.raises(ProtocolError, match="l.zip is not a pair list"):
        pairs_of(archive, catalogue)
    with zipfile.ZipFile(archive, "w") as empty:
        empty.writestr("readme.txt", "nothing here")
    with pytest.raises(ProtocolError, match="holds 0 CSV files"):
        pairs_of(archive, catalogue)


@pytest.mark.parametrize(
    "text", ["", "index,image1,image2\n", "index,image1,image2\n0,8.jpg,9.jpg"]
)
def test_a_list_without_usable_pairs_writes_nothing(
    tmp_path: Path, catalogue: pl.DataFrame, text: str
):
    path = tmp_path / "l.csv"
    path.write_text(text)
    target = tmp_path / "out" / "p.parquet"
    with pytest.raises(ProtocolError, match="no pair of usable paintings"):
        write_protocol(
            target, submission_pairs(path, catalogue), description="", catalogue_sha256=""
        )
    assert list(target.parent.iterdir()) == []
