"""Who is answered: only known hosts, and no other site's page."""

import pytest
from starlette.datastructures import Headers

from samehand.web.guard import CONTENT_SECURITY_POLICY, HEADERS, cross_site, known_host

HOST = "127.0.0.1:8017"


@pytest.mark.parametrize(
    "host",
    ["localhost", "LOCALHOST:80", "127.0.0.1", "127.0.0.1:8017", "[::1]:8017", "10.0.0.7:99"],
)
def test_addresses_and_localhost_are_known(host):
    assert known_host(host, {"localhost"})


@pytest.mark.parametrize(
    "host",
    [
        "",
        "evil.example",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "evil.example@localhost.evil.example",
        "[::1",
        "museum.example",
    ],
)
def test_other_names_are_not(host):
    assert not known_host(host, {"localhost"})


def test_a_rebound_name_gets_nothing(client):
    answer = client.get("/", headers={"host": "evil.example"})
    assert answer.status_code == 421
    assert "samehand" not in answer.text
    assert client.get("/", headers={"host": "museum.example:8017"}).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": "http://evil.example"},
        {"origin": "http://127.0.0.1:9999"},
        {"origin": "null"},
        {"origin": "http://["},
        {"sec-fetch-site": "none", "origin": "http://evil.example"},
    ],
)
def test_posts_of_other_sites_are_refused(client, pair, headers):
    assert cross_site(Headers(headers), HOST)
    for path in ("/", "/report", "/api/v1/compare"):
        assert client.post(path, files=pair, headers=headers).status_code == 403


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"sec-fetch-site": "same-origin", "origin": f"http://{HOST}"},
        {"origin": f"http://{HOST}"},
        {"sec-fetch-site": "none"},
    ],
)
def test_posts_of_this_site_and_of_programs_are_not(headers):
    assert not cross_site(Headers(headers), HOST)


def test_a_post_of_this_site_is_answered(client, pair):
    headers = {"sec-fetch-site": "same-origin", "origin": f"http://{HOST}"}
    assert client.post("/api/v1/compare", files=pair, headers=headers).status_code == 200


@pytest.mark.parametrize(
    "path", ["/", "/api", "/healthz", "/metrics", "/static/style.css", "/nothing", "/api/v1/none"]
)
def test_every_answer_carries_the_policy(client, path):
    headers = client.get(path).headers
    assert headers["content-security-policy"] == CONTENT_SECURITY_POLICY
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"]
    assert "server" not in headers


def test_the_policy_lets_nothing_in_from_elsewhere_and_runs_nothing_inline():
    rules = dict(rule.strip().split(" ", 1) for rule in CONTENT_SECURITY_POLICY.split(";"))
    assert rules["default-src"] == "'none'"
    assert rules["script-src"] == rules["style-src"] == rules["connect-src"] == "'self'"
    assert "unsafe" not in CONTENT_SECURITY_POLICY
    assert "http" not in CONTENT_SECURITY_POLICY


def test_a_browser_is_not_told_to_hide_where_our_own_forms_come_from():
    # "no-referrer" has it post them with the origin "null", which is refused as foreign.
    assert HEADERS["referrer-policy"] == "same-origin"
    assert cross_site(Headers({"sec-fetch-site": "same-origin", "origin": "null"}), "localhost")
