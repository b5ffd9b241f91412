"""Behind a prefix: the same pages, whether the proxy passes the prefix on or takes it away."""

import re

import pytest
from fastapi.testclient import TestClient

from samehand.errors import SamehandError
from samehand.web.app import create_app
from samehand.web.prefix import TAKEN, checked_prefix
from samehand.web.serve import checked_proxies

HERE = "http://127.0.0.1:8017"


@pytest.fixture(scope="module")
def under(shipped, limits, shelf):
    app = create_app(shipped, limits, gallery=shelf, prefix="/tools/hand")
    with TestClient(app, base_url=HERE, follow_redirects=False) as client:
        yield client


@pytest.mark.parametrize("passed", ["", "/tools/hand"])
@pytest.mark.parametrize(
    "path", ["/", "/gallery", "/gallery/map", "/gallery/queue", "/reference", "/api"]
)
def test_every_address_of_a_page_bears_the_prefix(under, passed, path):
    page = under.get(passed + path)
    assert page.status_code == 200
    addresses = re.findall(r'(?:href|src|action|formaction)="(/[^"]*)"', page.text)
    assert len(addresses) > 8
    for address in addresses:
        assert address.startswith("/tools/hand/"), address
    assert 'aria-current="page"' in page.text


@pytest.mark.parametrize("passed", ["", "/tools/hand"])
def test_calls_files_and_errors_are_found(under, passed, pair):
    assert under.get(passed + "/static/style.css").status_code == 200
    assert under.get(passed + "/healthz").json()["status"] == "ok"
    assert under.get(passed + "/api/v1/gallery").status_code == 200
    assert "detail" in under.get(passed + "/api/v1/nothing").json()
    assert "text/html" in under.get(passed + "/nothing").headers["content-type"]
    assert under.post(passed + "/api/v1/compare", files=pair).status_code == 200
    beyond = under.get(passed + "/gallery?page=99")
    assert beyond.headers["location"] == "/tools/hand/gallery?page=1"
    refused = under.get(passed + "/gallery/picture/0", headers={"sec-fetch-site": "cross-site"})
    assert refused.status_code == 403


def test_the_prefix_alone_is_the_first_page(under):
    assert under.get("/tools/hand").status_code == 200


def test_the_description_for_programs_names_the_prefix(under):
    described = under.get("/tools/hand/api/v1/openapi.json").json()
    assert {"url": "/tools/hand"} in described["servers"]


def test_prefixes_are_written_in_one_way():
    assert checked_prefix("") == checked_prefix("/") == ""
    assert checked_prefix("hand/") == checked_prefix("/hand") == "/hand"
    for bad in ("/gallery", "api/x", "/a b", "/../x", "/ä", "/a?b", '/"'):
        with pytest.raises(SamehandError, match="--root-path"):
            checked_prefix(bad)


def test_no_page_can_be_taken_for_a_prefix(under, routes_of):
    firsts = {route.path.split("/")[1] for route in routes_of(under.app)} - {""}
    assert firsts <= set(TAKEN)


def test_proxies_are_addresses_or_networks():
    assert checked_proxies(["10.0.0.7", "::1", "172.31.80.0/24"]) == [
        "10.0.0.7/32",
        "::1/128",
        "172.31.80.0/24",
    ]
    for bad in ("*", "nginx", "10.0.0.300"):
        with pytest.raises(SamehandError, match="--proxy"):
            checked_proxies([bad])
