"""Take pictures of every page of a running `samehand serve`: make_screenshots.py ADDRESS [FOLDER].

Without FOLDER, the pictures of docs/web.md. With it, every page, at the widths of a desk and a
phone, light and dark, to be looked at. The server's gallery holds the works of examples/atelier,
each painter a folder, but painter-b-1 lies with painter A, so that there is a label to doubt; they
are synthetic.
"""

import io
import sys
from collections.abc import Iterator
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).parents[1]
OUT = ROOT / "docs" / "images"
FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
SIZES = {"desk": (1440, 900), "phone": (390, 844)}
TABLE = "/gallery/table?work=0&work=1&work=5"
WORK = 1
PLAIN = {
    "start": "/",
    "gallery": "/gallery",
    "work": f"/gallery/work/{WORK}",
    "map": "/gallery/map",
    "queue": "/gallery/queue",
    "table": TABLE,
    "suspects-asked": "/gallery/suspects",
    "api": "/api",
    "404": "/nothing-here",
}


def example(name: str) -> Path:
    """Return an example painting."""
    return ROOT / "examples" / "atelier" / f"painter-{name}.jpg"


def opened(browser: Browser, path: str, size: str = "desk", scheme: str = "light") -> Page:
    """Return a page that has loaded."""
    width, height = SIZES[size]
    page = browser.new_page(
        color_scheme="dark" if scheme == "dark" else "light",
        viewport={"width": width, "height": height},
    )
    page.set_default_timeout(120_000)
    page.goto(path)
    return page


def compare(page: Page) -> None:
    """Ask for a verdict."""
    page.set_input_files("#left", example("b-1"))
    page.set_input_files("#right", example("b-3"))
    page.click("button.primary")
    page.wait_for_selector("[data-canvases][data-ready]")


def weigh(page: Page) -> None:
    """Ask about a set."""
    page.set_input_files("#probe", example("b-3"))
    page.set_input_files("#references", [example(n) for n in ("b-1", "b-2", "c-1")])
    page.click("button.primary")
    page.locator(".works li").nth(2).wait_for()


def identify(page: Page) -> None:
    """Ask whose a picture is."""
    page.set_input_files("#probe", example("c-2"))
    page.click("button.primary")
    page.wait_for_selector("#verdict")


def suspect(page: Page) -> None:
    """Look for suspect labels."""
    page.click("button.primary")
    page.wait_for_selector("#found")


def whole(page: Page) -> bytes:
    """Return the whole page, with the pictures that load when they are scrolled to."""
    page.evaluate(
        "() => document.querySelectorAll('[loading=lazy]').forEach((i) => (i.loading = 'eager'))"
    )
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(700)
    return page.screenshot(full_page=True)


def save(page: Page, name: str, selector: str | None = None) -> None:
    """Save what is shown, in 256 colours, so that the file stays small."""
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(700)
    data = page.locator(selector).screenshot() if selector else page.screenshot()
    image = Image.open(io.BytesIO(data)).convert("RGB")
    image.quantize(256).save(OUT / f"{name}.png", optimize=True)


def every(browser: Browser, address: str, size: str, scheme: str) -> Iterator[tuple[str, Page]]:
    """Yield every page by name."""
    for name, path in PLAIN.items():
        yield name, opened(browser, address + path, size, scheme)
    asked = (
        ("verdict", "/", compare),
        ("set", "/reference", weigh),
        ("identify", "/identify", identify),
        ("suspects", "/gallery/suspects", suspect),
    )
    for name, path, ask in asked:
        page = opened(browser, address + path, size, scheme)
        ask(page)
        yield name, page


def for_the_docs(browser: Browser, address: str) -> None:
    """Take the pictures of docs/web.md."""
    page = opened(browser, address + "/")
    compare(page)
    save(page, "web-verdict")
    page.hover("figure:first-child [data-match='1']", force=True)
    save(page, "web-evidence", ".looking")
    page = opened(browser, address + "/", "phone", "dark")
    compare(page)
    save(page, "web-phone")
    page = opened(browser, address + "/reference")
    weigh(page)
    save(page, "web-reference")
    save(opened(browser, address + "/gallery"), "web-gallery")
    page = opened(browser, address + "/gallery/queue")
    while page.get_by_text("The labels are being looked through").count():
        page.wait_for_timeout(1000)
        page.reload()
    save(page, "web-queue")
    save(opened(browser, address + TABLE, scheme="dark"), "web-table")


def main() -> None:
    """Take the pictures."""
    address = sys.argv[1].rstrip("/")
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        if len(sys.argv) == 2:
            for_the_docs(browser, address)
        else:
            folder = Path(sys.argv[2])
            folder.mkdir(parents=True, exist_ok=True)
            for size in SIZES:
                for scheme in ("light", "dark"):
                    for name, page in every(browser, address, size, scheme):
                        (folder / f"{name}-{size}-{scheme}.png").write_bytes(whole(page))
                        page.close()
        browser.close()


if __name__ == "__main__":
    main()
