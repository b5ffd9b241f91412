"""Commands beyond one pair: verify, search, identify, calibrate."""

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from samehand.cli.answers_text import (
    IDENTIFY_TABLE,
    SEARCH_TABLE,
    VERIFY_TABLE,
    identification_text,
    search_text,
    verify_text,
)
from samehand.cli.gallery import Where
from samehand.cli.listed import (
    Columns,
    Images,
    References,
    listed,
    print_failures,
    probes_of,
    reasons,
    tell,
)
from samehand.cli.listing import print_fitted
from samehand.cli.options import (
    AnyAttribution,
    AsJson,
    Model,
    Point,
    Prior,
    Threads,
    parse_prior,
    say,
)
from samehand.errors import ImageError, SamehandError
from samehand.files import printable, sha256_bytes
from samehand.plural import counted
from samehand.records import FalseAlarms

if TYPE_CHECKING:
    from samehand.catalogue.pictures import Pictures
    from samehand.gallery import Gallery
    from samehand.verification.output import Answer
    from samehand.verification.verifier import SameHand

Probes = Annotated[
    list[Path],
    typer.Argument(help="Images, folders of them, tables with a column path, or patterns."),
]
Out = Annotated[
    Path | None,
    typer.Option(help="Append answers to a .jsonl or .csv file; rerun to resume."),
]
MOST_REFERENCES = 100
"""So many of an artist's works in a gallery are opened as references, those added first."""

InGallery = Annotated[str, typer.Option(help="A gallery's name, folder or address.")]


def verify(
    probes: Probes,
    references: References = None,
    as_json: AsJson = False,
    out: Out = None,
    prior: Prior = 0.5,
    operating_point: Point = "eer",
    gallery: Annotated[
        str | None, typer.Option(help="Take the references from a gallery; see --artist.")
    ] = None,
    artist: Annotated[
        str | None, typer.Option(help="Whose works in the gallery are the references.")
    ] = None,
    any_attribution: AnyAttribution = False,
    images: Images = None,
    column: Columns = None,
    model: Model = None,
    threads: Threads = None,
) -> None:
    """Say whether images are by the artist of some reference works."""
    from samehand.verification.verifier import SameHand

    asked = listed(probes, images, column)
    known = (
        _of_artist(gallery, artist, asked, any_attribution)
        if gallery is not None or artist is not None
        else _secure(references, images, column, any_attribution)
    )
    if references and gallery is not None:
        raise SamehandError("name --references, or --gallery with --artist, but not both")
    print(
        f"{counted(len(asked.items), 'doubtful work')} against {counted(len(known), 'reference')}",
        file=sys.stderr if as_json else sys.stdout,
    )
    same_hand = SameHand(model, threads)
    works = [same_hand.open(path) for path in known]

    def ask(probe: Path) -> "Answer":
        return same_hand.verify(
            probe, works, prior=prior, operating_point=operating_point
        ).to_dict()

    question = {
        "command": "verify",
        "model": same_hand.folder.identity,
        "references": [work.sha256 for work in works],
        "prior": prior,
        "operating_point": operating_point,
    }
    _answer(asked, ask, question, out, as_json, VERIFY_TABLE, verify_text)


def search(
    probes: Probes,
    gallery: InGallery,
    top: Annotated[int, typer.Option(min=1, help="How many works.")] = 20,
    where: Where = None,
    exact: Annotated[
        bool, typer.Option("--exact", help="Compare with every work even where there is an index.")
    ] = False,
    as_json: AsJson = False,
    out: Out = None,
    images: Images = None,
    column: Columns = None,
    model: Model = None,
    threads: Threads = None,
) -> None:
    """Find the works of a gallery that are most like an image, each with its likelihood ratio."""
    from samehand.gallery import Gallery
    from samehand.verification.verifier import SameHand

    asked = listed(probes, images, column)
    same_hand = SameHand(model, threads)
    with Gallery.open(gallery, same_hand) as opened:

        def ask(probe: Path) -> "Answer":
            return same_hand.search(probe, opened, top, where=where or (), exact=exact).to_dict()

        question = _gallery_question("search", same_hand, opened, where, out) | {
            "top": top,
            "exact": exact,
        }
        _answer(asked, ask, question, out, as_json, SEARCH_TABLE, search_text)


