"""Commands that make data: prepare, atelier, protocol."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, cast, get_args

import typer

from samehand.cli.listed import Columns, Images, tell
from samehand.cli.options import COLLECTIONS, AnyRights, Catalogue, Limit, Private, print_next, say
from samehand.plural import counted
from samehand.records import Collection, Split

if TYPE_CHECKING:
    from samehand.catalogue.sources import PaintingSource


def prepare(
    kind: Annotated[
        Literal["pbn", "folder", "table", "csv", "parquet", Collection],
        typer.Argument(
            metavar="kind",
            help="pbn, folder or table; or a collection on the web, which is fetched first: "
            f"{COLLECTIONS}.",
        ),
    ],
    source: Annotated[
        str,
        typer.Argument(help="A folder or a table; of a collection, what `samehand fetch` takes."),
    ],
    out: Annotated[Path, typer.Option(help="The catalogue's folder.")],
    split: Annotated[
        Literal["pbn", "artist-disjoint", "image-level", "report", "given"] | None,
        typer.Option(help="How to divide the paintings; what suits the source if absent."),
    ] = None,
    images: Images = None,
    column: Columns = None,
    max_side: Annotated[int, typer.Option(min=1, help="Longest cached side in pixels.")] = 640,
    validation_artists: Annotated[
        int,
        typer.Option(
            min=1,
            help="Artists held out for validation and calibration; half of those who could be, "
            "where there are fewer.",
        ),
    ] = 60,
    smallest_class: Annotated[
        int, typer.Option(min=1, help="For the split report: leave out artists with fewer works.")
    ] = 1,
    any_attribution: Annotated[
        bool,
        typer.Option(
            "--any-attribution",
            help="Use works attributed to, after, or by the workshop of an artist as the artist's.",
        ),
    ] = False,
    seed: Annotated[int, typer.Option(min=0, help="Seeds the split.")] = 0,
    limit: Limit = None,
    any_rights: AnyRights = False,
    private: Private = False,
) -> None:
    """Read a collection, repair it, find duplicates, and write a catalogue with its images."""
    from samehand.catalogue.headings import parse_columns
    from samehand.catalogue.http import Client
    from samehand.catalogue.online import Online
    from samehand.catalogue.prepare import SourceKind
    from samehand.catalogue.prepare import prepare as build

    asked: SourceKind | PaintingSource
    if kind in get_args(SourceKind):
        asked = cast(SourceKind, kind)
    else:
        asked = Online(
            cast(Collection, kind),
            source,
            out / "fetched",
            limit=limit,
            any_rights=any_rights,
            client=Client(allow_private=private),
            tell=tell,
        )
    report = build(
        asked,
        source,
        out,
        split=split,
        seed=seed,
        images=images,
        columns=parse_columns(column or ()),
        max_side=max_side,
        validation_artists=validation_artists,
        smallest_class=smallest_class,
        any_attribution=any_attribution,
    )
    for note in report.notes:
        tell(note)
    for name, count in report.splits.items():
        say(
            f"{name:<12}{counted(count['paintings'], 'painting'):>18} by "
            f"{counted(count['artists'], 'artist'):>14}"
        )
    say(
        f"repaired {len(report.repaired)}, unreadable {len(report.unreadable)}, missing "
        f"{len(report.missing)}, duplicates {len(report.duplicates)}, contested attributions "
        f"{len(report.contested)}"
    )
    say(f"wrote {out / 'catalogue.parquet'} and {out / 'prepare-report.md'}: read that first")
    print_next("protocol", "--catalogue", out, "--out", f"{out}-pairs.parquet")


def atelier(
    out: Annotated[Path, typer.Argument(help="The folder to fill.")],
    painters: Annotated[int, typer.Option(min=1, help="How many painters.")] = 20,
    works: Annotated[int, typer.Option(min=1, help="Paintings of each.")] = 12,
    layout: Annotated[
        Literal["folder", "pbn"], typer.Option(help="A folder an artist, or competition files.")
    ] = "folder",
    size: Annotated[int, typer.Option(min=32, help="Approximate side in pixels.")] = 256,
    seed: Annotated[
        int, typer.Option(min=0, help="Seeds the painters; another seed, other painters.")
    ] = 0,
) -> None:
    """Paint a synthetic collection with known makers, to try everything without data."""
    from samehand.atelier import build_atelier

    build_atelier(out, painters=painters, works=works, seed=seed, layout=layout, size=(size, size))
    say(
        f"wrote {counted(painters * works, 'work')} by "
        f"{counted(painters, 'synthetic painter')} to {out}"
    )
    print_next("prepare", layout, out, "--out", f"{out}-catalogue")


def protocol(
    catalogue: Catalogue,
    out: Annotated[Path, typer.Option(help="The .parquet file to write.")],
    split: Annotated[
        Split, typer.Option(help="Which paintings; all for a model that trained on none.")
    ] = "test",
    artists: Annotated[
        Literal["unseen", "seen", "all"] | None,
        typer.Option(
            help="Artists of the training split or not; unseen if absent (all with --split all)."
        ),
    ] = None,
    within_style: Annotated[
        bool, typer.Option("--within-style", help="Only pairs (or drawn impostors) of one style.")
    ] = False,
    impostors: Annotated[
        int | None,
        typer.Option(min=1, help="Impostor pairs to draw; as many as genuine ones if absent."),
    ] = None,
    genuine: Annotated[
        int | None,
        typer.Option(min=1, help="Genuine pairs to draw; every pair if neither is given."),
    ] = None,
    submission: Annotated[
        Path | None, typer.Option(help="Use the pairs of a submission_info.csv or its zip.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seeds the draw.")] = 0,
) -> None:
    """Freeze a hashed list of test pairs."""
    from samehand.catalogue.schema import load_catalogue
    from samehand.files import sha256_file
    from samehand.pairs.choose import choose_pairs
    from samehand.pairs.protocol import write_protocol

    table = load_catalogue(catalogue)
    draft, description = choose_pairs(
        table,
        split=split,
        artists=artists,
        within_style=within_style,
        genuine=genuine,
        impostors=impostors,
        submission=submission,
        seed=seed,
    )
    digest = sha256_file(catalogue / "catalogue.parquet")
    header = write_protocol(out, draft, description=description, catalogue_sha256=digest)
    say(
        f"wrote {header.pairs:,} pairs ({header.genuine:,} genuine) of {header.paintings:,} "
        f"paintings by {header.artists:,} artists to {out} (hash {header.content_hash[:16]})"
    )
    report = out.with_name(f"{out.stem}-report")
    print_next("evaluate", out, "--catalogue", catalogue, "--out", report)
