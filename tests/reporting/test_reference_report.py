import html
import json
import re
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from samehand.errors import ModelError
from samehand.files import sha256_file
from samehand.reporting.growth import draw_growth
from samehand.reporting.references import references_report
from samehand.results import GrowthStep
from samehand.verification.verifier import SameHand

NAME = 'Mary "May" <b>O\'Hara</b> & co.png'


@pytest.fixture(scope="module")
def shipped() -> SameHand:
    """The shipped model, which has a rule for reference sets."""
    return SameHand(threads=1)


@pytest.fixture(scope="module")
def files(painting_of, tmp_path_factory):
    """A doubtful work, then works by its painter."""
    folder = tmp_path_factory.mktemp("works")
    for work in range(4):
        painting_of(0, work).save(folder / f"{work}.png")
    return [folder / f"{work}.png" for work in range(4)]


@pytest.fixture(scope="module")
def noise(shipped: SameHand, tmp_path_factory):
    """Pictures than which none takes more room: a doubtful work and twenty others."""
    folder = tmp_path_factory.mktemp("noise")
    rng = np.random.default_rng(0)
    for number in range(21):
        pixels = rng.integers(0, 256, (1000, 1000, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.png", compress_level=1)
    return [shipped.open(folder / f"{number}.png") for number in range(21)]


def data_of(page: str):
    shown = re.search(r'<pre id="verdict">(.*?)</pre>', page, re.DOTALL)
    assert shown
    return json.loads(html.unescape(shown[1]))


def test_it_holds_what_is_decided_within_a_style(files, tmp_path, samehand):
    out = tmp_path / "r.html"
    probe, *known = files
    asked = (probe, *(word for path in known for word in ("--references", path)))
    assert samehand("report", *asked, "-o", out)[0] == 0
    expected = json.loads(samehand("verify", *asked, "--json")[1])
    told = samehand("verify", *asked)[1]
    decided = f"{expected['decision_one_style']}, at most {expected['error_rate_one_style']:.1%}"
    page = html.unescape(out.read_text(encoding="utf-8"))
    assert f"style: {decided} of sets of one style wrongly" in page
    assert decided in " ".join(told.split())


def test_its_figures_are_those_of_verify(files, tmp_path, samehand):
    out = tmp_path / "r.html"
    probe, *known = files
    named = [word for path in known for word in ("--references", path)]
    asked = (probe, *named, "--prior", "0.2", "--operating-point", "fmr1")
    assert samehand("report", *asked, "-o", out, "--date", "2026-01-02")[0] == 0
    expected = json.loads(samehand("verify", *asked, "--json")[1])
    del expected["seconds"]
    page = out.read_text(encoding="utf-8")
    # A report is handed on: where its owner keeps files is nobody else's business.
    assert str(probe.parent) not in page
    named = json.loads(json.dumps(expected).replace(f"{probe.parent}/", ""))
    assert data_of(page) == named
    text = html.unescape(page)
    assert "Report of 2026-01-02" in text
    assert f"<td>{expected['llr']:+.2f}</td>" in text
    assert f"{expected['probability']:.1%} that the references' artist" in text
    assert f"at most {expected['error_rate']:.1%} are decided wrongly" in text
    assert f"measured on {expected['measured_on']}, with 3 references" in text
    assert "of sets of one style wrongly" not in text
    for one in expected["references"]:
        assert f"{one['llr']:+.2f} {one['stance']}" in text
        assert f"{one['coherence']:+.2f} with the others" in text
    for step in expected["growth"]:
        assert f"<th>{step['references']}</th><td>{step['llr']:+.2f}</td>" in text
    for path in files:
        assert f"<code>{sha256_file(path)}</code>" in text
    assert SameHand().folder.config.files["encoder.onnx"] in text


@pytest.mark.usefixtures("pango")
def test_a_folder_of_references_as_pdf(files, tmp_path, samehand):
    out = tmp_path / "r.pdf"
    words = ("report", files[0], "--references", files[0].parent, "-o", out)
    code, said, _ = samehand(*words)
    assert (code, said) == (0, f"wrote {out}\n")
    assert out.read_bytes().startswith(b"%PDF-")


@pytest.mark.slow
def test_twenty_references_are_small_and_ask_for_nothing(shipped: SameHand, noise):
    probe, *known = noise
    page = references_report(shipped, probe, known, date="2026-01-02")
    assert len(page.encode()) < 2_000_000
    assert page.count("data:image/jpeg") == 21
    assert not re.findall(r"(?:src|href)\s*=\s*\"(?!data:image/)", page)
    for forbidden in ("url(", "@import", "<script", "http://", "https://"):
        assert forbidden not in page.replace('xmlns="http://www.w3.org/2000/svg"', "")
    largest = shipped.folder.config.attribution.references.steps[-1].references
    assert (f"It was measured with {largest}" in page) == (largest < 20)


def test_one_reference_is_a_set_without_growth(shipped: SameHand, files):
    works = [*map(shipped.open, files)]
    page = references_report(shipped, works[0], works[1:2], date="2026-01-02")
    assert "<svg" not in page
    assert "never seen, with 1 reference<" in page
    assert "none can be told to be the odd one" in page
    assert data_of(page)["references"][0]["coherence"] is None
    assert page == references_report(shipped, works[0], works[1:2], date="2026-01-02")


def test_names_cannot_write_html(shipped: SameHand, files):
    evil = shipped.open(files[0].read_bytes(), NAME)
    # The reference is the probe itself, so that a warning holds its name as well.
    page = references_report(shipped, evil, [evil, shipped.open(files[1])], date="<i>today</i>")
    assert "<b>O'Hara" not in page
    assert "<i>today" not in page
    assert NAME in html.unescape(page)
    assert data_of(page)["probe"] == NAME


def test_a_model_for_pairs_only_is_refused(verifier: SameHand, files):
    works = [*map(verifier.open, files)]
    with pytest.raises(ModelError, match="calibrated for pairs only"):
        references_report(verifier, works[0], works[1:], date="2026-01-02")


def test_the_drawing_has_every_step_at_its_height():
    steps = [
        GrowthStep(count, count / 20 - 0.5, count / 20 - 1.5, count / 20 - 0.2, 0.1)
        for count in range(1, 31)
    ]
    svg = ElementTree.fromstring(draw_growth(steps))
    place = "{http://www.w3.org/2000/svg}"
    assert svg.tag in ("svg", f"{place}svg")
    dots = [one for one in svg.iter() if one.tag.endswith("circle")]
    across = [float(dot.attrib["cx"]) for dot in dots]
    down = [float(dot.attrib["cy"]) for dot in dots]
    assert len(dots) == 30
    assert across == sorted(set(across))
    ticks = {
        one.text: float(one.attrib["y"]) - 4
        for one in svg.iter()
        if one.tag.endswith("text") and one.attrib["text-anchor"] == "end"
    }
    assert list(ticks) == ["-2", "-1", "0", "+1", "+2"]
    unit = ticks["0"] - ticks["+1"]
    for step, y in zip(steps, down, strict=True):
        assert y == pytest.approx(ticks["0"] - unit * step.llr, abs=0.2)
    band = next(one for one in svg.iter() if one.tag.endswith("polygon"))
    heights = [float(point.split(",")[1]) for point in band.attrib["points"].split()]
    edges = [step.highest for step in steps] + [step.lowest for step in reversed(steps)]
    assert heights == pytest.approx([ticks["0"] - unit * edge for edge in edges], abs=0.2)
    assert draw_growth(steps[:1]) == ""


def test_mistakes_are_one_sentence(files, tmp_path, samehand):
    out = tmp_path / "r.html"
    probe, other = files[:2]
    (tmp_path / "empty").mkdir()
    before = set(tmp_path.iterdir())
    for words, reason in (
        ((probe, "-o", out), "give one of the two"),
        ((probe, other, "--references", other, "-o", out), "give one of the two"),
        ((probe, "--references", other, "-o", probe.with_suffix(".doc")), "neither .html nor"),
        ((probe, "--references", tmp_path / "gone.png", "-o", out), "no file at"),
        ((probe, "--references", tmp_path / "empty", "-o", out), "no images in"),
        ((probe, "--references", other, "-o", out, "--prior", 1), "strictly between 0 and 1"),
    ):
        code, said, error = samehand("report", *words)
        assert (code, said, error.count("\n")) == (2, "", 1), error
        assert reason in error
    assert set(tmp_path.iterdir()) == before
