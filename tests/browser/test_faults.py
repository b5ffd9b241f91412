"""Faults that were found once, each in a real browser; two more stand in test_browser.py.

There: what is shared is what was judged, a report that fails leaves the verdict.
"""

import re
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples" / "atelier"
pytestmark = pytest.mark.browser


def example(name: str) -> Path:
    return EXAMPLES / f"painter-{name}.jpg"


def ask(page, **files: object) -> None:
    for name, given in files.items():
        page.set_input_files(f"#{name}", given)
    page.click("button.primary")


@pytest.mark.parametrize(("width", "height"), [(1440, 900), (390, 844)])
@pytest.mark.parametrize("path", ["/reference", "/identify", "/gallery/suspects"])
def test_every_headline_is_on_the_screen(open_page, path, width, height):
    page = open_page(path, viewport={"width": width, "height": height})
    if path == "/reference":
        ask(page, probe=example("a-1"), references=[example("a-2"), example("a-3")])
    elif path == "/identify":
        ask(page, probe=example("a-1"))
    else:
        page.click("button.primary")
    page.wait_for_selector(".verdict h2")
    if path != "/gallery/suspects":
        # A set is answered work by work; the form becomes a bar with the last one.
        page.wait_for_selector("form.answered")
    page.wait_for_timeout(600)
    box = page.locator(".verdict h2").bounding_box()
    assert 0 <= box["y"] < height / 2


def test_a_decision_is_shown_when_asked_for_and_obeys_the_prior(open_page):
    page = open_page()
    ask(page, left=example("a-2"), right=example("a-3"))
    page.wait_for_selector("#verdict")
    assert page.locator(".decided").count() == 0
    page.goto("/")
    page.click("summary:has-text('Assumptions')")
    page.select_option("#operating_point", "eer")
    least = page.eval_on_selector_all(
        "#prior option", "all => String(Math.min(...all.map((one) => Number(one.value))))"
    )
    page.select_option("#prior", least)
    ask(page, left=example("a-2"), right=example("a-3"))
    page.wait_for_selector("#verdict")
    shown = page.text_content(".specialists")
    share = float(re.search(r"Probability of one artist\s*(?:less than )?([\d.]+)", shown)[1])
    decided = page.locator(".decided")
    if decided.count() and share < 50:
        assert "one artist" not in decided.inner_text()


def test_a_file_beside_itself_is_not_called_support(open_page):
    page = open_page()
    ask(page, left=example("a-1"), right=example("a-1"))
    page.wait_for_selector("#verdict")
    assert "support" not in page.inner_text("#verdict")
    assert "One file says nothing" in page.inner_text(".verdict")


def test_a_file_over_the_limit_is_refused_before_it_is_sent(open_page, tmp_path):
    (tmp_path / "huge.tif").write_bytes(b"II*\0" + bytes(65 * 2**20))
    page = open_page()
    sent = []
    page.on("request", lambda asked: sent.append(asked.method))
    page.set_input_files("#left", tmp_path / "huge.tif")
    page.wait_for_selector("[data-wrong]:not([hidden])")
    assert "MiB" in page.inner_text("[data-wrong]:not([hidden])")
    assert "POST" not in sent


def test_a_report_on_works_of_the_gallery_names_no_folder(open_page, tmp_path):
    page = open_page("/?left_work=0&right_work=1")
    page.click("button.primary")
    page.wait_for_selector("#verdict")
    with page.expect_download() as download:
        page.click("text=Share as a report")
    text = Path(download.value.path()).read_text(encoding="utf-8")
    assert "painter-a-1.jpg" in text
    assert not re.search(r"(/tmp|/home|/work|/var)/", re.sub(r"base64,[^\"']*", "", text))


def test_suspects_say_how_many_there_are(open_page):
    page = open_page("/gallery/suspects")
    page.click("button.primary")
    page.wait_for_selector("#found")
    said = page.inner_text("#found")
    assert re.match(r"\d+ suspect labels? among 9 works", said), said
    assert page.locator("ol.grid li").count() == int(said.split()[0])


def test_no_address_of_the_gallery_is_a_dead_end(open_page):
    page = open_page("/gallery?page=99")
    assert page.locator(".grid li").count() == 9
    page.goto("/gallery?q=PÄINTER")
    assert page.locator(".grid li").count() == 9
    page.goto("/gallery?q=nobody")
    page.click("main >> text=show all works")
    page.wait_for_function("() => document.querySelectorAll('.grid li').length === 9")
    for path in ("/nothing-here", "/gallery/work/9999"):
        page.goto(path)
        assert page.locator(".problem p").inner_text()
        page.click("text=Back to comparing")
        page.wait_for_selector("#left", state="attached")


def test_small_pictures_are_there_at_once(open_page):
    page = open_page("/gallery")
    page.wait_for_function(
        "() => [...document.querySelectorAll('.grid img')].every((one) => one.naturalWidth > 0)",
        timeout=10_000,
    )
