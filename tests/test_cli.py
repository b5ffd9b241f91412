import json
import os
import shutil
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from samehand import Verdict, __version__
from samehand.explain.words import rounded, share
from samehand.verification.verifier import SameHand


@pytest.fixture
def images(tmp_path: Path, work_of) -> Path:
    folder = tmp_path / "images"
    folder.mkdir()
    for artist, letter in enumerate("ab"):
        for work in range(2):
            work_of(artist, work).save(folder / f"{letter}{work}.png")
    return folder


def refused(result) -> str:
    """The one line that a user sees of a mistake."""
    assert result.code == 2
    assert result.out == ""
    assert result.err.startswith("samehand: ")
    assert result.err.endswith("\n")
    assert result.err.count("\n") == 1
    assert result.err.removesuffix("\n").isprintable()
    return result.err.removeprefix("samehand: ").removesuffix("\n")


def listing(folder: Path) -> set[str]:
    return {os.fspath(path) for path in folder.rglob("*")}


def png_of_nothing(width: int, height: int) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
        + chunk(b"IDAT", zlib.compress(bytes(100_000)))
        + chunk(b"IEND", b"")
    )


def bad_images(folder: Path, work_of) -> dict[str, str]:
    """File names in `folder`, and what is to be said of each."""
    work_of(0, 0).save(folder / "whole.jpg")
    (folder / "cut.jpg").write_bytes((folder / "whole.jpg").read_bytes()[:700])
    (folder / "folder").mkdir()
    (folder / "empty.jpg").touch()
    (folder / "text.jpg").write_text("Dear diary, today I saw the Night Watch.")
    (folder / "bomb.png").write_bytes(png_of_nothing(30_000, 30_000))
    return {
        "gone.jpg": "no file at {}; check the path",
        "folder": "{} is a folder; name an image file inside it",
        "empty.jpg": "{} is empty; download or copy it again",
        "cut.jpg": "{} is cut short or damaged; download or copy it again",
        "text.jpg": "{} is not an image that can be read",
        "bomb.png": "{} is 30000x30000 pixels, more than 200 million",
    }


def test_bad_images_are_one_sentence(samehand, tiny_model, images, tmp_path, work_of):
    (tmp_path / "bad").mkdir()
    expected = bad_images(tmp_path / "bad", work_of)
    before = listing(tmp_path)
    for name, sentence in expected.items():
        bad, picture = tmp_path / "bad" / name, tmp_path / "verdict.png"
        for pair in ((bad, images / "a0.png"), (images / "a0.png", bad)):
            found = refused(samehand("compare", *pair, "--model", tiny_model, "--picture", picture))
            assert found.startswith(sentence.format(bad))
    assert listing(tmp_path) == before


def test_names_that_cannot_be_printed_are_escaped(samehand, tiny_model, images):
    odd = os.fsdecode(b"/nowhere/caf\xe9\n\x1b[31m.jpg")
    found = refused(samehand("compare", odd, images / "a0.png", "--model", tiny_model))
    assert found == r"no file at /nowhere/caf\udce9\n\x1b[31m.jpg; check the path"
    for command in (
        ("compare", images / "a0.png", images / "a1.png", "--model", odd),
        ("score", odd, "--images", images, "--out", "/nowhere/out.csv", "--model", tiny_model),
    ):
        assert r"/nowhere/caf\udce9\n\x1b[31m.jpg" in refused(samehand(*command))


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read and write everything"
)
def test_what_is_forbidden_is_named(samehand, tiny_model, images, tmp_path):
    (images / "a0.png").chmod(0)
    pair = (images / "a0.png", images / "a1.png")
    found = refused(samehand("compare", *pair, "--model", tiny_model))
    assert found == f"{images}/a0.png cannot be read for want of permission; change its permissions"
    pairs = tmp_path / "pairs.csv"
    pairs.write_text("left,right\nb0.png,b1.png\n")
    (tmp_path / "locked").mkdir(mode=0o500)
    out = tmp_path / "locked" / "out.csv"
    found = refused(
        samehand("score", pairs, "--images", images, "--out", out, "--model", tiny_model)
    )
    assert found.startswith(f"cannot write {out}: permission denied")


