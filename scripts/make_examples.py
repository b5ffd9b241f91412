"""Make the demo's example paintings: python scripts/make_examples.py."""

import argparse
from pathlib import Path

from samehand.atelier import paint, painter
from samehand.files import atomic_path, write_text

SEED = 7
PAINTERS = {"a": 14, "b": 2, "c": 6}
SUBJECTS = (30, 51, 24)
SIZES = ((480, 400), (480, 430), (480, 400))

README = """# Example paintings

Nine synthetic paintings by three painters who do not exist (a, b and c): three scenes each, no two
alike. They were computed by `python scripts/make_examples.py` from fixed seeds, show no real
artist's work, and are free to use under the project's licence.

The three were chosen because their hands differ plainly. The shipped model learned from real
paintings only: it ranks synthetic hands well, but everything painted by one program resembles
everything else that was, so its likelihood ratios for them lean towards "same". Its published error
rates are about real paintings and do not hold here.
"""


def make_examples(out: Path) -> None:
    """Write the example paintings and their README to `out`.

    Raises:
        OutputError: The folder cannot be written.
    """
    for letter, index in PAINTERS.items():
        for number, (subject, size) in enumerate(zip(SUBJECTS, SIZES, strict=True), start=1):
            picture = paint(painter(SEED, index), subject + 100 * index, size)
            with atomic_path(out / f"painter-{letter}-{number}.jpg") as temporary:
                picture.save(temporary, quality=88)
    write_text(out / "README.md", README)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    default = Path(__file__).parents[1] / "examples" / "atelier"
    parser.add_argument("out", nargs="?", type=Path, default=default, help="folder to write to")
    make_examples(parser.parse_args().out)
