"""A contact sheet of suspect labels: each work beside the one that contradicts its label."""

from pathlib import Path

from samehand.errors import ImageError
from samehand.explain.contact import Tile, draw_sheet
from samehand.images.decode import decode_file
from samehand.results import Suspect, Suspects


def draw_suspects(found: Suspects, target: Path) -> int:
    """Draw suspects that have a rival's work, and return how many had to be left out.

    Args:
        found: At least one suspect.
        target: The picture to write.

    Raises:
        ImageError: Not one of the pictures can be read.
        OutputError: `target` cannot be written.
    """
    tiles = [_tile(one) for one in found.suspects if _readable(one)]
    if not tiles:
        raise ImageError(
            f"not one picture of {found.gallery} can be read; connect the disk that holds them"
        )
    draw_sheet(f"Suspect labels of {found.gallery}", tiles, target)
    return len(found.suspects) - len(tiles)


def _tile(one: Suspect) -> Tile:
    other = one.duplicate or one.rival_work
    assert other is not None
    own = "no other work" if one.own_llr is None else f"{one.own_llr:+.2f}"
    number = one.extra.get("accession_number")
    facts = [f"{one.rank}. {one.title or Path(one.path).name}", *([number] if number else [])]
    verdict = f"llr {own} with {one.artist}, {one.rival_llr:+.2f} with {one.rival}"
    if one.duplicate:
        verdict = "The same picture under another label."
    return Tile(
        (Path(one.path), Path(other)),
        ((*facts, one.artist), (Path(other).name, one.rival)),
        verdict,
    )


def _readable(one: Suspect) -> bool:
    other = one.duplicate or one.rival_work
    if other is None:
        return False
    try:
        for path in (one.path, other):
            decode_file(Path(path))
    except ImageError:
        return False
    return True
