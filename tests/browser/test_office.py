"""A server with users and cases: sign in, decide a queue of twenty, keep a case, and sign out.

By mouse and by keyboard alone, at a desk and on a phone, light and dark.
"""

import shutil
from pathlib import Path

import pytest

from samehand.gallery import Gallery
from samehand.verification.verifier import SameHand
from samehand.web.app import create_app
from samehand.web.limits import Limits
from samehand.web.users import Users, with_user
from tests.browser.conftest import serving
from tests.browser.hands import SIZES, Keyboard, Mouse, check_with_axe, example

pytestmark = pytest.mark.browser
PASSWORD = "correct horse battery"
CASES = 20
KEYS = {"same": "1", "different": "2", "unsure": "3"}


@pytest.fixture(scope="module")
def mislabelled(tmp_path_factory, work_of):
    """A gallery of thirteen artists, each with two of seven works under another's name."""
    verifier = SameHand("lite")
    folder = tmp_path_factory.mktemp("office")
    for artist in range(13):
        for work in range(7):
            by = (artist + 5) % 13 if work > 4 else artist
            (folder / "works" / f"Artist {by}").mkdir(parents=True, exist_ok=True)
            picture = work_of(artist, work, (300, 260))
            picture.save(folder / "works" / f"Artist {by}" / f"{artist}-{work}.png")
    with Gallery.create(folder / "Office", verifier.folder) as gallery:
        gallery.add([folder / "works"], verifier)
    return verifier, folder / "Office"


@pytest.fixture
def address(mislabelled, tmp_path):
    verifier, made = mislabelled
    shutil.copytree(made, tmp_path / "Office")
    with_user(tmp_path / "users.json", "Ann", "decider", PASSWORD)
    users, limits = Users(tmp_path / "users.json"), Limits()
    with Gallery.open(tmp_path / "Office") as gallery:
        app = create_app(verifier, limits, gallery=gallery, users=users, cases=tmp_path / "cases")
        with serving(app, limits) as found:
            yield found


@pytest.mark.parametrize("hand", [Mouse, Keyboard])
@pytest.mark.parametrize(("size", "scheme"), [(s, c) for s in SIZES for c in ("light", "dark")])
def test_a_day_at_the_office(open_page, hand, size, scheme, tmp_path):
    page = open_page("/gallery/queue", viewport=SIZES[size], color_scheme=scheme)
    user = hand(page)
    signs_in(page, user)
    decides_the_queue(page, user, tmp_path)
    keeps_a_case(page, user, tmp_path)
    assert page.evaluate("document.documentElement.scrollWidth") <= SIZES[size]["width"]
    user.do("text=Sign out")
    page.wait_for_url("**/login*")
    page.goto("/cases")
    assert page.locator("#password").count() == 1


def signs_in(page, user) -> None:
    check_with_axe(page)
    if isinstance(user, Keyboard):
        user.to("#name")
        page.keyboard.type("Ann")
        user.to("#password")
        page.keyboard.type(PASSWORD)
        page.keyboard.press("Enter")
    else:
        page.fill("#name", "Ann")
        page.fill("#password", PASSWORD)
        user.do("button.primary")
    page.wait_for_url("**/gallery/queue")


def decides_the_queue(page, user, tmp_path) -> None:
    for number in range(CASES):
        page.wait_for_selector("[data-judge]")
        left = page.inner_text(".verdict .hint")
        label = list(KEYS)[number % 3]
        if isinstance(user, Keyboard):
            user.to("#note")
            page.keyboard.type(f"case {number}")
            page.keyboard.press("Tab")
            page.keyboard.press(KEYS[label])
        else:
            page.fill("#note", f"case {number}")
            user.do(f"button[value={label}]")
        page.wait_for_selector(f"text=case {number}")
        if number == 1:
            check_with_axe(page)
        assert page.inner_text(".verdict .hint") != left
    with page.expect_download() as download:
        user.do("text=Download all decisions")
    rows = Path(download.value.path()).read_text(encoding="utf-8-sig").strip().splitlines()
    assert len(rows) == 1 + CASES
    assert all("Ann" in row for row in rows[1:])


def keeps_a_case(page, user, tmp_path) -> None:
    user.do("nav >> text=Compare")
    page.wait_for_selector("#left", state="attached")
    user.give("left", example("b-1"))
    user.give("right", example("b-3"))
    user.do("button.primary")
    page.wait_for_selector("[data-canvases][data-ready]")
    user.do("[data-keep]")
    page.wait_for_selector("text=Kept as a case: painter-b-1.jpg")
    user.do("nav >> text=Cases")
    page.wait_for_selector("ul.kept li")
    assert page.locator("ul.kept li").count() == 1
    check_with_axe(page)
    user.do("ul.kept li a")
    page.wait_for_url("**/cases/*")
    assert "by Ann" in page.inner_text("section.verdict .hint")
    check_with_axe(page)
    with page.expect_download() as download:
        user.do("text=Download the report")
    download.value.save_as(tmp_path / "case.html")
    assert "painter-b-1.jpg" in (tmp_path / "case.html").read_text(encoding="utf-8")
