"""`samehand calibrate` on one's own works: which works count, and what it came to."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from samehand.cli.listed import listed, print_failures, tell
from samehand.cli.options import print_next, say
from samehand.errors import ImageError, ModelError
from samehand.plural import counted
from samehand.records import Floats, PictureKind

if TYPE_CHECKING:
    from samehand.model.folder import ModelFolder
    from samehand.model.own import OwnCalibration


class Secure(NamedTuple):
    """Works by known artists, ready to calibrate on: a row, a name, a hash and a kind of each."""

    embeddings: Floats
    artists: list[str]
    works: list[str]
    kinds: list[PictureKind]


def of_gallery(folder: "ModelFolder", name: str) -> Secure:
    """Return a gallery's works by an artist's own hand whose files are there.

    What people decided counts: works that they gave an artist's hand are the artist's, and labels
    that they contradicted are nobody's.
    """
    from samehand.gallery import Gallery
    from samehand.gallery.decisions import Settled, decided_artists_of, links

    with Gallery.open(name, folder) as gallery:
        found, rows = gallery.embeddings()
        settled = Settled(links(gallery.store.read_decisions()))
        decided = gallery.decided_pairs()
    artists = decided_artists_of(found, settled)
    secure = [index for index, artist in enumerate(artists) if artist is not None]
    found, rows = tuple(found[index] for index in secure), rows[secure]
    artists = [artists[index] for index in secure]
    if decided:
        tell(f"{counted(len(decided), 'decided pair')} of {name} taken into account")
    kinds = _kinds([Path(one.work.path) for one in found])
    chosen = [index for index, kind in enumerate(kinds) if kind is not None]
    if len(chosen) < len(found):
        tell(f"{counted(len(found) - len(chosen), 'work')} left out: no readable file is there")
    return Secure(
        rows[chosen],
        [artists[index] or "" for index in chosen],
        [found[index].sha256 for index in chosen],
        [kind for kind in kinds if kind is not None],
    )


def of_works(
    folder: "ModelFolder",
    targets: Sequence[Path],
    images: Path | None,
    column: Sequence[str] | None,
    threads: int | None,
) -> Secure:
    """Return the pictures of tables and folders that name their artists."""
    from samehand.files import sha256_file
    from samehand.model.embed import default_cache, embed_files
    from samehand.model.runtime import Embedder

    items = [
        item
        for item in listed(targets, images, column).items
        if item.path is not None and item.problem is None and item.labels.get("artist")
    ]
    if not items:
        raise ImageError("none of the works has an artist; name a table with a column of artists")
    paths = [item.path for item in items if item.path is not None]
    table = embed_files(Embedder(folder.embedder, threads), paths, default_cache())
    print_failures("left out", {str(p): why for p, why in table.failures.items()}, len(paths))
    kinds = _kinds(paths)
    chosen = [
        index
        for index, (path, kind) in enumerate(zip(paths, kinds, strict=True))
        if kind is not None and path not in table.failures
    ]
    return Secure(
        table.embeddings[chosen],
        [items[index].labels["artist"] for index in chosen],
        [sha256_file(paths[index]) for index in chosen],
        [kind for index in chosen if (kind := kinds[index]) is not None],
    )


def calibrate_on_own(
    folder: "ModelFolder", secure: Secure, out: Path | None, name: str | None
) -> None:
    """Fit, write and say what it came to."""
    from samehand.model.own import calibrate_own

    if out is None:
        raise ModelError("a calibration of your own is a model of its own; name its --out folder")
    made = calibrate_own(
        folder,
        secure.embeddings,
        secure.artists,
        secure.works,
        secure.kinds,
        out,
        name or out.name,
    )
    say(_said(made))
    say(f"wrote the model {made.name} to {out}")
    print_next("serve", "--model", out)


def _said(made: "OwnCalibration") -> str:
    lines = []
    for words, gain in made.gains.items():
        lines += [
            f"{words}: {gain.genuine_pairs:,} pairs by one artist and {gain.impostor_pairs:,} by "
            f"two, {gain.artists} artists with two works or more",
            "  on artists that had no say                  before     after",
            f"  Cllr, in bits ({gain.cllr_least:.3f} at best)"
            f"{'':13}{gain.cllr_before:6.3f}    {gain.cllr_after:6.3f}",
            f'  pairs by two artists over the cut for "same" '
            f"{gain.false_matches_before:6.1%}    {gain.false_matches_after:6.1%}",
        ]
    for words, galleries in made.galleries.items():
        lines += [
            f"galleries of {words}: {galleries.hands} artists",
            f"  hands that are not there, but named{'shipped':>17}{'your own':>22}",
            f"  {'':32}{'promised':>11}{'given':>11}{'promised':>11}{'on others':>11}",
        ]
        for name, promised in galleries.promised.items():
            shipped = (one.get(name) for one in (galleries.shipped, galleries.before))
            figures = [*shipped, promised, galleries.after[name]]
            told = ["-" if one is None else f"{one:.1%}" for one in figures]
            lines.append(f"  at the threshold {name:17}" + "".join(f"{one:>11}" for one in told))
    if made.left_out:
        lines.append(f"too few artists, left as shipped: {', '.join(made.left_out)}")
    return "\n".join(lines)


def _kinds(paths: Sequence[Path]) -> list[PictureKind | None]:
    from samehand.images.condition import picture_kind
    from samehand.images.decode import decode_file
    from samehand.progress import track

    found: list[PictureKind | None] = []
    for path in track(paths, "telling pictures apart", len(paths)):
        try:
            found.append(picture_kind(decode_file(path)))
        except ImageError:
            found.append(None)
    return found
