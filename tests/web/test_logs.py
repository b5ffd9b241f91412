"""What the server's logs say, and what they never hold."""

import json
import logging

import pytest
from fastapi import APIRouter
from fastapi.testclient import TestClient

from samehand.web.app import create_app
from samehand.web.logs import configure_logs


@pytest.fixture(autouse=True)
def _loggers_as_they_were():
    names = ("samehand.access", "samehand.error", "uvicorn", "python_multipart")
    before = {
        name: (list(one.handlers), one.propagate, one.level)
        for name in names
        for one in [logging.getLogger(name)]
    }
    yield
    for name, (handlers, propagate, level) in before.items():
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = handlers, propagate
        logger.setLevel(level)


def test_each_request_is_a_line_of_json_that_holds_nothing_of_the_picture(client, pair, capsys):
    configure_logs("json", access=True)
    # A query that the call does not have is refused, and its words are logged no more than others.
    answer = client.post(
        "/api/v1/compare?where=artist=Secret", files=pair, headers={"x-request-id": "from-proxy.1"}
    )
    assert answer.headers["x-request-id"] == "from-proxy.1"
    (line,) = capsys.readouterr().out.splitlines()
    said = json.loads(line)
    assert {"time", "client", "ms"} <= set(said)
    assert said["request_id"] == "from-proxy.1"
    assert (said["method"], said["path"], said["status"]) == ("POST", "/api/v1/compare", 422)
    assert said["bytes"] == len(answer.content)
    assert "a.png" not in line
    assert "Secret" not in line


@pytest.mark.parametrize("sent", ["two words", "x" * 65, "a\tb=1", ""])
def test_an_identity_that_is_not_one_plain_word_is_replaced(client, sent):
    given = client.get("/healthz", headers={"x-request-id": sent}).headers["x-request-id"]
    assert given != sent
    assert len(given) == 32


def test_no_path_makes_up_a_line_or_a_field(client, capsys):
    configure_logs("text", access=True)
    client.get("/a b%0A2026-01-01 error status=200")
    (line,) = capsys.readouterr().out.splitlines()
    assert line.split(" bytes=")[0].endswith("status=404")
    assert r'path="/a b\n2026-01-01 error status=200"' in line


def test_refusals_are_logged_too(client, capsys):
    configure_logs("text", access=True)
    client.get("/", headers={"host": "rebound.example"})
    assert "status=421" in capsys.readouterr().out


def test_a_fault_is_answered_with_the_identity_under_which_the_log_explains_it(
    verifier, limits, capsys
):
    app = create_app(verifier, limits)
    broken = APIRouter()

    @broken.get("/broken")
    async def fail() -> None:
        raise RuntimeError("the plate broke")

    app.include_router(broken)
    configure_logs("json", access=True)
    with TestClient(app, base_url="http://127.0.0.1") as client:
        answer = client.get("/broken", headers={"x-request-id": "one"})
    assert answer.status_code == 500
    assert answer.json() == {"detail": "The server failed; its log says why under one."}
    assert answer.headers["x-content-type-options"] == "nosniff"
    streams = capsys.readouterr()
    error = json.loads(streams.err)
    assert error["request_id"] == "one"
    assert "the plate broke" in error["traceback"]
    assert json.loads(streams.out)["status"] == 500


def test_without_access_logs_only_errors_are_written(client, capsys):
    configure_logs("text", access=False)
    client.get("/healthz")
    assert capsys.readouterr() == ("", "")


def test_a_form_that_is_none_is_no_line_of_its_own(client, capsys, monkeypatch):
    configure_logs("json", access=False)
    # pytest's own handler would keep the last resort, standard error, from being used.
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    form = {"content-type": "multipart/form-data; boundary=y"}
    answer = client.post("/api/v1/compare", content=b"--x\r\n\r\n", headers=form)
    assert answer.status_code == 400
    assert capsys.readouterr() == ("", "")
