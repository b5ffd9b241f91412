"""Who is let in: sessions, roles, wrong passwords, and whose name stands beside a decision."""

import re
import shutil

import pytest
from fastapi.testclient import TestClient

from samehand.gallery import Gallery
from samehand.web import sessions as sessions_module
from samehand.web.access import decider_of
from samehand.web.app import create_app
from samehand.web.login_page import own_path
from samehand.web.sessions import COOKIE, SESSION_SECONDS, TRIES
from samehand.web.users import Users, with_user, without_user

HERE = "http://127.0.0.1:8017"
ANN = {"name": "Ann", "password": "correct horse battery"}
BO = {"name": "Bo", "password": "another long one"}

# What is posted and changes nothing that is kept.
ASKING = {
    "/", "/report", "/reference", "/reference/report", "/identify", "/gallery",
    "/gallery/suspects", "/login", "/logout",
    "/api/v1/compare", "/api/v1/evidence", "/api/v1/report", "/api/v1/verify",
    "/api/v1/verify/report", "/api/v1/gallery/search", "/api/v1/gallery/identify",
    "/api/v1/gallery/cluster", "/api/v1/gallery/queue",
}  # fmt: skip


@pytest.fixture
def file(tmp_path):
    with_user(tmp_path / "users.json", "Ann", "decider", ANN["password"])
    with_user(tmp_path / "users.json", "Bo", "reader", BO["password"])
    return tmp_path / "users.json"


@pytest.fixture
def app(shipped, limits, shelf, file, tmp_path):
    shutil.copytree(shelf.folder, tmp_path / "g")
    with Gallery.open(tmp_path / "g") as gallery:
        yield create_app(shipped, limits, {"museum.example"}, gallery=gallery, users=Users(file))


@pytest.fixture
def someone(app):
    with TestClient(app, base_url=HERE, follow_redirects=False) as client:
        yield client


def signed_in(client: TestClient, who: dict[str, str]) -> TestClient:
    client.cookies.clear()
    assert client.post("/login", data=who).status_code == 303
    return client


def test_strangers_are_sent_to_sign_in_and_come_back(someone):
    sent = someone.get("/gallery?q=Artist&sort=title")
    assert sent.status_code == 303
    assert sent.headers["location"] == "/login?next=%2Fgallery%3Fq%3DArtist%26sort%3Dtitle"
    page = someone.get(sent.headers["location"])
    assert page.status_code == 200
    wanted = re.search(r'name="next" value="([^"]+)"', page.text)[1].replace("&amp;", "&")
    back = someone.post("/login", data=ANN | {"next": wanted})
    assert back.headers["location"] == "/gallery?q=Artist&sort=title"
    assert "Ann" in someone.get(back.headers["location"]).text


def test_everything_but_the_login_and_health_is_shut(app, someone, routes_of):
    for route in routes_of(app):
        path = re.sub(r"{\w+}", "1", route.path)
        for method in getattr(route, "methods", None) or ():
            status = someone.request(method, path).status_code
            if path in ("/healthz", "/readyz"):
                assert status == 200, path
            elif path not in ("/login", "/logout"):
                assert status in (303, 401), (method, path)
    assert someone.get("/static/style.css").status_code == 200
    assert someone.get("/api/v1/gallery").headers["www-authenticate"].startswith("Basic")


def test_a_session_is_a_cookie_that_scripts_and_other_sites_do_not_get(someone):
    told = someone.post("/login", data=ANN).headers["set-cookie"]
    assert "HttpOnly" in told
    assert "SameSite=lax" in told
    assert "Path=/;" in told
    assert f"Max-Age={SESSION_SECONDS}" in told
    assert "Secure" not in told
    assert ANN["password"] not in told


def test_over_tls_the_cookie_is_sent_over_tls_alone(app):
    with TestClient(app, base_url="https://museum.example", follow_redirects=False) as client:
        assert "Secure" in client.post("/login", data=ANN).headers["set-cookie"]


def test_forged_and_altered_cookies_are_nobody(app, someone):
    signed_in(someone, ANN)
    cookie = someone.cookies[COOKIE]
    payload, rest = cookie.split(".", 1)
    for bad in ("", "x", cookie[:-2], "A" + cookie[1:], f"{payload}x.{rest}", cookie * 2):
        assert app.state.sessions.of_cookie(bad) is None
    assert app.state.sessions.of_cookie(cookie).name == "Ann"


def test_a_session_ends_after_a_day(app, someone, monkeypatch):
    signed_in(someone, ANN)
    monkeypatch.setattr(sessions_module, "SESSION_SECONDS", -1)
    assert app.state.sessions.of_cookie(someone.cookies[COOKIE]) is None


def test_signing_out_ends_the_session_for_every_copy_of_its_cookie(someone):
    signed_in(someone, ANN)
    copied = someone.cookies[COOKIE]
    assert someone.post("/logout").status_code == 303
    assert COOKIE not in someone.cookies
    someone.cookies.set(COOKIE, copied)
    assert someone.get("/").status_code == 303


