"""Two paintings as a IIIF Presentation 3 manifest, the evidence as annotations on their canvases.

https://iiif.io/api/presentation/3.0/. A viewer such as Mirador shows it once the manifest and the
pictures beside it are published under the address that they were written for.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from samehand.errors import OutputError
from samehand.explain.evidence_picture import LEAST_INFLUENCE
from samehand.explain.words import likeness_in_words, share
from samehand.files import write_text
from samehand.images.save import save_picture
from samehand.model.painting import Painting
from samehand.model.regions import cell
from samehand.results import DecidedWork, Decision, Grid, Region, Verdict

Node = dict[str, Any]

CONTEXT = "http://iiif.io/api/presentation/3/context.json"

_INFLUENTIAL = 3
"""So many regions that move the verdict are annotated on each painting."""

_WORDS = {
    "artist": "Artist",
    "date": "Date",
    "accession_number": "Accession number",
    "qualifier": "Qualifier",
    "licence": "Licence",
    "rights": "Rights",
    "credit": "Credit line",
}


def write_manifest(
    out: Path,
    base: str,
    verdict: Verdict,
    paintings: tuple[Painting, Painting],
    works: tuple[DecidedWork | None, DecidedWork | None] = (None, None),
    decisions: Sequence[Decision] = (),
) -> list[Path]:
    """Write a manifest and, beside it, the two pictures that it shows.

    Args:
        out: A .json file; the pictures are called after it.
        base: The address of the folder under which all three files will be published.
        verdict: The verdict on the two, with its evidence.
        paintings: The two paintings.
        works: What a gallery says of each, where one holds them.
        decisions: What people decided about the pair.

    Returns:
        The files that were written.

    Raises:
        OutputError: `out` is not .json, `base` is not an address, or a file cannot be written.
    """
    check_manifest(out, base)
    pictures = [out.with_name(f"{out.stem}-{number}.jpg") for number in (1, 2)]
    for picture, painting in zip(pictures, paintings, strict=True):
        save_picture(painting.image, picture)
    told = manifest(
        base.rstrip("/"), out.name, [one.name for one in pictures], verdict, paintings, works,
        decisions,
    )  # fmt: skip
    write_text(out, json.dumps(told, indent=1, ensure_ascii=False) + "\n")
    return [out, *pictures]


def check_manifest(out: Path, base: str) -> None:
    """Refuse what cannot become a manifest, before there is anything to write.

    Raises:
        OutputError: `out` is not .json, or `base` is not an address with http or https.
    """
    if out.suffix.lower() != ".json":
        raise OutputError(f"{out} is not .json; name the manifest NAME.json")
    parts = urlsplit(base)
    if parts.scheme not in ("http", "https") or not parts.netloc or parts.query or parts.fragment:
        raise OutputError(
            f"{base!r} is not an address; give the folder in which the manifest will be published, "
            "such as https://museum.example/iiif"
        )


def manifest(
    base: str,
    name: str,
    pictures: Sequence[str],
    verdict: Verdict,
    paintings: tuple[Painting, Painting],
    works: tuple[DecidedWork | None, DecidedWork | None] = (None, None),
    decisions: Sequence[Decision] = (),
) -> Node:
    """Return the manifest; see `write_manifest`.

    Args:
        base: Without a slash at its end.
        name: The manifest's file name.
        pictures: The pictures' file names.
        verdict: The verdict.
        paintings: The paintings.
        works: What a gallery says of each.
        decisions: What people decided about the pair.
    """
    address = f"{base}/{quote(name)}"
    regions = _regions(verdict)
    facts = {
        "log10 likelihood ratio": f"{verdict.llr:+.2f}",
        "Probability of one artist": f"{share(verdict.probability)} (from {verdict.prior:.0%})",
        "Decision of the model": f"{verdict.decision} ({verdict.operating_point}, error rate "
        f"{verdict.error_rate:.1%})",
        "Model": verdict.model,
    } | {f"Decided by {one.by or 'somebody'} on {one.time[:10]}": _judged(one) for one in decisions}
    canvases = [
        _canvas(
            f"{address}/canvas/{number}", f"{base}/{quote(picture)}", painting, work, regions[side]
        )
        for side, (number, picture, painting, work) in enumerate(
            zip((1, 2), pictures, paintings, works, strict=True)
        )
    ]
    label = " and ".join(_title(*one) for one in zip(paintings, works, strict=True))
    return {
        "@context": CONTEXT,
        "id": address,
        "type": "Manifest",
        "label": _text(label),
        "summary": _text(f"samehand: {verdict.strength}."),
        "metadata": [_pair(key, value) for key, value in facts.items()],
        "requiredStatement": _pair(
            "Note", "What a model says of two images; not an attribution by a person."
        ),
        "items": canvases,
    }


def _canvas(
    address: str,
    picture: str,
    painting: Painting,
    work: DecidedWork | None,
    regions: Sequence[tuple[Region, str]],
) -> Node:
    width, height = painting.image.size
    body = {
        "id": picture,
        "type": "Image",
        "format": "image/jpeg",
        "width": width,
        "height": height,
    }
    found: Node = {
        "id": address,
        "type": "Canvas",
        "label": _text(_title(painting, work)),
        "width": width,
        "height": height,
        "items": [
            {
                "id": f"{address}/page",
                "type": "AnnotationPage",
                "items": [
                    {
                        "id": f"{address}/image",
                        "type": "Annotation",
                        "motivation": "painting",
                        "body": body,
                        "target": address,
                    }
                ],
            }
        ],
    }
    if said := _metadata(work):
        found["metadata"] = said
    if regions:
        notes = [
            {
                "id": f"{address}/evidence/{number}",
                "type": "Annotation",
                "motivation": "commenting",
                "body": {
                    "type": "TextualBody",
                    "value": text,
                    "format": "text/plain",
                    "language": "en",
                },
                "target": f"{address}#xywh={_xywh(region, width, height)}",
            }
            for number, (region, text) in enumerate(regions, 1)
        ]
        page = {"id": f"{address}/evidence", "type": "AnnotationPage", "items": notes}
        found["annotations"] = [page]
    return found


def _regions(verdict: Verdict) -> tuple[list[tuple[Region, str]], list[tuple[Region, str]]]:
    """Return the regions of evidence on each painting, with what each one says."""
    evidence = verdict.evidence
    if evidence is None:
        return [], []
    sides: tuple[list[tuple[Region, str]], list[tuple[Region, str]]] = ([], [])
    for match in evidence.matches:
        text = (
            f"Region {match.number} is like region {match.number} of the other painting; "
            f"{likeness_in_words(match)}."
        )
        sides[0].append((match.left, text))
        sides[1].append((match.right, text))
    for side, one in zip(sides, (evidence.left, evidence.right), strict=True):
        side += _influential(one.influence)
    return sides


def _influential(grid: Grid | None) -> list[tuple[Region, str]]:
    """Return the cells that move the verdict most, where that was asked for."""
    if grid is None:
        return []
    values = [value for row in grid for value in row]
    order = sorted(range(len(values)), key=lambda i: -abs(values[i]))[:_INFLUENTIAL]
    return [
        (
            cell(i, len(grid)),
            f"Covering this region changes the log10 likelihood ratio by {-values[i]:+.2f}.",
        )
        for i in order
        if abs(values[i]) >= LEAST_INFLUENCE
    ]


def _xywh(region: Region, width: int, height: int) -> str:
    left, upper, right, lower = region.pixels(width, height)
    left, upper = min(left, width - 1), min(upper, height - 1)
    return f"{left},{upper},{max(1, right - left)},{max(1, lower - upper)}"


def _title(painting: Painting, work: DecidedWork | None) -> str:
    title = work.title if work is not None else None
    return title or Path(painting.name).name


def _metadata(work: DecidedWork | None) -> list[Node]:
    if work is None:
        return []
    said = {"artist": work.artist, "date": work.date} | dict(work.extra)
    return [_pair(_WORDS.get(key, key), text) for key, text in said.items() if text]


def _judged(one: Decision) -> str:
    label = {"same": "same hand", "different": "different hands", "unsure": "unsure"}[one.label]
    return f"{label}; {one.note}" if one.note else label


def _pair(label: str, value: str) -> Node:
    return {"label": _text(label), "value": _text(value)}


def _text(words: str) -> dict[str, list[str]]:
    return {"en": [words]}
