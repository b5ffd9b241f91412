"""Commands beyond one pair: verify, search, identify, cluster, calibrate."""

import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from samehand.cli.answers_text import (
    IDENTIFY_TABLE,
    SEARCH_TABLE,
    VERIFY_TABLE,
    clustering_text,
    identification_text,
    search_text,
    verify_text,
)
from samehand.cli.gallery import Where
from samehand.cli.options import AsJson, Catalogue, Model, Prior, Threads, print_json
from samehand.records import OperatingPoint

if TYPE_CHECKING:
    from samehand.serving.batch import Answer
    from samehand.serving.verifier import SameHand

Probes = Annotated[
    list[Path], typer.Argument(help="Images, folders of them, or CSV files with a column path.")
]
Out = Annotated[
    Path | None,
    typer.Option(help="Append answers to a .jsonl or .csv file; a repeated call goes on."),
]
InGallery = Annotated[str, typer.Option(help="A gallery's name or folder.")]


def verify(
    probes: Probes,
    references: Annotated[
        list[Path], typer.Option(help="Works by one artist: images, folders or CSV files.")
    ],
    as_json: AsJson = False,
    out: Out = None,
    prior: Prior = 0.5,
    operating_point: OperatingPoint = "eer",
    model: Model = None,
    threads: Threads = None,
) -> None:
    """Say whether images are by the artist of some reference works."""
    from samehand.serving.batch import read_probes
    from samehand.serving.verifier import SameHand

    verifier = SameHand(model, threads)
    ask = _reference_question(verifier, read_probes(references), prior, operating_point)
    _answer(probes, ask, out, as_json, VERIFY_TABLE, verify_text)


def search(
    probes: Probes,
    gallery: InGallery,
    top: Annotated[int, typer.Option(min=1, help="How many works.")] = 20,
    where: Where = None,
    exact: Annotated[
        bool, typer.Option("--exact", help="Look at every work in spite of an index.")
    ] = False,
    as_json: AsJson = False,
    out: Out = None,
    model: Model = None,
    threads: Threads = None,
) -> None:
    """Find the works of a gallery that are most like an image, with the llr of each."""
    from samehand.serving.gallery import Gallery
    from samehand.serving.verifier import SameHand

    verifier = SameHand(model, threads)
    with Gallery.open(gallery, verifier.model) as opened:

        def ask(probe: Path) -> "Answer":
            return verifier.search(probe, opened, top, where=where or (), exact=exact).to_dict()

        _answer(probes, ask, out, as_json, SEARCH_TABLE, search_text)


def identify(
    probes: Probes,
    gallery: InGallery,
    top: Annotated[int, typer.Option(min=1, help="How many candidates to show.")] = 5,
    where: Where = None,
    threshold: Annotated[
        Literal["far1", "far10"],
        typer.Option(help="Share of unknown hands that may be given a name: 1 % or 10 %."),
    ] = "far10",
    as_json: AsJson = False,
    out: Out = None,
    prior: Annotated[
        float, typer.Option(help="P(one of the gallery's artists) before looking.")
    ] = 0.5,
    model: Model = None,
    threads: Threads = None,
) -> None:
    """Say which artist of a gallery made an image, or that none of them did."""
    from samehand.serving.gallery import Gallery
    from samehand.serving.verifier import SameHand

    verifier = SameHand(model, threads)
    with Gallery.open(gallery, verifier.model) as opened:

        def ask(probe: Path) -> "Answer":
            return verifier.identify(
                probe, opened, top, where=where or (), prior=prior, threshold=threshold
            ).to_dict()

        _answer(probes, ask, out, as_json, IDENTIFY_TABLE, identification_text)


def cluster(
    gallery: InGallery,
    where: Where = None,
    suspects: Annotated[int, typer.Option(min=0, help="How many suspect labels to list.")] = 50,
    as_json: AsJson = False,
    model: Model = None,
) -> None:
    """Group a gallery's works into probable hands, and list labels that look wrong."""
    from samehand.serving.cluster import cluster as group
    from samehand.serving.folder import open_model
    from samehand.serving.gallery import Gallery

    opened_model = open_model(model)
    with Gallery.open(gallery, opened_model) as opened:
        found = group(opened_model, opened, where=where or (), suspects=suspects)
    if as_json:
        print_json(found.to_dict())
    else:
        print(clustering_text(found))


def calibrate(
    model: Annotated[str, typer.Argument(help="A model folder, or a built-in name.")],
    catalogue: Catalogue,
) -> None:
    """Add rules for reference sets, galleries and pairs of one style, from held-out artists."""
    from samehand.serving.calibrate import calibrate_folder

    config = calibrate_folder(model, catalogue)
    assert config.attribution is not None
    steps = config.attribution.references.steps
    for step in steps:
        rate = step.calibration.points["eer"].error_rate
        print(f"{step.references:>4} references: error rate {rate:.1%} on held-out artists")
    for name, point in config.attribution.open_set.points.items():
        print(
            f"{name:>6}: names {point.false_alarms:.1%} of unknown hands, and "
            f"{point.detected:.1%} of known ones rightly"
        )
    if config.one_style is None:
        print("no calibration of pairs of one style: the held-out works have too few styles known")
    else:
        rate = config.one_style.points["eer"].error_rate
        print(f"pairs of one style: error rate {rate:.1%} on held-out artists")


def _reference_question(
    verifier: "SameHand", references: Sequence[Path], prior: float, operating_point: OperatingPoint
) -> "Callable[[Path], Answer]":
    """Decode and embed the references once, whatever the number of probes."""
    from samehand.images.decode import decode_file
    from samehand.serving.verify import probe_warnings, same_file_warnings, verify_embedded

    decoded = [decode_file(path) for path in references]
    rows = verifier.look(decoded).embeddings
    names = [str(path) for path in references]
    digests = [one.sha256 for one in decoded]

    def ask(probe: Path) -> "Answer":
        image = decode_file(probe)
        looked = verifier.look([image])
        verdict = verify_embedded(
            verifier.model,
            looked.embeddings[0],
            rows,
            names,
            prior=prior,
            operating_point=operating_point,
            warnings=[
                *probe_warnings(verifier.model, image, looked),
                *same_file_warnings(image.sha256, digests, names),
            ],
        )
        return verdict.to_dict()

    return ask


def _answer(
    sources: Sequence[Path],
    ask: "Callable[[Path], Answer]",
    out: Path | None,
    as_json: bool,
    table: "tuple[tuple[str, ...], Callable[[Answer], list[dict[str, object]]]]",
    text: "Callable[[str, Answer], str]",
) -> None:
    from samehand.images.decode import printable
    from samehand.serving.batch import Table, answer_all, one_by_one, read_probes

    probes = read_probes(sources)
    if out is not None:
        answered, failed = answer_all(probes, ask, out, Table(*table), "answering")
        for reason in failed.values():
            print(f"no answer: {printable(reason)}", file=sys.stderr)
        before = len(probes) - answered - len(failed)
        print(
            f"answered {answered:,} images into {out}, {before:,} were there, "
            f"{len(failed):,} cannot be read"
        )
        return
    for probe, found in one_by_one(probes, ask):
        if isinstance(found, str):
            print(f"no answer: {printable(found)}", file=sys.stderr)
        if as_json:
            answer = {"error": found} if isinstance(found, str) else found
            # One image is a document, several are JSON Lines.
            indent = 2 if len(probes) == 1 else None
            print(json.dumps({"probe": str(probe)} | answer, indent=indent))
        elif not isinstance(found, str):
            print(text(printable(probe.name), found))
            if len(probes) > 1:
                print()