def identify(
    probes: Probes,
    gallery: InGallery,
    top: Annotated[int, typer.Option(min=1, help="How many candidates to show.")] = 5,
    where: Where = None,
    threshold: Annotated[
        FalseAlarms,
        typer.Option(help="Share of unknown hands that may be given a name: 1 % or 10 %."),
    ] = "far10",
    as_json: AsJson = False,
    out: Out = None,
    prior: Annotated[
        float,
        typer.Option(
            parser=parse_prior,
            metavar="<probability>",
            help="P(one of the gallery's artists) before looking, such as 0.1 or 10%.",
        ),
    ] = 0.5,
    any_attribution: AnyAttribution = False,
    images: Images = None,
    column: Columns = None,
    model: Model = None,
    threads: Threads = None,
) -> None:
    """Say which artist of a gallery made an image, or that none of them did."""
    from samehand.gallery import Gallery
    from samehand.verification.verifier import SameHand

    asked = listed(probes, images, column)
    same_hand = SameHand(model, threads)
    with Gallery.open(gallery, same_hand) as opened:

        def ask(probe: Path) -> "Answer":
            return same_hand.identify(
                probe,
                opened,
                top,
                where=where or (),
                prior=prior,
                threshold=threshold,
                any_attribution=any_attribution,
            ).to_dict()

        question = _gallery_question("identify", same_hand, opened, where, out) | {
            "top": top,
            "threshold": threshold,
            "prior": prior,
        }
        if any_attribution:
            question["any_attribution"] = True
        _answer(asked, ask, question, out, as_json, IDENTIFY_TABLE, identification_text)


def calibrate(
    model: Annotated[str, typer.Argument(help="A model folder, or a built-in name.")],
    catalogue: Annotated[
        Path | None,
        typer.Option(help="A folder made by `samehand prepare`: add the rules that it lacks."),
    ] = None,
    gallery: Annotated[
        str | None,
        typer.Option(help="Your own secure works, in a gallery: its name or folder."),
    ] = None,
    works: Annotated[
        list[Path] | None,
        typer.Option(metavar="PATH...", help="The same, as tables or folders with artists."),
    ] = None,
    images: Images = None,
    column: Columns = None,
    out: Annotated[Path | None, typer.Option(help="The model folder to make of them.")] = None,
    name: Annotated[str | None, typer.Option(help="Its name; that of --out if absent.")] = None,
    threads: Threads = None,
) -> None:
    """Fit error rates: on your own secure works, or the rules that a model lacks.

    With --gallery or --works, a model of its own is written, calibrated on works whose makers you
    are sure of, with thresholds for identify of its own where there are a hundred works by twelve
    artists. Its error rates before and after are printed, on artists that had no say in them. With
    --catalogue, the model's rules for reference sets, galleries and pairs of one style are fitted
    on the catalogue's held-out artists, in place.
    """
    if sum(bool(one) for one in (catalogue, gallery, works)) != 1:
        raise SamehandError("calibrate on one of --catalogue, --gallery and --works")
    if catalogue is None:
        from samehand.cli.own import calibrate_on_own, of_gallery, of_works
        from samehand.model.folder import open_model

        folder = open_model(model, threads)
        if gallery is not None:
            secure = of_gallery(folder, gallery)
        else:
            secure = of_works(folder, works or [], images, column, threads)
        calibrate_on_own(folder, secure, out, name)
        return
    from samehand.model.fit import calibrate_folder

    config = calibrate_folder(model, catalogue)
    assert config.attribution is not None
    steps = config.attribution.references.steps
    for step in steps:
        rate = step.calibration.points["eer"].error_rate
        say(
            f"{counted(step.references, 'reference'):>14}: error rate {rate:.1%} on held-out "
            "artists"
        )
    for name, point in config.attribution.open_set.points.items():
        say(
            f"{name:>6}: names {point.false_alarms:.1%} of unknown hands, and "
            f"{point.detected:.1%} of known ones rightly"
        )
    if config.one_style is None:
        say("no calibration of pairs of one style: the held-out works have too few styles known")
    else:
        rate = config.one_style.points["eer"].error_rate
        say(f"pairs of one style: error rate {rate:.1%} on held-out artists")


