"""Requests as clients and strangers really send them: every refusal is one sentence, as JSON."""

import html

import pytest
from fastapi.testclient import TestClient

from samehand.gallery import Gallery
from samehand.gallery.works import Work
from samehand.web.app import create_app
from samehand.web.limits import Limits

HERE = "http://127.0.0.1:8017"
MARKUP = '<img src="http://evil.example/x.png" onerror=alert(1)>'


@pytest.mark.parametrize("path", ["/", "/healthz", "/api", "/metrics", "/reference", "/nowhere"])
def test_head_answers_like_get_without_a_body(client, path):
    got, head = client.get(path), client.head(path)
    assert head.status_code == got.status_code
    assert head.headers["content-type"] == got.headers["content-type"]
    assert head.content == b""


@pytest.mark.parametrize("text", ["https://example.org/a.jpg", "x" * 70_000])
def test_a_picture_sent_as_text_is_told_how_to_be_sent(client, pair, text):
    answer = client.post("/api/v1/compare", data={"left": text}, files={"right": pair["right"]})
    assert answer.status_code in (400, 422)
    detail = answer.json()["detail"]
    assert "left" in detail
    assert "as a file" in detail
    assert "class" not in detail


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"origin": "https://evil.example"}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"host": "evil.example"}, 421),
        ({"content-length": str(2**21)}, 413),
    ],
)
def test_whatever_is_refused_before_it_is_read_says_why_as_json(client, headers, status):
    answer = client.post("/api/v1/compare", headers=headers, content=b"")
    assert answer.status_code == status
    assert list(answer.json()) == ["detail"]


def test_a_body_without_a_length_that_grows_too_large_is_refused(client, limits):
    def endless():
        yield b'--x\r\ncontent-disposition: form-data; name="left"; filename="a"\r\n\r\n'
        for _ in range(limits.body_bytes // 2**16 + 2):
            yield bytes(2**16)

    answer = client.post(
        "/api/v1/compare",
        headers={"content-type": "multipart/form-data; boundary=x"},
        content=endless(),
    )
    assert answer.status_code == 413
    assert list(answer.json()) == ["detail"]


def test_a_missing_field_is_named(client, pair):
    answer = client.post("/api/v1/compare", files={"left": pair["left"]})
    assert answer.status_code == 422
    assert answer.json()["detail"].startswith("right: ")


@pytest.mark.parametrize("name", ["", "x" * 50_000, "\x1b[31m"])
def test_a_field_of_an_odd_name_is_refused_in_a_short_sentence(client, pair, name):
    for answer in (
        client.post("/api/v1/compare", files=pair, params={name: "1"}),
        client.post("/api/v1/compare", files=pair, data={name[:1000]: "1"}),
    ):
        assert answer.status_code == 422
        detail = answer.json()["detail"]
        assert "no such field" in detail
        assert len(detail) < 250
        assert detail.isprintable()


def test_file_names_are_text_on_every_page(client, pair):
    named = {side: (MARKUP, *rest) for side, (_, *rest) in pair.items()}
    page = client.post("/", files=named).text
    assert MARKUP not in page
    assert '<img src="http' not in page


@pytest.fixture
def odd_shelf(shipped, work_of, tmp_path):
    path = tmp_path / "work.png"
    work_of(1, 0).save(path)
    with Gallery.create(tmp_path / "shelf", shipped) as gallery:
        gallery.add([Work(str(path), artist=MARKUP, title=f"{MARKUP}\x1b[31m")], shipped)
        app = create_app(shipped, Limits(decoders=1), gallery=gallery)
        with TestClient(app, base_url=HERE) as client:
            yield client


def test_pages_elsewhere_cannot_have_pictures_of_the_gallery_decoded(odd_shelf):
    elsewhere = {"sec-fetch-site": "cross-site", "sec-fetch-dest": "image"}
    answer = odd_shelf.get("/gallery/picture/0", headers=elsewhere)
    assert answer.status_code == 403
    assert list(answer.json()) == ["detail"]
    assert odd_shelf.get("/gallery/picture/0").headers["content-type"] == "image/jpeg"
    own = odd_shelf.get("/gallery/picture/0", headers={"sec-fetch-site": "same-origin"})
    assert own.status_code == 200


def test_names_in_a_gallery_are_text_on_its_pages(odd_shelf):
    for path in ("/gallery", "/gallery/map"):
        page = odd_shelf.get(path).text
        assert MARKUP not in page
        assert "onerror=alert(1)" in html.unescape(page)


def test_a_higher_limit_of_pixels_gives_the_decoders_room():
    usual, more = Limits(), Limits().for_pixels(100_000_000)
    assert more.pixels == 100_000_000
    assert more.decode_bytes - usual.decode_bytes == 8 * (100_000_000 - usual.pixels)
    assert Limits().for_pixels(1_000_000).decode_bytes == usual.decode_bytes
