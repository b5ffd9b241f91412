"""The pages work as plain forms, and hold nothing that the policy forbids."""

import html
import re

import pytest
from PIL import Image

from samehand.explain.words import claim_in_words
from samehand.web.pages import FOLDER


@pytest.fixture(scope="module")
def answer(client, pair) -> str:
    return client.post("/", files=pair, data={"prior": "0.01", "cover": "true"}).text


def test_the_form_asks_for_two_pictures(client):
    page = client.get("/").text
    assert re.findall(r'<input type="file" id="(\w+)" name="\1"', page) == ["left", "right"]
    assert 'method="post" action="/" enctype="multipart/form-data"' in page
    assert re.search(r"data-result>\s*</div>", page)


def test_without_scripts_a_post_gives_a_page_with_the_verdict(answer, pair, verifier):
    verdict = verifier.compare(pair["left"][1], pair["right"][1], prior=0.01)
    assert html.escape(claim_in_words(verdict.llr)) in answer
    assert f"{verdict.llr:+.2f}" in answer
    assert f"{verdict.llr_one_style:+.2f}" in answer
    assert '<option value="0.01" selected>' in answer
    assert answer.count("data:image/jpeg;base64,") == 2


def test_windows_come_in_pairs_with_a_line_in_words(answer):
    numbers = re.findall(r'<g data-match="(\d)"', answer)
    listed = re.findall(r'<li data-match="(\d)"', answer)
    assert sorted(numbers) == sorted(2 * listed)
    assert listed == [str(number + 1) for number in range(len(listed))]


def test_maps_are_drawn_where_they_were_asked_for(answer, client, pair):
    assert 'id="layer-influence"' in answer
    assert 'id="layer-influence"' not in client.post("/", files=pair).text


def test_a_name_is_shown_and_never_run(client, pair):
    name = '"><script>alert(1)</script>.png'
    files = pair | {"left": (name, pair["left"][1], "image/png")}
    page = client.post("/", files=files).text
    assert "<script>alert" not in page
    assert "alert(1)" in page


def test_a_mistake_is_said_on_a_page(client, pair):
    files = pair | {"left": ("torn.png", pair["left"][1][:200], "image/png")}
    answer = client.post("/", files=files)
    assert answer.status_code == 422
    assert 'role="alert"' in answer.text
    assert "torn.png is cut short or damaged" in answer.text


def test_a_page_that_is_not_there(client):
    answer = client.get("/nowhere")
    assert answer.status_code == 404
    assert "Not Found" in answer.text


def test_the_report_is_handed_over_as_a_file(client, pair):
    answer = client.post("/report", files=pair)
    assert answer.headers["content-disposition"].startswith("attachment")


@pytest.mark.parametrize("path", ["/", "/api"])
def test_pages_hold_no_inline_script_or_style_and_nothing_from_elsewhere(client, path):
    check_inline(client.get(path).text)


def test_nor_do_answers(answer):
    check_inline(answer)


def check_inline(page: str) -> None:
    assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:", page)
    assert re.findall(r"<script[^>]*>(.*?)</script>", page, re.DOTALL) == [""]
    for address in re.findall(r'(?:src|href|action|formaction)="([^"]+)"', page):
        assert address.startswith(("/", "#", "data:image/jpeg;base64,")), address


def test_scripts_and_styles_fetch_nothing_from_elsewhere():
    files = [path for path in (FOLDER / "static").iterdir() if path.suffix in (".js", ".css")]
    assert files
    for path in files:
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"https?://|@import|url\(|innerHTML|eval\(", text), path


def test_a_picture_without_any_likeness_has_a_page_too(client, png):
    ramp = Image.linear_gradient("L").resize((200, 20)).convert("RGB")
    plain = ("grey.png", png(ramp), "image/png")
    answer = client.post("/", files={"left": plain, "right": plain})
    assert answer.status_code == 200
    assert "both images are the same file" in answer.text
