"""The command that embeds collections at scale."""

import sys
from typing import Annotated, Literal

import typer

from samehand.cli.listed import Columns, Images, print_failures, tell
from samehand.cli.options import AsJson, Model, Threads, print_json, say


def embed(
    sources: Annotated[
        list[str],
        typer.Argument(
            help="Folders, tables, patterns, catalogues, tar shards, or addresses: s3://..."
        ),
    ],
    out: Annotated[str, typer.Option(help="The folder or address of the rows.")],
    engine: Annotated[
        Literal["local", "ray"], typer.Option(help="This process, or a Ray cluster.")
    ] = "local",
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes of Ray; one a CPU if absent.")
    ] = None,
    shard: Annotated[
        str, typer.Option(help="Embed one share, such as 3/16, of a job for each share.")
    ] = "1/1",
    form: Annotated[
        Literal["parquet", "lance"],
        typer.Option("--format", help="What the rows are written as; lance needs samehand[lance]."),
    ] = "parquet",
    batch: Annotated[int, typer.Option(min=1, help="Pictures in one part of the output.")] = 256,
    images: Images = None,
    column: Columns = None,
    model: Model = None,
    threads: Threads = None,
    as_json: AsJson = False,
) -> None:
    """Embed a collection of any size into Parquet or Lance; rerun to resume."""
    from samehand.catalogue.headings import parse_columns
    from samehand.embedding.engines import LocalEngine
    from samehand.embedding.ray_engine import RayEngine
    from samehand.embedding.run import embed_collection, parse_shard

    if engine == "ray":
        # One CPU a worker, so one thread.
        runner, threads = RayEngine(workers), threads or 1
    report = embed_collection(
        sources,
        out,
        model=model,
        engine=runner if engine == "ray" else LocalEngine(),
        batch=batch,
        shard=parse_shard(shard),
        threads=threads,
        form=form,
        images=images,
        columns=parse_columns(column or ()),
        tell=tell,
    )
    total = report.embedded + report.already + len(report.failed)
    print_failures("not embedded", report.failed, total)
    if as_json:
        print_json(report.to_dict())
    else:
        say(
            f"embedded {report.embedded:,}, unreadable {len(report.failed):,}, there already "
            f"{report.already:,}; {report.seconds:.1f} s; rows in {report.out}"
        )
    # A share of a small collection may be empty, and its job has then done all that there is to do.
    if report.failed and not report.embedded and not report.already:
        print("no picture has a row with an embedding", file=sys.stderr)
        raise typer.Exit(2)
