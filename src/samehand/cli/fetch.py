"""The command that fetches paintings from open collections."""

from pathlib import Path
from typing import Annotated

import typer

from samehand.cli.options import COLLECTIONS, AnyRights, Limit, Private, print_next, say
from samehand.plural import counted
from samehand.records import Collection


def fetch(
    collection: Annotated[
        Collection, typer.Argument(metavar="collection", help=f"One of {COLLECTIONS}.")
    ],
    words: Annotated[
        str,
        typer.Argument(
            help="Words; for commons a category, for iiif a manifest or collection (file or "
            "address), for nga the folder of its tables and, after a colon, words."
        ),
    ],
    out: Annotated[Path, typer.Option(help="The folder to fill; rerun to resume.")],
    size: Annotated[int, typer.Option(min=1, help="Longest side in pixels to ask for.")] = 1024,
    limit: Limit = None,
    any_rights: AnyRights = False,
    private: Private = False,
    pause: Annotated[
        float, typer.Option(min=0, help="Seconds between two requests to one host.")
    ] = 1.0,
) -> None:
    """Fetch paintings from an open collection, with a table that `samehand prepare table` reads."""
    from samehand.catalogue.fetch import TABLE_NAME
    from samehand.catalogue.fetch import fetch as run
    from samehand.catalogue.http import Client

    report = run(
        collection,
        words,
        out,
        size=size,
        limit=limit,
        any_rights=any_rights,
        client=Client(pause=pause, allow_private=private),
    )
    for sentence in report.failed:
        typer.echo(f"left out: {sentence}", err=True)
    say(
        f"wrote {counted(report.paintings, 'painting')} to {out / TABLE_NAME}; left out "
        f"{report.closed:,} without an open licence, {report.without_image:,} without "
        f"an image, {len(report.failed):,} failed"
    )
    if report.paintings:
        print_next("prepare", "table", out / TABLE_NAME, "--out", f"{out}-catalogue")
