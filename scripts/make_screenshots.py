"""Take the pictures of docs/web.md from a running `samehand serve`: make_screenshots.py ADDRESS.

The paintings in them are the synthetic ones of examples/atelier.
"""

import io
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).parents[1]
OUT = ROOT / "docs" / "images"
FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]


def example(name: str) -> Path:
    """Return an example painting."""
    return ROOT / "examples" / "atelier" / f"painter-{name}.jpg"


def save(page: Page, name: str, selector: str | None = None) -> None:
    """Save what is shown, in 128 colours, so that the file stays small."""
    page.wait_for_timeout(700)
    data = page.locator(selector).screenshot() if selector else page.screenshot()
    image = Image.open(io.BytesIO(data)).convert("RGB")
    OUT.mkdir(exist_ok=True)
    image.quantize(128).save(OUT / f"{name}.png", optimize=True)


def main() -> None:
    """Take every picture."""
    address = sys.argv[1]
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)

        def opened(path: str, scheme: str, width: int, height: int) -> Page:
            page = browser.new_page(
                color_scheme="dark" if scheme == "dark" else "light",
                viewport={"width": width, "height": height},
            )
            page.set_default_timeout(120_000)
            page.goto(address + path)
            return page

        def compared(scheme: str, width: int, height: int) -> Page:
            page = opened("/", scheme, width, height)
            page.set_input_files("#left", example("a-2"))
            page.set_input_files("#right", example("a-3"))
            page.click("button.primary")
            page.wait_for_selector("#verdict")
            return page

        page = compared("light", 1000, 900)
        save(page, "web-verdict", ".verdict")
        page.hover("figure:first-child [data-match='1']", force=True)
        save(page, "web-evidence", ".looking")
        save(compared("dark", 390, 844), "web-phone")
        page = opened("/reference", "light", 1000, 900)
        page.set_input_files("#probe", example("a-1"))
        page.set_input_files("#references", [example(n) for n in ("a-2", "a-3")])
        page.click("button.primary")
        page.locator(".works li").nth(1).wait_for()
        save(page, "web-reference", "[data-result]")
        page = opened("/gallery", "light", 1000, 900)
        page.wait_for_timeout(2000)
        save(page, "web-gallery")
        browser.close()


if __name__ == "__main__":
    main()
