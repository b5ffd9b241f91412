"""The API answers what the command line answers, and describes itself truly."""

import contextlib
import io
import json
import re
import sys
import zlib

import pytest

from samehand import Verdict


def without_time(values: dict) -> dict:
    return {name: value for name, value in values.items() if name != "seconds"}


def test_compare_gives_the_verdict_of_the_facade(client, pair, verifier):
    answer = client.post("/api/v1/compare", files=pair, data={"prior": "0.1"})
    assert answer.status_code == 200
    expected = verifier.compare(pair["left"][1], pair["right"][1], prior=0.1)
    assert without_time(answer.json()) == without_time(
        expected.to_dict() | {"left": "a.png", "right": "b.png"}
    )


def test_the_order_of_the_files_does_not_matter(client, pair):
    swapped = {"left": pair["right"], "right": pair["left"]}
    one = client.post("/api/v1/compare", files=pair).json()
    two = client.post("/api/v1/compare", files=swapped).json()
    assert one["score"] == two["score"]


def test_a_strong_compression_is_told_as_the_command_line_tells_it(
    client, verifier, work_of, png, samehand, tmp_path
):
    """The decoder processes once dropped the JPEG's quality on the way."""
    buffer = io.BytesIO()
    work_of(3, 0, (60, 50)).save(buffer, "JPEG", quality=10)
    (tmp_path / "a.jpg").write_bytes(buffer.getvalue())
    (tmp_path / "b.png").write_bytes(png(work_of(4, 0)))
    files = {
        "left": ("a.jpg", buffer.getvalue(), "image/jpeg"),
        "right": ("b.png", (tmp_path / "b.png").read_bytes(), "image/png"),
    }
    answer = client.post("/api/v1/compare", files=files).json()
    assert any("a JPEG of quality 10 of 100" in text for text in answer["warnings"])
    said = samehand(
        "compare", tmp_path / "a.jpg", tmp_path / "b.png", "--json", "--model", verifier.folder.path
    )
    assert json.loads(said.out)["warnings"] == answer["warnings"]


def test_evidence_is_what_the_package_finds(client, pair, verifier):
    answer = client.post("/api/v1/evidence", files=pair).json()
    expected = verifier.explain(pair["left"][1], pair["right"][1], influence=False)
    assert answer["evidence"] == expected.to_dict()
    assert set(answer) == set(Verdict.__dataclass_fields__)
    assert answer["evidence"]["left"]["influence"] is None


def test_evidence_covers_regions_where_that_is_asked_for(client, pair):
    answer = client.post("/api/v1/evidence", files=pair, data={"cover": "true"}).json()
    assert answer["evidence"]["left"]["influence"]


def _inflated(stream: bytes) -> bytes:
    with contextlib.suppress(zlib.error):
        return zlib.decompress(stream)
    return stream


@pytest.mark.usefixtures("pango")
@pytest.mark.parametrize("path", ["/api/v1/report", "/report"])
def test_a_report_is_a_pdf_where_that_is_asked_for(client, pair, path):
    answer = client.post(path, files=pair, params={"format": "pdf"})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.headers["content-disposition"].endswith('"samehand-report.pdf"')
    assert answer.content.startswith(b"%PDF-")
    # Names of attached files stand in compressed streams.
    streams = re.findall(rb"stream\r?\n(.*?)\r?\nendstream", answer.content, re.DOTALL)
    assert any(b"verdict.json" in _inflated(stream) for stream in streams)


def test_without_what_writes_pdf_the_api_says_so(client, pair, monkeypatch):
    monkeypatch.setitem(sys.modules, "weasyprint", None)
    answer = client.post("/api/v1/report", files=pair, params={"format": "pdf"})
    assert answer.status_code == 422
    assert "report" in answer.json()["detail"]
    assert client.post("/api/v1/report", files=pair).status_code == 200


def test_the_report_is_one_file_to_keep(client, pair):
    answer = client.post("/api/v1/report", files=pair)
    assert answer.status_code == 200
    assert answer.headers["content-disposition"].startswith("attachment")
    assert "data:image/jpeg;base64," in answer.text
    assert "a.png" in answer.text
    assert 'src="http' not in answer.text


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"prior": "0"}, "prior"),
        ({"prior": "nan"}, "prior"),
        ({"prior": "likely"}, "prior"),
        ({"operating_point": "best"}, "operating_point"),
    ],
)
def test_a_wrong_field_is_named_in_one_sentence(client, pair, data, words):
    answer = client.post("/api/v1/compare", files=pair, data=data)
    assert answer.status_code == 422
    assert answer.json()["detail"].startswith(f"{words}: ")


def test_a_misspelt_field_is_refused_and_the_field_that_was_meant_is_named(client, pair):
    """Ignored, it would leave the default in force, and the answer would look as if asked for."""
    answer = client.post("/api/v1/compare", files=pair, data={"operatingpoint": "fmr1"})
    assert answer.status_code == 422
    assert answer.json()["detail"] == (
        "operatingpoint: no such field; did you mean operating_point?"
    )
    answer = client.post("/api/v1/report?fromat=pdf", files=pair)
    assert answer.json()["detail"] == "fromat: no such field; did you mean format?"
    answer = client.post("/api/v1/compare", files=pair | {"third": pair["left"]})
    assert answer.json()["detail"] == (
        "third: no such field; the call has left, right, prior, operating_point"
    )


def test_a_wrong_address_or_method_says_where_to_look(client):
    missing = client.get("/api/v1/compair")
    assert missing.json()["detail"] == (
        "There is nothing at /api/v1/compair; /api lists the calls."
    )
    wrong = client.get("/api/v1/compare")
    assert wrong.status_code == 405
    assert wrong.json()["detail"] == "/api/v1/compare is asked with POST, not GET."


def test_a_missing_file_is_named(client, pair):
    answer = client.post("/api/v1/compare", files={"left": pair["left"]})
    assert answer.status_code == 422
    assert answer.json()["detail"] == "right: Field required"


def test_a_file_that_is_no_picture_is_named(client, pair):
    files = pair | {"right": ("notes.txt", b"no picture at all", "image/png")}
    answer = client.post("/api/v1/compare", files=files)
    assert answer.status_code == 422
    assert answer.json()["detail"].startswith("notes.txt is not an image that can be read")


def test_openapi_describes_every_call_with_its_errors_and_every_field(client):
    described = client.get("/api/v1/openapi.json").json()
    assert {"/api/v1/compare", "/api/v1/evidence", "/healthz", "/metrics"} <= set(
        described["paths"]
    )
    answers = described["paths"]["/api/v1/compare"]["post"]["responses"]
    assert {"200", "413", "422", "429"} <= set(answers)
    schema = described["components"]["schemas"]["Verdict"]
    assert list(schema["properties"]) == list(Verdict.__dataclass_fields__)
    for name, field in schema["properties"].items():
        assert field["description"], name
    for answer in answers.values():
        assert "HTTPValidationError" not in str(answer)


def test_health_names_the_model(client, verifier):
    assert client.get("/healthz").json()["model"] == verifier.folder.identity


def test_metrics_count_requests_by_route_and_not_by_path(client):
    client.get("/healthz")
    client.get("/made-up-by-a-scanner")
    text = client.get("/metrics").text
    assert 'samehand_http_requests_total{method="GET",route="/healthz",status="200"}' in text
    assert "samehand_questions_waiting 0.0" in text
    assert "made-up" not in text