def test_bad_models_are_one_sentence(samehand, tiny_model, images, tmp_path):
    pair = (images / "a0.png", images / "a1.png")
    gone = tmp_path / "gone" / "lite0"
    assert f"no model folder at {gone}" in refused(samehand("compare", *pair, "--model", gone))
    model = Path(shutil.copytree(tiny_model, tmp_path / "model"))
    (model / "cohort.safetensors").write_bytes(b"something else")
    found = refused(samehand("compare", *pair, "--model", model))
    assert f"{model}/cohort.safetensors is not the file that config.json describes" in found
    config = json.loads((model / "config.json").read_text())
    (model / "config.json").write_text(json.dumps(config | {"format": 1}))
    found = refused(samehand("compare", *pair, "--model", model))
    assert f"the model {model} has format 1, this samehand reads format 2" in found


def test_bad_lists_are_one_sentence(samehand, tiny_model, images, tmp_path):
    pairs, out = tmp_path / "pairs.csv", tmp_path / "results" / "out.csv"
    command = ("score", pairs, "--images", images, "--out", out, "--model", tiny_model)
    command = (*command, "--cache", tmp_path / "cache")
    for text, reason in {
        "": "is empty",
        "a,b\n1,2\n": "has no column left and no column right",
        "left,right\na0.png\n": "row 2: 1 values under 2 columns",
        "left,right\na0.png,gone.png\n": "gone.png (1 of 2 images missing)",
    }.items():
        pairs.write_text(text)
        assert reason in refused(samehand(*command))
    pairs.unlink()
    assert f"{pairs} does not exist" in refused(samehand(*command))
    assert not out.parent.exists()


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("--prior", "often"), "--prior"),
        (("--operating-point", "best"), "--operating-point"),
        (("--threads", "0"), "--threads"),
        (("--treads", "1"), "--treads"),
    ],
)
def test_wrong_flags_are_explained(samehand, images, arguments, reason: str):
    result = samehand("compare", images / "a0.png", images / "a1.png", *arguments)
    assert result.code == 2
    assert result.out == ""
    assert reason in result.err
    assert result.err.startswith("Usage: samehand compare")
    assert "Traceback" not in result.err


@pytest.mark.parametrize("prior", ["0", "1", "-0.1", "nan"])
def test_an_impossible_prior_is_one_sentence(samehand, tiny_model, images, prior: str):
    pair = (images / "a0.png", images / "a1.png")
    found = refused(samehand("compare", *pair, "--model", tiny_model, "--prior", prior))
    assert "strictly between 0 and 1" in found


def write_unusual(folder: Path, work_of) -> dict[str, Path]:
    image = work_of(2, 0)
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = image.transpose(Image.Transpose.ROTATE_90)
    palette = image.quantize(16)
    deep = Image.fromarray(np.asarray(image.convert("L"), np.uint16) * 257)
    found = {
        name: folder / name
        for name in ("cmyk.jpg", "deep.png", "clear.png", "two.gif", "turned.jpg", "pixel.png")
    }
    image.convert("CMYK").save(found["cmyk.jpg"])
    deep.save(found["deep.png"])
    palette.save(found["clear.png"], transparency=0)
    image.save(found["two.gif"], save_all=True, append_images=[work_of(3, 0)])
    turned.save(found["turned.jpg"], exif=exif)
    image.resize((2, 2)).save(found["pixel.png"])
    image.resize((400, 333)).save(folder / "large.png")
    odd = Path(os.fsdecode(os.fsencode(folder) + b"/caf\xe9.png"))
    try:
        work_of(2, 1).save(odd, "PNG")
        found["odd"] = odd
    except OSError:
        pass
    return found | {"large.png": folder / "large.png"}


