"""Somebody with a mouse, and somebody with a keyboard alone, at a desk or on a phone."""

from pathlib import Path

EXAMPLES = Path(__file__).parents[2] / "examples" / "atelier"
MOST_TABS = 250
SIZES = {"desk": {"width": 1440, "height": 900}, "phone": {"width": 390, "height": 844}}


def example(name: str) -> Path:
    return EXAMPLES / f"painter-{name}.jpg"


class Mouse:
    """Does things as somebody with a mouse does."""

    def __init__(self, page):
        self.page = page

    def do(self, selector: str) -> None:
        self.page.locator(selector).first.click()

    def give(self, name: str, *files: Path) -> None:
        with self.page.expect_file_chooser() as chooser:
            self.page.locator(f"#{name}").click()
        chooser.value.set_files(files)

    def choose(self, selector: str) -> None:
        self.page.locator(selector).check()


class Keyboard:
    """Does things with Tab, Enter, Space and letters, and touches nothing else."""

    def __init__(self, page):
        self.page = page

    def to(self, selector: str) -> None:
        """Press Tab until what the selector finds first has the focus."""
        wanted = self.page.locator(selector).first
        for _ in range(MOST_TABS):
            if wanted.evaluate("one => one === document.activeElement"):
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(f"{selector} is not reached by Tab")

    def do(self, selector: str) -> None:
        self.to(selector)
        self.page.keyboard.press("Enter")

    def give(self, name: str, *files: Path) -> None:
        self.to(f"#{name}")
        with self.page.expect_file_chooser() as chooser:
            # Keys may overtake the order to intercept choosers; an answer says that it arrived.
            self.page.evaluate("0")
            self.page.keyboard.press("Enter")
        chooser.value.set_files(files)

    def choose(self, selector: str) -> None:
        """Choose one of a group of radio buttons, which Tab reaches as one."""
        name = self.page.locator(selector).get_attribute("name")
        self.to(f"input[name={name}]:checked")
        for _ in range(4):
            if self.page.locator(selector).is_checked():
                return
            self.page.keyboard.press("ArrowRight")
        raise AssertionError(f"{selector} is not reached by arrows")


def check_with_axe(page) -> None:
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page).response["violations"]
    serious = [
        (one["id"], [node["target"] for node in one["nodes"]])
        for one in found
        if one["impact"] in ("serious", "critical")
    ]
    assert serious == []
