"""What the bounds of `images/copied.py` and `verification/copies.py` rest on.

    python -m benchmarks.copies_told cosines FOLDER [--model vit]
    python -m benchmarks.copies_told grey FOLDER [--model vit] [--most 100]
    python -m benchmarks.copies_told told FOLDER
    python -m benchmarks.copies_told false FOLDER [FOLDER ...] [--most 1500]

`cosines` says how alike the embeddings of a picture and its copies are, for every tenth picture;
`grey` how many copies in greyscale are looked at and told, and how many pictures wrongly;
`told` how many of the first 40 pictures' random crops are told to be copies; `false` how many pairs
of different works look like copies of one another.
"""

import argparse
import io
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from samehand import SameHand
from samehand.catalogue.walk import images_below
from samehand.errors import ImageError
from samehand.images.copied import Shown, show_one_work
from samehand.images.decode import decode_file
from samehand.images.likeness import DETAIL, colours_agree
from samehand.verification.copies import GREY_ADDS, LOOKED_AT_COSINE

CROPPED = 40


def pictures(folder: Path, most: int | None = None) -> list[Image.Image]:
    """Return the pictures below a folder, those that can be read."""
    found: list[Image.Image] = []
    for path in images_below(folder).images:
        if most is not None and len(found) >= most:
            break
        try:
            found.append(decode_file(path).image)
        except ImageError:
            continue
    return found


def copies(image: Image.Image) -> dict[str, Image.Image]:
    """Return copies of a picture by what was done to it."""
    grey = image.convert("L").convert("RGB")
    return {
        "a fifth of the size": image.resize((image.width // 5, image.height // 5)),
        "grey": grey,
        "mirrored": ImageOps.mirror(image),
        "turned by a quarter": image.rotate(90, expand=True),
        "cropped by 4 to 10 %": _crop(image, (0.08, 0.04, 0.07, 0.1)),
        "the same in grey": _crop(grey, (0.08, 0.04, 0.07, 0.1)),
        "cropped by 15 %": _crop(image, (0.15,) * 4),
    }


def _crop(image: Image.Image, edges: tuple[float, ...]) -> Image.Image:
    left, upper, right, lower = edges
    width, height = image.size
    box = (width * left, height * upper, width * (1 - right), height * (1 - lower))
    return image.crop(tuple(int(side) for side in box))  # type: ignore[arg-type]


def cosines(folder: Path, model: SameHand) -> None:
    """Print the least and the median cosine of each kind of copy."""
    found: dict[str, list[float]] = {}
    for image in pictures(folder)[::10]:
        made = copies(image)
        rows = model.embed([image, *made.values()])
        for name, cosine in zip(made, rows[1:] @ rows[0], strict=True):
            found.setdefault(name, []).append(float(cosine))
    for name, all_of_them in found.items():
        print(f"{name:22} least {min(all_of_them):.2f}, median {np.median(all_of_them):.2f}")


def grey(folder: Path, model: SameHand, most: int) -> None:
    """Print how many copies in greyscale are looked at and told, and how many pictures wrongly."""
    plain = pictures(folder, most)
    grey = [image.convert("L").convert("RGB") for image in plain]
    cosines = model.embed(plain) @ model.embed(grey).T
    own = np.eye(len(plain), dtype=bool)
    shown, shown_grey = [Shown(image) for image in plain], [Shown(image) for image in grey]
    for adds in (0.0, GREY_ADDS):
        looked = cosines + adds >= LOOKED_AT_COSINE
        told = np.zeros_like(looked)
        for i, j in np.argwhere(looked).tolist():
            told[i, j] = show_one_work(shown[i], shown_grey[j], float(cosines[i, j]))
        print(
            f"cosine + {adds}: of {len(plain)} copies {(looked & own).sum()} looked at and "
            f"{(told & own).sum()} told; of {(~own).sum():,} pairs of different works "
            f"{(looked & ~own).sum():,} looked at and {(told & ~own).sum()} told"
        )


def told(folder: Path) -> None:
    """Print what share of random crops, saved as JPEG again, are told to be copies."""
    draw = np.random.default_rng(0)
    for most in (0.1, 0.15):
        hits = []
        for image in pictures(folder, CROPPED):
            stream = io.BytesIO()
            edges = tuple(draw.uniform(0, most, 4).tolist())
            _crop(image, edges).save(stream, "JPEG", quality=80)
            copy = Image.open(stream).convert("RGB")
            hits.append(show_one_work(Shown(image), Shown(copy), 1.0))
        print(f"crops by up to {most:.0%} an edge: {np.mean(hits):.0%} of {len(hits)} told")


def false(folders: list[Path], most: int) -> None:
    """Print how many pairs of different works look like copies, held in any of eight ways."""
    shown = [Shown(image) for folder in folders for image in pictures(folder, most)]
    count, alike, agreeing = len(shown), 0, 0
    plain = np.stack([one.turned[1][0] for one in shown])
    for way in range(8):
        likeness = plain @ np.stack([one.turned[1][way] for one in shown]).T
        for i, j in np.argwhere(np.triu(likeness >= DETAIL, k=1)).tolist():
            alike += 1
            one, two = shown[i].turned[0][:1], shown[j].turned[0][way : way + 1]
            agreeing += bool(colours_agree(one, two)[0])
    pairs = count * (count - 1) // 2
    print(f"{pairs:,} pairs of {count:,} works: {alike} alike, {agreeing} of them in colours, too")


def main() -> None:
    """Measure what is asked for."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("what", choices=["cosines", "grey", "told", "false"])
    asked.add_argument("folders", type=Path, nargs="+")
    asked.add_argument("--model")
    asked.add_argument("--most", type=int, default=1500)
    options = asked.parse_args()
    if options.what == "cosines":
        cosines(options.folders[0], SameHand(options.model))
    elif options.what == "grey":
        grey(options.folders[0], SameHand(options.model), options.most)
    elif options.what == "told":
        told(options.folders[0])
    else:
        false(options.folders, options.most)


if __name__ == "__main__":
    main()
