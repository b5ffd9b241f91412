"""Commands on galleries: create, add, remove, set, rename, delete, list, info, index, export."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from samehand.cli.listed import Columns, Images, print_failures, tell
from samehand.cli.listing import Grouped, print_fitted
from samehand.cli.options import (
    AnyRights,
    AsJson,
    Limit,
    Model,
    Private,
    Threads,
    print_json,
    print_next,
    say,
)
from samehand.errors import GalleryError
from samehand.files import printable
from samehand.plural import counted

if TYPE_CHECKING:
    from samehand.gallery import Gallery

app = typer.Typer(
    name="gallery",
    cls=Grouped,
    help="Hold works in searchable galleries.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Name = Annotated[
    str,
    typer.Argument(
        help="A gallery's name, the path of its folder, or an address: lance:///folder, s3://..."
    ),
]
Where = Annotated[
    list[str] | None,
    typer.Option(
        help="Only works that meet a condition: column=value, column!=value, column~part, "
        "column==exact value, column>=number, column<=number; may be repeated."
    ),
]
Cache = Annotated[
    Path | None, typer.Option(help="Also take embeddings from this cache; see `score`.")
]


@app.command()
def create(name: Name, model: Model = None) -> None:
    """Make an empty gallery for the embeddings of a model."""
    from samehand.gallery import Gallery
    from samehand.model.folder import open_model

    with Gallery.create(name, open_model(model)) as gallery:
        say(f"made the gallery {gallery.name} in {gallery.address}")
    print_next("gallery", "add", name, "paintings/", *(("--model", model) if model else ()))


@app.command()
def add(
    name: Name,
    sources: Annotated[
        list[str],
        typer.Argument(
            help="Images, folders (of a folder an artist), tables with a column path, patterns, "
            "catalogues, other galleries, collections on the web (aic:WORDS, iiif:ADDRESS ...)."
        ),
    ],
    as_json: AsJson = False,
    images: Images = None,
    column: Columns = None,
    model: Model = None,
    threads: Threads = None,
    cache: Cache = None,
    erase_labels: Annotated[
        bool,
        typer.Option("--erase-labels", help="Forget labels that the sources do not state."),
    ] = False,
    no_index: Annotated[
        bool, typer.Option("--no-index", help="Build no approximate index, however large it is.")
    ] = False,
    limit: Limit = None,
    any_rights: AnyRights = False,
    private: Private = False,
) -> None:
    """Add works; unchanged files are not embedded again; rerun to resume."""
    from samehand.catalogue.headings import parse_columns
    from samehand.gallery import Gallery
    from samehand.verification.verifier import SameHand

    with Gallery.open(name) as gallery:
        report = gallery.add(
            _fetched(sources, limit, any_rights, private),
            SameHand(model, threads),
            cache=cache,
            images=images,
            columns=parse_columns(column or ()),
            tell=tell,
            erase_labels=erase_labels,
        )
        there = report.added + report.changed + report.updated + report.unchanged + report.moved
        print_failures("not added", report.failed, there + len(report.failed))
        if report.gone:
            print(
                f"{counted(len(report.gone), 'work')} without a file where it was, "
                f"{printable(report.gone[0])} for one; samehand gallery remove {name} --gone "
                "takes them out",
                file=sys.stderr,
            )
        if report.kept_labels:
            tell(
                f"{counted(report.kept_labels, 'label')} that these sources do not state "
                f"{'is' if report.kept_labels == 1 else 'are'} kept; "
                "--erase-labels forgets them"
            )
        if report.unreachable:
            tell(
                f"{counted(len(report.unreachable), 'work')} of these folders cannot be reached "
                f"now, {report.unreachable[0]} for one, and stay in the gallery"
            )
        if as_json:
            print_json(report.to_dict())
        else:
            say(
                f"added {report.added:,}, changed {report.changed:,}, updated {report.updated:,}, "
                f"unchanged {report.unchanged:,}, moved {report.moved:,}, "
                f"unreadable {len(report.failed):,}; "
                f"{counted(len(gallery), 'work')} in {gallery.name}, {report.seconds:.1f} s"
            )
            if report.added:
                print_next("identify", "doubtful.jpg", "--gallery", name)
        if not there:
            raise typer.Exit(2)
        if gallery.wants_index() and not no_index:
            _index(gallery)


def _fetched(
    sources: list[str], limit: int | None, any_rights: bool, private: bool
) -> list[str | Path]:
    """Return the sources, those on the web fetched into the user's data folder."""
    from samehand.catalogue.http import Client
    from samehand.catalogue.online import Online, folder_name, parse_online
    from samehand.gallery.places import home

    found: list[str | Path] = []
    for source in sources:
        asked = None if Path(source).exists() else parse_online(source)
        if asked is None:
            found.append(source)
            continue
        folder = home() / "collections" / folder_name(*asked)
        client = Client(allow_private=private)
        found.append(Online(*asked, folder, limit, any_rights, client, tell).fetch())
    return found


