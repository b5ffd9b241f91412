"""Commands on what people decide: decide, decisions, queue."""

import getpass
from pathlib import Path
from typing import Annotated

import typer

from samehand.cli.answers_text import decided_words, decision_lines, queue_text
from samehand.cli.gallery import Name, Where
from samehand.cli.options import AsJson, Model, Prior, print_json, say
from samehand.errors import SamehandError
from samehand.plural import counted
from samehand.records import Judgement

By = Annotated[str | None, typer.Option(help="Who decides; your login name if absent.")]


def decide(
    name: Name,
    first: Annotated[
        str, typer.Argument(help="A work: its file, its accession number or its content hash.")
    ],
    second: Annotated[str, typer.Argument(help="Another work.")],
    label: Annotated[
        Judgement,
        typer.Argument(
            metavar="label", help="same, different or unsure: whether one hand made both."
        ),
    ],
    note: Annotated[str, typer.Option(help="Why.")] = "",
    by: By = None,
    as_json: AsJson = False,
    model: Model = None,
) -> None:
    """Write down whether one hand made two works; cluster, identify and queue obey."""
    from samehand.gallery import Gallery
    from samehand.model.folder import open_model

    folder = open_model(model)
    with Gallery.open(name) as gallery:
        # The ratio of another model would not be that of the gallery's embeddings.
        shown = folder if gallery.store.about().encoder == folder.embedder.digest else None
        made = gallery.decide(first, second, label, note=note, by=_who(by), model=shown)
        if as_json:
            print_json(made.to_dict())
        else:
            say("\n".join(decision_lines(made)))


def decisions(
    name: Name,
    history: Annotated[
        bool, typer.Option("--history", help="Also what was undone or replaced.")
    ] = False,
    undo: Annotated[
        str | None, typer.Option(help="Let the decision of this id no longer count.")
    ] = None,
    by: By = None,
    out: Annotated[Path | None, typer.Option(help="Write a .csv or .xlsx file instead.")] = None,
    as_json: AsJson = False,
) -> None:
    """List what people decided about a gallery's works, or undo a decision."""
    from samehand.gallery import Gallery
    from samehand.gallery.export import write_decisions

    if undo is not None and out is not None:
        raise SamehandError("--undo changes the record and --out writes it; do one after the other")
    with Gallery.open(name) as gallery:
        if undo is not None:
            undone = gallery.undo(undo, by=_who(by))
            if as_json:
                print_json(undone.to_dict())
            else:
                say(f"undone: {decided_words(undone)}")
            return
        found = gallery.decisions(history=history)
    if out is not None:
        write_decisions(out, found)
        say(f"wrote {counted(len(found.decisions), 'decision')} to {out}")
    elif as_json:
        print_json(found.to_dict())
    elif not found.decisions:
        say(f"nobody has decided anything in {found.gallery}; samehand decide does")
    else:
        say("\n".join(line for one in found.decisions for line in decision_lines(one)))


def queue(
    name: Name,
    top: Annotated[int, typer.Option(min=1, help="How many suggestions.")] = 20,
    where: Where = None,
    prior: Prior = 0.5,
    labelled: Annotated[
        bool,
        typer.Option("--labelled", help="Also ask about works that both have an artist's name."),
    ] = False,
    as_json: AsJson = False,
    model: Model = None,
) -> None:
    """Suggest pairs of a gallery's works to decide about, those first that teach the most."""
    from samehand.gallery import Gallery
    from samehand.model.folder import open_model
    from samehand.verification.queue import queue as suggest

    folder = open_model(model)
    with Gallery.open(name, folder) as gallery:
        found = suggest(folder, gallery, top=top, where=where or (), prior=prior, labelled=labelled)
    if as_json:
        print_json(found.to_dict())
    else:
        say(queue_text(found))


def _who(by: str | None) -> str:
    if by is not None:
        return by
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        # A container may run under a number that has no name.
        return ""
