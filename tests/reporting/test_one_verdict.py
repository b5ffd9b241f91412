"""The terminal, the JSON, the page, the report and its PDF say the same of one pair."""

import html
import json
import re
import shutil
from dataclasses import replace

import pytest
from fastapi.testclient import TestClient

from samehand.files import short_names
from samehand.model.folder import open_model, write_config
from samehand.scoring.conditions import Condition
from samehand.verification.verifier import SameHand
from samehand.web.app import create_app
from samehand.web.limits import Limits


@pytest.fixture(scope="module")
def model(tiny_model, tmp_path_factory) -> SameHand:
    """The tiny model, with a calibration of its own for two photographs."""
    folder = tmp_path_factory.mktemp("models") / "tiny"
    shutil.copytree(tiny_model, folder)
    config = open_model(folder).config
    usual = config.calibration
    points = {
        name: replace(point, error_rate=min(point.error_rate + 0.123, 1.0))
        for name, point in usual.points.items()
    }
    own = replace(usual, intercept=usual.intercept - 1.0, points=points)
    condition = Condition(("photograph", "photograph"), own, 2)
    write_config(folder, replace(config, conditions=(condition,), novelty_limit=None))
    return SameHand(folder, threads=1)


@pytest.fixture(scope="module")
def pair(work_of, tmp_path_factory):
    """Two photographs, whose error rate is not the one of the usual pictures."""
    folder = tmp_path_factory.mktemp("pair")
    for number in range(2):
        work_of(number, number, (420, 360)).save(folder / f"{number}.png")
    return [folder / f"{number}.png" for number in range(2)]


def plain(page: str) -> str:
    """Return the words of a page or of a terminal, whatever their lines."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split()).replace(" ,", ",")


@pytest.mark.slow
@pytest.mark.usefixtures("pango")
def test_text_json_page_report_and_pdf_of_one_pair_agree(model, pair, samehand, tmp_path):
    text = samehand("compare", *pair, "--model", model.folder.path)[1]
    verdict = json.loads(samehand("compare", *pair, "--model", model.folder.path, "--json")[1])
    for kind in ("html", "pdf"):
        out = tmp_path / f"r.{kind}"
        assert samehand("report", *pair, "--model", model.folder.path, "-o", out)[0] == 0
    with TestClient(create_app(model, Limits()), base_url="http://localhost:8017") as client:
        files = {
            side: (path.name, path.read_bytes(), "image/png")
            for side, path in zip(("left", "right"), pair, strict=True)
        }
        page = client.post("/", files=files, data={"operating_point": "eer"})
    assert page.status_code == 200, page.text[:300]
    report = (tmp_path / "r.html").read_text("utf-8")
    shown = {
        "text": plain(text),
        "page": plain(page.text),
        "report": plain(report),
        "pdf": pdf_words(report),
    }
    assert (verdict["condition"], verdict["decision"]) == ("two photographs", "different")
    rate, llr = f"{verdict['error_rate']:.1%}", f"{verdict['llr']:+.2f}"
    for where, words in shown.items():
        packed = "".join(words.split()).lower()
        for fact in (verdict["condition"], rate, llr, verdict["decision"]):
            assert "".join(fact.split()).lower() in packed, (where, fact)
    assert attached(tmp_path / "r.pdf")["llr"] == verdict["llr"]


def pdf_words(report: str) -> str:
    """Return what stands on the pages of a report's PDF, as it was laid out."""
    import weasyprint

    def texts(box) -> str:
        return getattr(box, "text", "") + "".join(
            texts(one) for one in getattr(box, "children", ())
        )

    return " ".join(texts(page._page_box) for page in weasyprint.HTML(string=report).render().pages)


def attached(path):
    """Return the verdict that a PDF carries as a file."""
    import zlib

    for found in re.finditer(rb"stream\r?\n(.*?)endstream", path.read_bytes(), re.DOTALL):
        try:
            data = zlib.decompress(found[1])
        except zlib.error:
            continue
        if data.startswith(b"{") and b'"llr"' in data:
            return json.loads(data)
    raise AssertionError("no verdict is attached")


def test_files_are_named_without_their_folders_unless_they_share_a_name(tmp_path):
    a, b, c = tmp_path / "x" / "1.jpg", tmp_path / "y" / "1.jpg", tmp_path / "y" / "2.jpg"
    assert short_names([a, c]) == ["1.jpg", "2.jpg"]
    assert short_names([a, b, c]) == ["x/1.jpg", "y/1.jpg", "2.jpg"]
    assert short_names([a, a]) == ["1.jpg", "1.jpg"]
    deep = [tmp_path / one / "x" / "1.jpg" for one in "pq"]
    assert short_names(deep) == ["p/x/1.jpg", "q/x/1.jpg"]
    assert short_names([]) == []