def _secure(
    references: Sequence[Path] | None,
    images: Path | None,
    column: Sequence[str] | None,
    any_attribution: bool,
) -> list[Path]:
    """Return the files of some references, without those that a table gives to another hand."""
    from samehand.catalogue.facts import is_autograph
    from samehand.catalogue.pictures import file_of

    if not references:
        raise SamehandError("name works by one artist with --references: images, folders or tables")
    found = listed(references, images, column)
    kept = [
        item for item in found.items if any_attribution or item.guessed or is_autograph(item.labels)
    ]
    if len(kept) < len(found.items):
        tell(
            f"{counted(len(found.items) - len(kept), 'reference')} left out as not by the artist's "
            "own hand; --any-attribution takes them all the same"
        )
    if not kept:
        raise SamehandError(
            "no reference is by the artist's own hand; name others, or pass --any-attribution"
        )
    return [file_of(item) for item in kept]


def _of_artist(
    gallery: str | None, artist: str | None, asked: "Pictures", any_attribution: bool
) -> list[Path]:
    """Return the files of an artist's works in a gallery, without the doubtful works themselves."""
    from samehand.gallery import Gallery

    if gallery is None or artist is None:
        raise SamehandError("name both --gallery and --artist, or works with --references")
    probes = {str(path.absolute()) for path in probes_of(asked)}
    with Gallery.open(gallery) as opened:
        where = [f"artist={artist}", *opened.autograph(any_attribution)]
        works = [stored.work.path for stored in opened.list(where)]
        kept = [path for path in works if path not in probes]
        if kept:
            return [Path(path) for path in kept[:MOST_REFERENCES]]
        names = opened.artists_like(artist)
    hint = f"; did you mean {names[0]}?" if names else ""
    raise SamehandError(f"the gallery {gallery} has no autograph work by {artist!r}{hint}")


def _gallery_question(
    command: str,
    same_hand: "SameHand",
    gallery: "Gallery",
    where: Sequence[str] | None,
    out: Path | None,
) -> dict[str, Any]:
    if out is None:
        return {}
    decided = gallery.store.read_decisions()
    # Only where there are some, so that files of answers from before decisions can be resumed.
    record = {"decisions": sha256_bytes(repr(decided).encode())[:16]} if decided else {}
    return record | {
        "command": command,
        "model": same_hand.folder.identity,
        "gallery": gallery.name,
        "gallery_state": gallery.store.fingerprint(),
        "where": list(where or ()),
    }


def _answer(
    asked: "Pictures",
    ask: "Callable[[Path], Answer]",
    question: Mapping[str, Any],
    out: Path | None,
    as_json: bool,
    table: "tuple[tuple[str, ...], Callable[[Answer], list[dict[str, object]]]]",
    text: "Callable[[str, Answer], str]",
) -> None:
    """Ask about every image; exit code 2 where not one was answered."""
    from samehand.verification.batch import answer_all, one_by_one
    from samehand.verification.output import Table

    probes, unusable = probes_of(asked), reasons(asked)

    def answer(probe: Path) -> "Answer":
        if str(probe) in unusable:
            raise ImageError(unusable[str(probe)])
        return ask(probe)

    if out is not None:
        batch = answer_all(probes, answer, out, Table(*table), question, "answering")
        print_failures("no answer", batch.failed, len(probes))
        say(
            f"wrote {counted(batch.answered, 'answer')} to {out}, "
            f"{counted(batch.before, 'was', 'were')} there, "
            f"{len(batch.failed):,} cannot be read"
        )
        if not batch.answered and not batch.before:
            raise typer.Exit(2)
        return
    failed: dict[str, str] = {}
    for probe, found in one_by_one(probes, answer):
        if isinstance(found, str):
            failed[str(probe)] = found
        _print_answer(probe, found, as_json, text, len(probes) > 1)
    print_failures("no answer", failed, len(probes))
    if len(failed) == len(probes):
        raise typer.Exit(2)


def _print_answer(
    probe: Path,
    found: "Answer | str",
    as_json: bool,
    text: "Callable[[str, Answer], str]",
    several: bool,
) -> None:
    if as_json:
        told = {"error": found} if isinstance(found, str) else found
        # One image is a document, several are JSON Lines.
        print(json.dumps({"probe": str(probe)} | told, indent=None if several else 2))
    elif not isinstance(found, str):
        print_fitted(text(printable(probe.name), found))
        if several:
            print()