@app.command()
def remove(
    name: Name,
    paths: Annotated[list[str] | None, typer.Argument(help="Files of the works.")] = None,
    where: Where = None,
    gone: Annotated[
        bool, typer.Option("--gone", help="Works whose files no longer exist.")
    ] = False,
) -> None:
    """Take works out of a gallery; their files stay."""
    from samehand.gallery import Gallery

    with Gallery.open(name) as gallery:
        if not (paths or where or gone):
            raise GalleryError("nothing to remove: name files, a condition with --where, or --gone")
        wanted = [*(paths or ()), *(gallery.gone() if gone else ())]
        count = gallery.remove(wanted, where=where or ())
        say(f"removed {count:,}; {counted(len(gallery), 'work')} in {gallery.name}")


@app.command("set")
def set_columns(
    name: Name,
    values: Annotated[
        list[str],
        typer.Argument(help="What to write, as column=text; without a text, forget the column."),
    ],
    where: Where = None,
    every: Annotated[bool, typer.Option("--all", help="Edit every work.")] = False,
) -> None:
    """Write a text into a column of the works that meet a condition."""
    from samehand.gallery import Gallery
    from samehand.gallery.editing import parse_values

    wanted = parse_values(values)
    if bool(where) == every:
        raise GalleryError("name the works with --where, or pass --all for every work")
    with Gallery.open(name) as gallery:
        matched = gallery.count(where or ())
        changed = gallery.set_columns(wanted, where=where or ())
        say(f"{counted(matched, 'work matches', 'works match')}, {changed:,} changed")


@app.command()
def merge(
    name: Name,
    source: Annotated[str, typer.Argument(help="Another gallery, which stays as it is.")],
    as_json: AsJson = False,
) -> None:
    """Take another gallery's works, labels and decisions in; nothing of either is lost."""
    from samehand.cli.answers_text import merge_text
    from samehand.gallery import Gallery

    with Gallery.open(name) as gallery:
        report = gallery.merge(source)
        if as_json:
            print_json(report.to_dict())
        else:
            say(merge_text(report))


@app.command()
def rename(
    name: Name, to: Annotated[str, typer.Argument(help="The new name, or the path of a folder.")]
) -> None:
    """Give a gallery another name."""
    from samehand.gallery import Gallery

    with Gallery.open(name) as gallery:
        before = gallery.name
        gallery.rename(to)
        say(f"renamed {before} to {gallery.name}, in {gallery.address}")


