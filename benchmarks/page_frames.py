"""How smoothly the map, the gallery and the queue of 20,000 works move in a real browser.

    python -m benchmarks.page_frames [--works 20000] [--seconds 4] [--model lite] [--pause 120]

Serves the made-up gallery of `benchmarks.page_load`, opens each page in Chromium without a graphics
card, moves it as a hand would (wheel, drag, zoom) and prints how long the browser took from frame
to frame: the median, the 95th percentile, and the share of frames that came within a thirtieth of a
second. Needs `playwright` and a Chromium (`CHROMIUM`, by default /usr/bin/chromium). Talks to
nothing but that server.
"""

import argparse
import base64
import os
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.page_load import PASSWORD, make_gallery, served
from samehand.web.users import with_user

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
FLAGS = ["--no-sandbox", "--disable-gpu"]
FRAME = 1000 / 30
COUNT = """() => { window.frames_ = []; let before = performance.now();
  const step = (now) => { frames_.push(now - before); before = now; requestAnimationFrame(step); };
  requestAnimationFrame(step); }"""
LATER = "() => { const told = frames_.slice(2); frames_.length = 0; return told; }"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--works", type=int, default=20_000)
    parser.add_argument("--seconds", type=float, default=4.0, help="of each movement")
    parser.add_argument("--model", default="lite")
    parser.add_argument("--pause", type=float, default=120.0, help="until map and queue are ready")
    options = parser.parse_args()
    from playwright.sync_api import sync_playwright

    print(f"{os.cpu_count()} processors, load average {os.getloadavg()[0]:.1f} at the start")
    with tempfile.TemporaryDirectory() as scratch, sync_playwright() as play:
        folder = Path(scratch)
        make_gallery(folder / "gallery", options.model, options.works)
        with_user(folder / "users.json", "person 0", "decider", PASSWORD)
        with served(folder, options.model, "2") as port:
            browser = play.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
            told = base64.b64encode(f"person 0:{PASSWORD}".encode()).decode()
            context = browser.new_context(
                viewport={"width": 1440, "height": 900},
                extra_http_headers={"Authorization": f"Basic {told}"},
            )
            page = context.new_page()
            address = f"http://127.0.0.1:{port}/gallery"
            _ready(page, address, options.pause)
            page.goto(f"{address}/map")
            page.wait_for_selector("[data-map][data-ready]", timeout=60_000)
            page.evaluate(COUNT)
            canvas = page.locator("[data-map] canvas")
            canvas.scroll_into_view_if_needed()
            canvas.focus()
            _tell("map, the whole dragged", page, _drag, canvas, options.seconds)
            _tell("map, zoomed by the wheel", page, _zoom, canvas, options.seconds)
            _tell("map, dragged near", page, _drag, canvas, options.seconds)
            _tell("map, hovered", page, _hover, canvas, options.seconds)
            for name in ("", "/queue"):
                page.goto(address + name)
                page.evaluate(COUNT)
                _tell(f"gallery{name}, scrolled", page, _scroll, None, options.seconds)
            browser.close()


def _ready(page: Any, address: str, most: float) -> None:
    """Ask for the map and the queue, and wait while they are being worked out."""
    page.goto(f"{address}/queue")
    page.goto(f"{address}/map")
    started = time.monotonic()
    while time.monotonic() < started + most:
        layout = page.locator("[data-layout]").get_attribute("data-layout")
        page.goto(f"{address}/queue")
        if layout != "making" and "are being looked through" not in page.content():
            break
        page.wait_for_timeout(3000)
        page.goto(f"{address}/map")
    print(f"map and queue were ready after {time.monotonic() - started:.0f} s", flush=True)


def _drag(page: Any, canvas: Any, seconds: float) -> None:
    box = canvas.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    end, step = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        step += 1
        page.mouse.move(x + 150 * np.sin(step / 9), y + 100 * np.sin(step / 7))
    page.mouse.move(x + 20, y + 20)  # what ends where it began would be a click
    page.mouse.up()


def _zoom(page: Any, canvas: Any, seconds: float) -> None:
    canvas.focus()
    canvas.hover()
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        page.mouse.wheel(0, -25 if time.monotonic() < end - seconds / 3 else 10)


def _hover(page: Any, canvas: Any, seconds: float) -> None:
    box = canvas.bounding_box()
    end, step = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        step += 1
        across, down = 0.5 + 0.4 * np.sin(step / 31), 0.5 + 0.4 * np.sin(step / 23)
        page.mouse.move(box["x"] + across * box["width"], box["y"] + down * box["height"])


def _scroll(page: Any, canvas: Any, seconds: float) -> None:
    del canvas
    page.mouse.move(700, 500)
    end, step = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        step += 1
        page.mouse.wheel(0, 60 if step % 80 < 50 else -90)


def _tell(name: str, page: Any, act: Any, canvas: Any, seconds: float) -> None:
    page.wait_for_timeout(500)
    page.evaluate(LATER)
    act(page, canvas, seconds)
    taken = np.array(page.evaluate(LATER))
    p50, p95 = np.percentile(taken, [50, 95])
    print(
        f"{name:26} p50 {p50:5.1f} ms   p95 {p95:5.1f} ms   longest {taken.max():5.0f} ms   "
        f"{100 * np.mean(taken <= FRAME):3.0f} % of {len(taken)} within a thirtieth of a second",
        flush=True,
    )


if __name__ == "__main__":
    main()
