"""A doubtful work beside secure ones: from the API, from the form, and step by step."""

import copy
import html
import json
import re
from dataclasses import replace

import pytest
from fastapi.testclient import TestClient
from PIL import Image

from samehand.scoring.references import ReferenceRule
from samehand.web.app import create_app

HERE = "http://127.0.0.1:8017"


@pytest.fixture(scope="module")
def files(painting_of, png):
    known = [
        ("references", (f"r{n}.png", png(painting_of(1, n)), "image/png")) for n in range(1, 4)
    ]
    return [("probe", ("p.png", png(painting_of(1, 0)), "image/png")), *known]


def test_the_api_answers_as_the_facade(whole_client, files, shipped):
    answer = whole_client.post("/api/v1/verify", files=files, data={"prior": "0.1"}).json()
    expected = shipped.verify(
        files[0][1][1], [file[1] for _, file in files[1:]], prior=0.1
    ).to_dict()
    for name in ("score", "llr", "probability"):
        assert answer[name] == pytest.approx(expected[name], rel=1e-4)
    for name in ("decision", "strength", "coherent", "warnings", "model"):
        assert answer[name] == expected[name]
    assert [step["references"] for step in answer["growth"]] == [1, 2, 3]
    assert [one["name"] for one in answer["references"]] == ["r1.png", "r2.png", "r3.png"]
    assert answer["probe"] == "p.png"


def test_the_evidence_grows_line_by_line(whole_client, files):
    answer = whole_client.post(
        "/reference", files=files, headers={"accept": "application/x-ndjson"}
    )
    lines = [json.loads(line) for line in answer.text.splitlines()]
    assert [(line["done"], line["of"]) for line in lines] == [(1, 3), (2, 3), (3, 3)]
    assert "r3.png" in lines[2]["html"]
    assert "r3.png" not in lines[1]["html"]


def test_a_bad_reference_ends_the_lines_with_the_reason(whole_client, files):
    torn = ("references", ("torn.png", b"torn", "image/png"))
    answer = whole_client.post(
        "/reference", files=[*files[:2], torn], headers={"accept": "application/x-ndjson"}
    )
    lines = [json.loads(line) for line in answer.text.splitlines()]
    assert lines[0]["done"] == 1
    assert lines[1]["problem"].startswith("torn.png is not an image")


def test_without_scripts_the_last_step_is_a_page(whole_client, files):
    page = whole_client.post("/reference", files=files).text
    assert "What each work says" in page
    assert "How the evidence grows" in page
    assert page.count("data:image/jpeg;base64,") == 4


def test_references_are_needed(whole_client, files):
    answer = whole_client.post("/api/v1/verify", files=files[:1])
    assert answer.status_code == 422
    assert answer.json()["detail"] == "references: Field required"


def test_too_many_files_are_refused(whole_client, files, limits):
    many = [("references", file) for _, file in files[1:]] * limits.files
    answer = whole_client.post("/api/v1/verify", files=[files[0], *many])
    assert answer.status_code == 400
    assert "Too many files" in answer.json()["detail"]


def test_a_model_without_the_rule_says_so(client, files):
    answer = client.post("/api/v1/verify", files=files)
    assert answer.status_code == 422
    assert "calibrated for pairs only" in answer.json()["detail"]


def limited(points, limit: float):
    same = max(limit, points["fmr1"].same_at_least)
    changed = replace(points["fmr1"], different_at_most=limit, same_at_least=same)
    return points | {"fmr1": changed}


@pytest.fixture(scope="module")
def doubting(shipped, files, png, limits):
    """An app whose model calls the last of four references odd, and those references.

    Where "odd" begins is measured anew for every model; here it lies between that reference and the
    others, so that what is shown does not depend on any model's figures.
    """
    stranger = png(Image.effect_noise((90, 70), 90).convert("RGB"))
    posted = [*files, ("references", ("<i>stranger.png", stranger, "image/png"))]
    verdict = shipped.verify(posted[0][1][1], [file[1] for _, file in posted[1:]])
    *others, odd = [one.coherence for one in verdict.references]
    assert odd < min(others)
    attribution = shipped.folder.config.attribution
    calibration = attribution.references.at(3).calibration
    limit = ((odd + min(others)) / 2 - calibration.intercept) / calibration.slope
    steps = tuple(
        replace(step, calibration=replace(step.calibration, points=limited(points, limit)))
        for step in attribution.references.steps
        for points in [step.calibration.points]
    )
    rule = replace(attribution, references=ReferenceRule(steps))
    verifier = copy.copy(shipped)
    verifier.folder = replace(
        shipped.folder, config=replace(shipped.folder.config, attribution=rule)
    )
    with TestClient(create_app(verifier, limits), base_url=HERE) as client:
        yield client, posted


def test_the_page_points_at_the_odd_one(doubting):
    client, posted = doubting
    page = client.post("/reference", files=posted).text
    works = page.split('<ul class="works">')[1].split("</ul>")[0].split("<li ")[1:]
    for work, (_, file) in zip(works, posted[1:], strict=True):
        odd = "stranger" in file[0]
        assert html.escape(file[0]) in work
        assert ("does not belong with the others" in work) == odd
        assert bool(re.match(r'class="\w+ odd"', work)) == odd
    assert "not all belong together" in page
    assert "the references may not be by one artist: &lt;i&gt;stranger.png stands out" in page
    assert "<i>stranger" not in page


def test_so_does_the_report(doubting):
    client, posted = doubting
    answer = client.post("/reference/report", files=posted)
    assert answer.headers["content-disposition"].startswith("attachment")
    figures = re.findall(r"<figure( class=\"odd\")?>(.*?)</figure>", answer.text, re.DOTALL)
    marked = [(bool(odd), "does not belong with the others" in text) for odd, text in figures]
    # The doubtful work comes first.
    assert marked == [(False, False)] * 4 + [(True, True)]
    part = answer.text.split("Do the references belong together?")[1].split("</section>")[0]
    assert re.findall(r"<li>(\S+) \([-+]\d\.\d\d with the others\)", part) == [
        "&lt;i&gt;stranger.png"
    ]
    assert "Look at them before trusting the verdict" in part


def test_the_form_and_the_api_hand_over_the_same_report(whole_client, files):
    form = whole_client.get("/reference").text
    assert '<button formaction="/reference/report">' in form
    page = whole_client.post("/reference", files=files).text
    assert re.search(r'form="ask" formaction="/reference/report" data-share hidden', page)
    reports = [
        whole_client.post(path, files=files, data={"prior": "0.2"})
        for path in ("/reference/report", "/api/v1/verify/report")
    ]
    assert reports[0].status_code == 200
    assert reports[0].text == reports[1].text
    assert "from 20% before looking" in reports[0].text
    assert reports[0].text.count("data:image/jpeg") == 4
    assert "belong with the others" not in reports[0].text


def test_a_report_on_a_torn_reference_is_refused(whole_client, files):
    torn = ("references", ("torn.png", b"torn", "image/png"))
    answer = whole_client.post("/reference/report", files=[*files[:2], torn])
    assert answer.status_code == 422
    assert "torn.png is not an image" in answer.text