def test_a_session_that_was_ended_too_late_does_not_live_again_when_the_clock_is_set_back(
    app, someone, monkeypatch
):
    signed_in(someone, ANN)
    cookie = someone.cookies[COOKIE]
    with monkeypatch.context() as jumped:
        jumped.setattr(sessions_module, "SESSION_SECONDS", -1)
        app.state.sessions.end(cookie)
    assert app.state.sessions.of_cookie(cookie) is None


def test_a_removed_user_and_a_new_password_end_sessions(file, someone):
    signed_in(someone, BO)
    assert someone.get("/").status_code == 200
    with_user(file, "Bo", "reader", "yet another one")
    assert someone.get("/").status_code == 303
    signed_in(someone, BO | {"password": "yet another one"})
    without_user(file, "Bo")
    assert someone.get("/").status_code == 303


def test_while_the_file_cannot_be_read_nobody_is_let_in(file, someone):
    signed_in(someone, BO)
    file.write_text("{")
    assert someone.get("/").status_code == 503
    assert someone.get("/healthz").status_code == 200


def test_readers_see_and_ask_but_decide_nothing(someone, pair):
    signed_in(someone, BO)
    assert someone.post("/api/v1/compare", files=pair).status_code == 200
    assert someone.get("/gallery").status_code == 200
    for path in ("/gallery/queue", "/gallery/queue/undo"):
        assert someone.post(path).status_code == 403
    for path in ("decisions", "decisions/undo"):
        told = someone.post(f"/api/v1/gallery/{path}")
        assert told.status_code == 403
        assert "only deciders" in told.json()["detail"]


def test_every_route_that_changes_something_is_the_deciders(app, routes_of):
    def takes(dependant) -> bool:
        return any(one.call is decider_of or takes(one) for one in dependant.dependencies)

    seen = set()
    for route in routes_of(app):
        methods = set(getattr(route, "methods", None) or ()) - {"GET", "HEAD"}
        if methods and route.path not in ASKING:
            assert takes(route.dependant), route.path
            seen.add(route.path)
    assert {"/gallery/queue", "/api/v1/gallery/decisions"} <= seen


def test_a_decision_bears_the_name_of_the_user_whatever_is_said(someone):
    signed_in(someone, ANN)
    works = someone.get("/api/v1/gallery/works").json()["works"]
    asked = {"first": works[0]["path"], "second": works[5]["path"], "label": "same", "by": "Eve"}
    made = someone.post("/api/v1/gallery/decisions", data=asked).json()
    assert made["by"] == "Ann"
    undone = someone.post("/api/v1/gallery/decisions/undo", data={"id": made["id"], "by": "Eve"})
    assert undone.status_code == 200


def test_programs_send_a_name_and_password(someone):
    asked = {"auth": (ANN["name"], ANN["password"])}
    for _ in range(2):
        assert someone.get("/api/v1/gallery", **asked).status_code == 200
    assert someone.get("/api/v1/gallery", auth=("Ann", "wrong")).status_code == 401
    for told in ("Basic !!!", "Basic QW5u", "Bearer x", "Basic"):
        assert someone.get("/", headers={"authorization": told}).status_code == 303


def test_wrong_passwords_have_to_wait_and_so_does_the_right_one(someone):
    for _ in range(TRIES):
        wrong = someone.post("/login", data=ANN | {"password": "wrong"})
        assert wrong.status_code == 401
        assert "do not belong together" in wrong.text
    held = someone.post("/login", data=ANN)
    assert held.status_code == 429
    assert 0 < int(held.headers["retry-after"]) <= 15 * 60
    assert someone.get("/api/v1/gallery", auth=("Ann", ANN["password"])).status_code == 429
    assert someone.post("/login", data=BO).status_code == 303


def test_names_that_do_not_exist_are_told_the_same(someone):
    one = someone.post("/login", data={"name": "Nobody", "password": "x" * 12})
    two = someone.post("/login", data={"name": "Ann", "password": "x" * 12})
    assert one.status_code == two.status_code == 401
    assert one.text.replace("Nobody", "Ann") == two.text


def test_another_site_signs_nobody_in_or_out(someone):
    signed_in(someone, ANN)
    for path in ("/login", "/logout"):
        sent = someone.post(path, data=ANN, headers={"origin": "https://evil.example"})
        assert sent.status_code == 403
    assert someone.get("/").status_code == 200


def test_what_is_posted_when_the_session_is_over_says_so_in_place(someone):
    told = someone.post("/gallery/queue")
    assert told.status_code == 401
    assert 'role="alert"' in told.text


@pytest.mark.parametrize(
    "wanted",
    ["https://evil.example", "//evil.example", "/\\evil.example", "gallery", "", "/login", "/a\n"],
)
def test_signing_in_leads_nowhere_else(wanted):
    assert own_path(wanted) == "/"


def test_without_users_nobody_signs_in_and_everybody_decides(served):
    assert served.get("/login").status_code == 404
    assert "Sign out" not in served.get("/").text