@app.command()
def delete(
    name: Name,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Delete a gallery with its labels and embeddings; the images stay."""
    from samehand.gallery import Gallery

    with Gallery.open(name) as gallery:
        count = len(gallery)
        if not yes:
            try:
                typer.confirm(
                    f"Delete {printable(gallery.name)} with {counted(count, 'work')}?", abort=True
                )
            except typer.Abort as stop:
                raise GalleryError(
                    f"{gallery.name} was not deleted; answer y, or pass --yes"
                ) from stop
        gallery.delete()
        say(f"deleted {gallery.name} with {counted(count, 'work')}; the images stay")


@app.command("list")
def list_works(
    name: Annotated[
        str | None, typer.Argument(help="A gallery; all galleries are listed if absent.")
    ] = None,
    where: Where = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Largest number of works.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON Lines.")] = False,
) -> None:
    """List a gallery's works, or all galleries."""
    from samehand.cli.answers_text import work_words
    from samehand.gallery import Gallery
    from samehand.gallery.places import known_galleries

    if name is None:
        for known in known_galleries():
            say(json.dumps({"gallery": known}) if as_json else known)
        return
    with Gallery.open(name) as gallery:
        found = False
        for stored in gallery.list(where or (), limit=limit):
            found = True
            if as_json:
                print(json.dumps(stored.record().to_dict()))
            else:
                work = stored.work
                words = work_words(work.artist, work.title, work.date, work.extra)
                print(printable("  |  ".join([work.path, *words])))
        if not found:
            tell(f"0 works match in {gallery.name}, of {len(gallery):,}")


@app.command()
def info(
    name: Name,
    as_json: AsJson = False,
    files: Annotated[
        bool, typer.Option("--files", help="Check that every work's file still exists.")
    ] = False,
) -> None:
    """Say what a gallery holds, which model made it, and how it is searched."""
    from samehand.gallery import Gallery

    with Gallery.open(name) as gallery:
        facts = gallery.info(look_for_files=files)
    if as_json:
        print_json(facts.to_dict())
        return
    index = facts.index
    lines = {
        "gallery": f"{facts.name}, in {facts.path}",
        "works": f"{facts.works:,} by {counted(facts.artists, 'artist')}, "
        f"{facts.unattributed:,} without an artist",
        "gone": "not looked for" if facts.gone is None else f"{facts.gone:,}",
        "model": f"{facts.model} (encoder {facts.encoder}, width {facts.width})",
        "columns": ", ".join(facts.columns),
        "size": f"{facts.megabytes:,.1f} MB",
        "search": facts.search,
    }
    if index is not None:
        lines["index"] = (
            f"{index.works:,} works; recall@10 {index.recall_at_10:.3f}, "
            f"{index.approximate_ms:.1f} ms beside {index.exact_ms:.1f} ms for exact search"
        )
    print_fitted("\n".join(f"{key:<10}{value}" for key, value in lines.items()))


@app.command()
def index(name: Name) -> None:
    """Build the approximate index of a large gallery, and measure its recall."""
    from samehand.gallery import Gallery

    with Gallery.open(name) as gallery:
        _index(gallery)


@app.command()
def export(
    name: Name,
    out: Annotated[
        Path, typer.Option(help="A .csv, .xlsx, .parquet or .jsonld (Linked Art) file to write.")
    ],
    where: Where = None,
) -> None:
    """Write works into a table, a Parquet file with their embeddings, or Linked Art."""
    from samehand.gallery import Gallery

    with Gallery.open(name) as gallery:
        count = gallery.export(out, where or ())
        say(f"wrote {counted(count, 'work')} to {out}")


@app.command("re-embed")
def re_embed(
    name: Name,
    model: Model = None,
    threads: Threads = None,
    cache: Cache = None,
    drop_gone: Annotated[
        bool, typer.Option("--drop-gone", help="Leave out works whose files cannot be read.")
    ] = False,
) -> None:
    """Embed every work again, with another model; an interrupted call changes nothing."""
    from samehand.gallery import Gallery
    from samehand.model.embed import default_cache
    from samehand.verification.verifier import SameHand

    with Gallery.open(name) as gallery:
        same_hand = SameHand(model, threads)
        kept, dropped = gallery.re_embed(
            same_hand, cache=cache or default_cache(), drop_gone=drop_gone
        )
        say(
            f"embedded {counted(kept, 'work')} with {same_hand.folder.identity}, "
            f"dropped {dropped:,}"
        )
        if gallery.wants_index():
            _index(gallery)


def _index(gallery: "Gallery") -> None:
    print("building the approximate index", file=sys.stderr)
    found = gallery.build_index()
    say(
        f"indexed {found.works:,} works: recall@10 {found.recall_at_10:.3f} against exact search, "
        f"{found.approximate_ms:.1f} ms beside {found.exact_ms:.1f} ms"
    )
