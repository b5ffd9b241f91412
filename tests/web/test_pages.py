"""The pages work as plain forms, and hold nothing that the policy forbids."""

import html
import re

import pytest
from PIL import Image

from samehand.explain.words import claim_in_words
from samehand.web.drawing import scale_of
from samehand.web.pages import FOLDER
from samehand.web.words import decision_with_prior


@pytest.fixture(scope="module")
def answer(client, pair) -> str:
    return client.post("/", files=pair, data={"prior": "0.01", "cover": "true"}).text


def test_the_form_asks_for_two_pictures(client):
    page = client.get("/").text
    assert re.findall(r'<input type="file" id="(\w+)" name="\1"', page) == ["left", "right"]
    assert "at most 1 MiB" in page
    assert 'method="post" action="/" enctype="multipart/form-data"' in page
    assert re.search(r"data-result>\s*</div>", page)


def test_without_scripts_a_post_gives_a_page_with_the_verdict(answer, pair, verifier):
    verdict = verifier.compare(pair["left"][1], pair["right"][1], prior=0.01)
    assert html.escape(claim_in_words(verdict.llr)) in answer
    assert f"{verdict.llr:+.2f}" in answer
    assert f"{verdict.llr_one_style:+.2f}" in answer
    assert '<option value="0.01" selected>' in answer
    assert answer.count('<image href="data:image/jpeg;base64,') == 2


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
    assert "There is nothing at /nowhere" in answer.text


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


def test_no_decision_stands_where_none_was_asked_for(answer, client, pair):
    assert "Decision:" not in answer
    page = client.post("/", files=pair, data={"operating_point": "eer"}).text
    assert page.count("Decision:") == 1


def test_one_file_twice_gets_no_ratio(client, pair):
    page = client.post("/", files={"left": pair["left"], "right": pair["left"]}).text
    assert "Both pictures are the same file." in page
    assert "times as likely" not in page
    assert 'class="scale"' not in page


def test_a_page_says_why_an_upload_is_too_large(client, pair, limits):
    large = ("large.png", b"0" * (limits.body_bytes + 1), "image/png")
    answer = client.post("/", files=pair | {"left": large})
    assert answer.status_code == 413
    assert "larger than 1 MiB" in answer.text
    assert 'role="alert"' in answer.text
    told = client.post("/api/v1/compare", files=pair | {"left": large})
    assert told.status_code == 413
    assert "larger than 1 MiB" in told.json()["detail"]


@pytest.mark.parametrize(
    ("decision", "llr", "probability", "shown"),
    [
        ("same", 1.2, 0.94, "same"),
        ("same", 1.2, 0.31, "no decision"),
        ("same", 0.2, 0.61, "no decision"),
        ("different", -0.2, 0.39, "no decision"),
        ("different", -2.0, 0.01, "different"),
        ("different", -0.5, 0.7, "no decision"),
        ("no decision", 3.0, 0.99, "no decision"),
    ],
)
def test_a_decision_contradicts_neither_the_prior_nor_the_words(decision, llr, probability, shown):
    assert decision_with_prior(decision, llr, probability) == shown


@pytest.mark.parametrize("llr", [-3.9, -2.5, -1.0, -0.31, -0.1, 0.0, 0.1, 0.5, 1.0, 2.2, 3.0, 9.0])
def test_exactly_the_band_of_the_verdict_is_lit(llr, verifier):
    scale = scale_of(llr, verifier.folder.config.calibration)
    lit = [band for band in scale.bands if band.lit]
    assert len(lit) == 1
    assert lit[0].x - 0.1 <= scale.mark <= lit[0].x + lit[0].width + 0.1
    edges = [band.x for band in scale.bands] + [scale.bands[-1].x + scale.bands[-1].width]
    assert edges == sorted(edges)
    assert edges[0] == 40
    assert edges[-1] == pytest.approx(840, abs=0.2)
