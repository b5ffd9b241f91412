"""Commands on the hands of a gallery: cluster, suspects."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from samehand.cli.answers_text import clustering_text, suspects_text
from samehand.cli.attribution import InGallery
from samehand.cli.gallery import Where
from samehand.cli.listed import tell
from samehand.cli.listing import print_fitted
from samehand.cli.options import AnyAttribution, AsJson, Model, print_json, say
from samehand.plural import counted
from samehand.results import Suspects

if TYPE_CHECKING:
    from samehand.results import Clustering

Out = Annotated[Path | None, typer.Option(help="Write a .csv, .xlsx or .json file instead.")]


def cluster(
    gallery: InGallery,
    where: Where = None,
    suspects: Annotated[int, typer.Option(min=0, help="How many suspect labels to list.")] = 50,
    any_attribution: AnyAttribution = False,
    out: Out = None,
    as_json: AsJson = False,
    model: Model = None,
) -> None:
    """Group a gallery's works into probable hands, and list labels that look wrong."""
    from samehand.verification.hands_table import check_suffix, write_clustering

    if out is not None:
        check_suffix(out)
    found, labels = _grouped(gallery, where, suspects, any_attribution, model)
    if out is not None:
        write_clustering(out, found, labels)
        say(f"wrote {counted(found.works, 'work')} in {counted(len(found.hands), 'hand')} to {out}")
    elif as_json:
        print_json(found.to_dict())
    else:
        print_fitted(clustering_text(found))


def suspects(
    gallery: InGallery,
    where: Where = None,
    top: Annotated[int, typer.Option(min=1, help="How many to list.")] = 50,
    any_attribution: AnyAttribution = False,
    out: Out = None,
    sheet: Annotated[
        Path | None,
        typer.Option(help="Also draw each suspect beside the rival's work, as a .png or .jpg."),
    ] = None,
    as_json: AsJson = False,
    model: Model = None,
) -> None:
    """List works of a gallery whose label the other works contradict."""
    from samehand.explain.suspect_sheet import draw_suspects
    from samehand.images.save import check_picture_target
    from samehand.verification.hands_table import check_suffix, write_suspects

    if out is not None:
        check_suffix(out)
    if sheet is not None:
        check_picture_target(sheet)
    found, _ = _grouped(gallery, where, top, any_attribution, model)
    answer = Suspects(found.suspects, found.works, found.gallery, found.model, found.seconds)
    if sheet is not None and answer.suspects:
        left_out = draw_suspects(answer, sheet)
        tell(
            f"drew {counted(len(answer.suspects) - left_out, 'suspect')} on {sheet}, "
            f"{left_out:,} unreadable"
        )
    if out is not None:
        write_suspects(out, answer)
        say(
            f"wrote {counted(len(answer.suspects), 'suspect')} of "
            f"{counted(answer.works, 'work')} to {out}"
        )
        tell("the most suspect come first, and each is a question for an expert, not a finding")
    elif as_json:
        print_json(answer.to_dict())
    elif answer.suspects:
        print_fitted(suspects_text(answer.suspects))
    else:
        say(f"no label of {counted(answer.works, 'work')} in {answer.gallery} is contradicted")


def _grouped(
    gallery: str,
    where: list[str] | None,
    count: int,
    any_attribution: bool,
    model: str | None,
) -> "tuple[Clustering, dict[str, dict[str, object]]]":
    """Return the hands of a gallery, and each work's record by its path."""
    from samehand.gallery import Gallery
    from samehand.model.folder import open_model
    from samehand.verification.hands import cluster as group

    folder = open_model(model)
    with Gallery.open(gallery, folder) as opened:
        found = group(
            folder, opened, where=where or (), suspects=count, any_attribution=any_attribution
        )
        labels = {one.work.path: one.record().to_dict() for one in opened.list(where or ())}
    return found, labels
