"""The command that fetches paintings from open collections."""

from pathlib import Path
from typing import Annotated, Literal

import typer


def fetch(
    collection: Literal["aic", "cleveland", "smk", "met", "rijksmuseum", "commons", "nga", "iiif"],
    words: Annotated[
        str,
        typer.Argument(
            help="Words; for commons a category, for iiif a manifest or collection (file or "
            "address), for nga the folder of its tables and, after a colon, words."
        ),
    ],
    out: Annotated[Path, typer.Option(help="The folder to fill; rerun to resume.")],
    size: Annotated[int, typer.Option(min=1, help="Longest side in pixels to ask for.")] = 1024,
    limit: Annotated[int | None, typer.Option(min=1, help="Largest number of paintings.")] = None,
    any_rights: Annotated[
        bool, typer.Option("--any-rights", help="Also works that are not openly licensed.")
    ] = False,
    private: Annotated[
        bool, typer.Option("--private", help="Also ask this machine and private networks.")
    ] = False,
    pause: Annotated[
        float, typer.Option(min=0, help="Seconds between two requests to one host.")
    ] = 1.0,
) -> None:
    """Fetch paintings from an open collection, with a table that `samehand prepare csv` reads."""
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
    print(
        f"{report.paintings:,} paintings in {out / TABLE_NAME}; left out {report.closed:,} without "
        f"an open licence, {report.without_image:,} without an image, {len(report.failed):,} failed"
    )
