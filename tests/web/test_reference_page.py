"""A doubtful work beside secure ones: from the API, from the form, and step by step."""

import json

import pytest


@pytest.fixture(scope="module")
def files(work_of, png):
    known = [("references", (f"r{n}.png", png(work_of(1, n)), "image/png")) for n in range(1, 4)]
    return [("probe", ("p.png", png(work_of(1, 0)), "image/png")), *known]


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
