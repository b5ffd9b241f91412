"""A curator's day: compare, zoom, evidence, a set, identify, the map, the queue and a report.

By mouse and by keyboard alone, at a desk and on a phone, light and dark.
"""

from pathlib import Path

import pytest

from tests.browser.hands import SIZES, Keyboard, Mouse, example

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("hand", [Mouse, Keyboard])
@pytest.mark.parametrize(("size", "scheme"), [(s, c) for s in SIZES for c in ("light", "dark")])
def test_a_curators_day(open_page, hand, size, scheme, tmp_path):
    page = open_page(viewport=SIZES[size], color_scheme=scheme)
    user = hand(page)
    compares(page, user, tmp_path)
    weighs_a_set(page, user)
    identifies(page, user)
    walks_the_gallery(page, user)
    decides(page, user)
    assert page.evaluate("document.documentElement.scrollWidth") <= SIZES[size]["width"]


def compares(page, user, tmp_path) -> None:
    user.give("left", example("a-2"))
    user.give("right", example("a-3"))
    user.do("button.primary")
    page.wait_for_selector("[data-canvases][data-ready]")
    assert "artist" in page.inner_text("#verdict")
    before = page.locator(".osd svg").first.bounding_box()["width"]
    user.do("text=Closer")
    page.wait_for_function(
        "least => document.querySelector('.osd svg').getBoundingClientRect().width > least",
        arg=1.3 * before,
    )
    user.choose("#layer-unusual")
    assert page.is_visible(".about.unusual")
    with page.expect_download() as download:
        user.do("text=Share as a report")
    download.value.save_as(tmp_path / "report.html")
    assert "painter-a-2.jpg" in (tmp_path / "report.html").read_text(encoding="utf-8")


def weighs_a_set(page, user) -> None:
    user.do("nav >> text=Reference set")
    page.wait_for_url("**/reference")
    user.give("probe", example("a-1"))
    user.give("references", example("a-2"), example("a-3"))
    user.do("button.primary")
    page.locator(".works li").nth(1).wait_for()


def identifies(page, user) -> None:
    user.do("nav >> text=Identify")
    page.wait_for_url("**/identify")
    user.give("probe", example("c-2"))
    user.do("button.primary")
    page.wait_for_selector("#verdict")


def walks_the_gallery(page, user) -> None:
    user.do("nav >> text=Gallery")
    page.wait_for_selector("#works")
    user.do(".tabs >> text=Map")
    page.wait_for_selector("[data-map][data-ready]")
    if isinstance(user, Keyboard):
        user.to(".map canvas")
        for key in ("+", "ArrowLeft", "0"):
            page.keyboard.press(key)
    user.do(".keys button")
    assert page.locator(".keys button").first.get_attribute("aria-pressed") == "true"
    user.do(".tabs >> text=Table")
    for number in (1, 2):
        # Before the scripts have started the button is a link to a page of its own.
        page.wait_for_url("**/gallery/table*")
        page.wait_for_selector("html.js a[data-pick]")
        user.do("text=Add a work")
        page.wait_for_selector(".picker li button")
        user.do(f".picker li:nth-child({number}) button")
        page.wait_for_function(
            "many => document.querySelectorAll('.tabled figure').length === many", arg=number
        )
    assert page.locator(".matrix tbody tr").count() == 2


def decides(page, user) -> None:
    page.goto("/gallery/queue")
    assert page.locator("[data-judge]").count(), "a work under another label is in the queue"
    left = page.inner_text(".verdict .hint")
    case = page.locator("[name=first]").get_attribute("value")
    if isinstance(user, Keyboard):
        user.to("#note")
        page.keyboard.type("the sky")
        page.keyboard.press("Tab")
        page.keyboard.press("3")
    else:
        page.fill("#note", "the sky")
        user.do("button[value=unsure]")
    page.wait_for_selector("text=the sky")
    assert page.inner_text(".verdict .hint") != left
    with page.expect_download() as download:
        user.do("text=Download all decisions")
    assert case in Path(download.value.path()).read_text(encoding="utf-8-sig")
    user.do("button:has-text('Undo')")
    page.wait_for_function(
        "words => document.querySelector('.verdict .hint')?.innerText === words", arg=left
    )