def test_unusual_images_are_answered(samehand, tiny_model, tmp_path, work_of):
    unusual = write_unusual(tmp_path, work_of)
    work_of(2, 0).save(tmp_path / "plain.png")
    for path in [*unusual.values(), tmp_path / "plain.png"]:
        result = samehand("compare", path, tmp_path / "plain.png", "--json", "--model", tiny_model)
        assert (result.code, result.err) == (0, ""), path
        values = json.loads(result.out)
        assert values["left"] == os.fspath(path)
        assert values["right"] == os.fspath(tmp_path / "plain.png")
        assert list(values) == list(Verdict.__dataclass_fields__)
        warnings = " ".join(values["warnings"])
        for name, word in {
            "cmyk.jpg": "CMYK",
            "deep.png": "greyscale",
            "clear.png": "transparent",
            "two.gif": "animation",
            "turned.jpg": "two reproductions",
            "pixel.png": "2 x 2 pixels",
            "large.png": "two reproductions",
            "plain.png": "same file",
        }.items():
            # Most of these files show the plain painting again, which is noticed as well.
            assert word in warnings or path.name != name
            assert word not in warnings or path.name == name or word == "two reproductions"


def test_words_and_json_carry_the_same_facts(samehand, tiny_model, images, work_of):
    Image.open(images / "a0.png").convert("L").resize((50, 50)).save(images / "grey.png")
    for left, right in (("a0.png", "b0.png"), ("a0.png", "a1.png"), ("grey.png", "a0.png")):
        options = ("--model", tiny_model, "--prior", 0.2, "--operating-point", "fmr1")
        command = ("compare", images / left, images / right, *options)
        text, values = samehand(*command).out, json.loads(samehand(*command, "--json").out)
        assert values["prior"] == 0.2
        for fact in (
            left,
            right,
            values["strength"][1:],
            f"{values['llr']:+.2f}",
            f"if both of one style    {values['llr_one_style']:+.2f}",
            f"{share(values['probability'])} that one artist made both",
            "(from 20% before looking)",
            values["decision"],
            "(operating point fmr1)",
            f"of all cases with {values['condition']}, weak answers and strong ones together, "
            f"at most {values['error_rate']:.1%} are decided wrongly",
            f"measured on {values['measured_on']}",
            values["model"],
            *values["warnings"],
        ):
            # Long lines are broken.
            assert " ".join(fact.split()) in " ".join(text.split())
        assert text.count("warning  ") == len(values["warnings"])
        likelier = "one artist made both" if values["llr"] > 0 else "two artists made them"
        assert f"{rounded(10 ** abs(values['llr']))} times as likely if {likelier}" in text


def test_the_picture_is_written(samehand, tiny_model, images, tmp_path):
    picture = tmp_path / "deep" / "verdict.png"
    pair = (images / "a0.png", images / "b0.png")
    assert samehand("compare", *pair, "--model", tiny_model, "--picture", picture).code == 0
    with Image.open(picture) as image:
        assert image.format == "PNG"
        assert min(image.size) > 400
    before = pair[0].read_bytes()
    found = refused(samehand("compare", *pair, "--model", tiny_model, "--picture", pair[0]))
    assert found == f"{pair[0]} is one of the images itself; choose another --picture"
    assert pair[0].read_bytes() == before


def test_scoring_counts_its_rows(samehand, tiny_model, images, tmp_path):
    pairs, out = tmp_path / "pairs.csv", tmp_path / os.fsdecode(b"out-\xe9.csv")
    pairs.write_text("left,right\na0.png,a1.png\na0.png,gone.png\n")
    options = ("--images", images, "--out", out, "--model", tiny_model, "--cache", tmp_path / "c")
    result = samehand("score", pairs, *options, "--skip-bad-images")
    assert (result.code, result.err) == (0, "")
    assert (
        result.out == rf"wrote 2 rows to {tmp_path}/out-\udce9.csv, 1 of them without a score" "\n"
    )
    first = out.read_text().splitlines()[1].split(",")
    verdict = SameHand(tiny_model, 1).compare(images / "a0.png", images / "a1.png")
    assert float(first[2]) == pytest.approx(verdict.score, abs=1e-5)
    assert first[5] == verdict.decision


def test_version_and_help(samehand):
    assert samehand("--version").out.startswith(f"samehand {__version__}\n")
    bare, asked = samehand(), samehand("--help")
    assert asked.code == 0
    assert asked.out.startswith("Usage: samehand ")
    assert "Usage: samehand " in bare.out + bare.err
    for command in ("compare", "score", "prepare", "protocol", "train", "export", "evaluate"):
        assert command in asked.out
        assert command in bare.out + bare.err
        assert samehand(command, "--help").code == 0
