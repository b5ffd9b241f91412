"""Every page in a real browser: by mouse, keyboard and phone, in the dark, without scripts."""

import re

import pytest

from tests.browser.hands import check_with_axe, example

pytestmark = pytest.mark.browser


def compare(page, left: str = "a-2", right: str = "a-3") -> None:
    page.set_input_files("#left", example(left))
    page.set_input_files("#right", example(right))
    page.click("button.primary")
    page.wait_for_selector("#verdict")
    if page.evaluate("document.documentElement.classList.contains('js')"):
        page.wait_for_selector("[data-canvases][data-ready]")


DROP = """([names, selector]) => {
  const list = new DataTransfer();
  for (const [name, data] of names)
    list.items.add(
      new File([Uint8Array.from(atob(data), (c) => c.charCodeAt(0))], name, {type: "image/jpeg"}));
  document.querySelector(selector).dispatchEvent(
    new DragEvent("drop", {bubbles: true, cancelable: true, dataTransfer: list}));
}"""

PASTE = DROP.replace('DragEvent("drop"', 'ClipboardEvent("paste"').replace(
    "dataTransfer: list", "clipboardData: list"
)


def encoded(*names: str) -> list[list[str]]:
    import base64

    return [[f"{n}.jpg", base64.b64encode(example(n).read_bytes()).decode()] for n in names]


def files_of(page, name: str) -> list[str]:
    return page.eval_on_selector(f"#{name}", "input => [...input.files].map((file) => file.name)")


def opacity(page, selector: str) -> float:
    return float(page.eval_on_selector(selector, "e => getComputedStyle(e).opacity"))


def test_two_files_are_dropped_and_the_verdict_is_read(open_page):
    page = open_page()
    page.evaluate(DROP, [encoded("a-2", "a-3"), "main"])
    assert files_of(page, "left") == ["a-2.jpg"]
    assert files_of(page, "right") == ["a-3.jpg"]
    page.click("button.primary")
    page.wait_for_selector("#verdict")
    assert "artist" in page.inner_text("#verdict")
    assert page.evaluate("document.activeElement.id") == "result"


def test_a_picture_is_pasted_into_the_empty_frame(open_page):
    page = open_page()
    page.set_input_files("#left", example("a-1"))
    page.evaluate(PASTE, [encoded("b-1"), "body"])
    assert files_of(page, "right") == ["b-1.jpg"]


def test_a_window_lights_its_partner(open_page):
    page = open_page()
    compare(page)
    windows = page.query_selector_all("figure:first-child [data-match]")
    assert windows, "these two paintings correspond somewhere"
    number = windows[0].get_attribute("data-match")
    other = next(w.get_attribute("data-match") for w in windows if w is not windows[0])
    partner = f"figure:last-child [data-match='{number}']"
    assert opacity(page, partner) == 1
    page.hover(f"figure:first-child [data-match='{number}']", force=True)
    # The others fade, which takes the browser a moment.
    page.wait_for_function(
        "one => getComputedStyle(document.querySelector(one)).opacity < 0.5",
        arg=f"figure:last-child [data-match='{other}']",
    )
    assert opacity(page, partner) == 1


def widths(page) -> list[float]:
    return page.eval_on_selector_all(
        ".osd svg", "all => all.map((svg) => svg.getBoundingClientRect().width)"
    )


def test_zoom_is_shared_and_one_picture_slides_over_the_other(open_page):
    page = open_page()
    compare(page)
    page.wait_for_selector("[data-canvases][data-ready]")
    before = widths(page)
    page.click("text=Closer")
    page.wait_for_function(
        "least => document.querySelector('.osd svg').getBoundingClientRect().width > least",
        arg=1.45 * before[0],
    )
    for less, more in zip(before, widths(page), strict=True):
        assert more == pytest.approx(1.5 * less, rel=0.05)
    page.click("text=Curtain")
    page.fill(".tools input[type=range]", "20")
    clip = page.eval_on_selector(
        "figure:last-child .stage", "stage => getComputedStyle(stage).clipPath"
    )
    assert "80%" in clip


def test_what_is_shared_is_what_was_judged(open_page, tmp_path):
    page = open_page()
    compare(page)
    page.click("text=Change")
    page.set_input_files("#left", example("b-1"))
    page.wait_for_selector("[data-stale]:not([hidden])")
    assert "earlier pictures" in page.inner_text("[data-stale]")
    with page.expect_download() as download:
        page.click("text=Share as a report")
    download.value.save_as(tmp_path / "report.html")
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "painter-a-2.jpg" in text
    assert "painter-b-1.jpg" not in text


def test_a_report_that_fails_leaves_the_verdict(open_page):
    page = open_page()
    compare(page)
    page.route("**/report", lambda route: route.abort())
    page.click("text=Share as a report")
    page.wait_for_selector(".problem[role=alert]")
    assert page.is_visible("#verdict")


@pytest.mark.parametrize(("width", "height"), [(1440, 900), (390, 844)])
def test_the_headline_is_on_the_screen_once_it_is_there(open_page, width, height):
    page = open_page(viewport={"width": width, "height": height})
    compare(page)
    page.wait_for_timeout(500)
    box = page.locator("#verdict").bounding_box()
    assert 0 <= box["y"] < height / 2
    if width > 1000:
        for stage in page.locator(".stage").all():
            box = stage.bounding_box()
            assert box["y"] + box["height"] <= height


def test_a_picture_too_large_to_send_is_made_smaller(open_page, tmp_path):
    from PIL import Image

    Image.linear_gradient("L").resize((8000, 6000)).convert("RGB").save(tmp_path / "huge.png")
    page = open_page()
    page.set_input_files("#left", tmp_path / "huge.png")
    page.wait_for_selector("text=huge.png was made smaller to be sent.")
    assert files_of(page, "left") == ["huge.jpg"]
    (tmp_path / "notes.txt").write_text("words")
    page.set_input_files("#right", tmp_path / "notes.txt")
    page.wait_for_selector("text=notes.txt is not a picture.")
    assert files_of(page, "right") == []


def test_two_pictures_change_places(open_page):
    page = open_page()
    compare(page)
    page.click("text=Swap")
    page.wait_for_function("() => document.querySelector('figcaption').textContent.includes('a-3')")
    assert files_of(page, "left") == ["painter-a-3.jpg"]


def test_what_moves_the_verdict_is_found_when_asked(open_page):
    page = open_page()
    page.check("[name=cover]")
    compare(page)
    page.check("#layer-influence")
    assert page.is_visible("figure:first-child .layer.influence rect:first-child")
    assert page.is_visible(".about.influence")
    assert not page.is_visible("figure:first-child .layer.windows")


def test_the_answer_is_shared_as_a_report(open_page, tmp_path):
    page = open_page()
    compare(page)
    with page.expect_download() as download:
        page.click("text=Share as a report")
    download.value.save_as(tmp_path / "report.html")
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "painter-a-2.jpg" in text
    assert not re.search(r'(?:src|href)="http', text)


def test_a_mistake_is_announced(open_page, tmp_path):
    (tmp_path / "notes.jpg").write_text("no picture")
    page = open_page()
    page.set_input_files("#left", tmp_path / "notes.jpg")
    page.set_input_files("#right", example("a-1"))
    page.click("button.primary")
    page.wait_for_selector(".problem[role=alert]")
    assert "notes.jpg is not an image" in page.inner_text(".problem[role=alert]")


def test_a_reference_set_grows_and_is_filed(open_page, tmp_path):
    page = open_page("/reference")
    page.set_input_files("#probe", example("a-1"))
    page.set_input_files("#references", [example("a-2"), example("a-3"), example("b-1")])
    page.click("button.primary")
    page.wait_for_selector("text=How the evidence grows")
    page.locator(".works li").nth(2).wait_for()
    assert page.locator(".growth circle").count() == 3
    with page.expect_download() as download:
        page.click("text=Share as a report")
    download.value.save_as(tmp_path / "report.html")
    assert "painter-b-1.jpg" in (tmp_path / "report.html").read_text(encoding="utf-8")
    assert page.locator(".growth circle").count() == 3


def test_a_gallery_is_browsed_searched_and_mapped(open_page):
    page = open_page("/gallery")
    assert page.locator(".grid li").count() == 9
    page.fill("#q", "painter b")
    page.click("text=Show >> nth=0")
    page.wait_for_url("**q=painter*")
    page.goto("/gallery")
    page.click("text=Search by a picture")
    page.set_input_files("#probe", example("c-2"))
    page.click("button.primary")
    page.wait_for_selector("#found")
    assert "painter-c-2.jpg" in page.locator("ol.grid li").first.inner_text()
    page.locator("ol.grid a").first.click()
    page.wait_for_selector("#work")
    page.goto("/gallery/map")
    page.wait_for_selector("[data-map][data-ready]")
    page.focus(".map canvas")
    page.keyboard.press("+")
    page.goto("/gallery/suspects")
    page.click("button.primary")
    page.wait_for_selector("#found")


def test_by_keyboard_alone(open_page):
    page = open_page()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    reached = []
    for name in ("left", "right"):
        while page.evaluate("document.activeElement.id") != name:
            page.keyboard.press("Tab")
            reached.append(page.evaluate("document.activeElement.id"))
            assert len(reached) < 30
        with page.expect_file_chooser() as chooser:
            # Keys reach the page another way than the order to intercept choosers does, and may
            # overtake it; an answer from the page says that the order has arrived.
            page.evaluate("0")
            page.keyboard.press("Enter")
        chooser.value.set_files(example("a-2" if name == "left" else "a-3"))
    while "primary" not in page.evaluate("document.activeElement.className"):
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_selector("#verdict")
    while page.evaluate("document.activeElement.dataset.match ?? ''") == "":
        page.keyboard.press("Tab")
    number = page.evaluate("document.activeElement.dataset.match")
    assert opacity(page, f"figure:last-child [data-match='{number}']") == 1


def test_on_a_phone_nothing_is_cut_off(open_page):
    page = open_page(viewport={"width": 360, "height": 740}, has_touch=True)
    for path in (
        "/",
        "/reference",
        "/identify",
        "/gallery",
        "/gallery/work/0",
        "/gallery/map",
        "/api",
    ):
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, path
    page.goto("/")
    compare(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_without_scripts(open_page):
    page = open_page(java_script_enabled=False)
    compare(page)
    assert page.locator("svg.canvas image").count() == 2
    page.locator("#layer-unusual").check()
    assert page.locator("figure:first-child .layer.unusual").is_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/reference",
        "/identify",
        "/gallery",
        "/gallery/work/0",
        "/gallery/map",
        "/gallery/queue",
        "/gallery/suspects",
        "/gallery/table?work=0&work=1&work=5",
        "/api",
        "/nothing-here",
    ],
)
def test_axe_finds_nothing_serious(open_page, path, scheme):
    page = open_page(path, color_scheme=scheme)
    check_with_axe(page)
    if path == "/":
        page.check("[name=cover]")
        compare(page)
        check_with_axe(page)
        page.check("#layer-influence")
        check_with_axe(page)
