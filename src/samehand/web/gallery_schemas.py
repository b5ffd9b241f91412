"""What the API answers on a gallery, as OpenAPI describes it."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from samehand.scoring.openset import FalseAlarms
from samehand.web.schemas import EXAMPLE

_ENDING: dict[str, Any] = {"model": EXAMPLE["model"], "seconds": 0.14}
_PATH = "/scans/monet/1875-bridge.jpg"

Llr = Annotated[float, Field(description="log10 likelihood ratio of one artist to two.")]
Share = Annotated[float, Field(ge=0, le=1)]
Said = Annotated[str | None, Field(description="As the gallery says, or null.")]
Warnings = Annotated[list[str], Field(description="Reasons to trust this less.")]


class Index(BaseModel):
    """The approximate index of a large gallery, and how far it can be trusted."""

    works: int
    lists: int
    probed: int
    recall_at_10: Annotated[Share, Field(description="Measured against exact search.")]
    exact_ms: float
    approximate_ms: float


class About(BaseModel):
    """What the gallery says about itself; as `samehand gallery info --json`."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "name": "masters",
                "path": "/home/ada/.local/share/samehand/galleries/masters",
                "works": 212000,
                "artists": 3100,
                "unattributed": 1800,
                "gone": 0,
                "width": 256,
                "model": EXAMPLE["model"],
                "encoder": "53407245a678",
                "columns": ["path", "artist", "title", "date", "style"],
                "megabytes": 310.5,
                "search": "approximate",
                "index": {
                    "works": 212000,
                    "lists": 1024,
                    "probed": 32,
                    "recall_at_10": 0.99,
                    "exact_ms": 70.0,
                    "approximate_ms": 6.0,
                },
            }
        }
    )

    name: str
    path: Annotated[str, Field(description="Its folder.")]
    works: int
    artists: Annotated[int, Field(description="How many artists' names occur.")]
    unattributed: Annotated[int, Field(description="Works without an artist.")]
    gone: Annotated[
        int | None, Field(description="Works whose files are gone; null where none was looked for.")
    ]
    width: Annotated[int, Field(description="Length of an embedding.")]
    model: Annotated[str, Field(examples=[EXAMPLE["model"]])]
    encoder: str
    columns: Annotated[list[str], Field(description="What `where` can name.")]
    megabytes: float
    search: Annotated[str, Field(examples=["exact", "approximate"])]
    index: Index | None


class StoredWorkAnswer(BaseModel):
    """A work of the gallery; as a line of `samehand gallery list --json`."""

    path: Annotated[str, Field(description="Its file.")]
    artist: Said
    title: Said
    date: Said
    style: Said
    genre: Said
    source: Said
    extra: Annotated[dict[str, str], Field(description="Further columns.")]
    sha256: str
    added: Annotated[str, Field(description="When, in UTC, ISO 8601.")]


class StoredWorks(BaseModel):
    """Works of the gallery, in the order in which they were embedded."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "gallery": "masters",
                "count": 1,
                "works": [
                    {
                        "path": _PATH,
                        "artist": "Claude Monet",
                        "title": "The bridge",
                        "date": "1875",
                        "style": "Impressionism",
                        "genre": "landscape",
                        "source": "Musée d'Orsay",
                        "extra": {"room": "29"},
                        "sha256": "9f2c0d" + "0" * 58,
                        "added": "2026-01-02T03:04:05+00:00",
                    }
                ],
            }
        }
    )

    gallery: str
    count: Annotated[int, Field(description="How many works meet the conditions in all.")]
    works: list[StoredWorkAnswer]


class NeighbourAnswer(BaseModel):
    """A work of the gallery, as a search found it."""

    rank: Annotated[int, Field(ge=1)]
    path: str
    artist: Said
    title: Said
    date: Said
    source: Said
    score: Annotated[float, Field(description="Raw similarity to the probe.")]
    llr: Llr
    same_file: Annotated[bool, Field(description="Whether it is the probe, byte for byte.")]


class Found(BaseModel):
    """The works nearest to an image; as `samehand search --json`."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "probe": "a.jpg",
                "neighbours": [
                    {
                        "rank": 1,
                        "path": _PATH,
                        "artist": "Claude Monet",
                        "title": "The bridge",
                        "date": "1875",
                        "source": "Musée d'Orsay",
                        "score": 0.163,
                        "llr": 1.54,
                        "same_file": False,
                    }
                ],
                "gallery": "masters",
                "works": 212000,
                "exact": False,
                "recall_at_10": 0.99,
                "warnings": [],
                **_ENDING,
            }
        }
    )

    probe: Annotated[str, Field(description="The name of the image's file.")]
    neighbours: Annotated[list[NeighbourAnswer], Field(description="Best first.")]
    gallery: str
    works: Annotated[int, Field(description="How many works the gallery holds.")]
    exact: Annotated[bool, Field(description="Whether every work was looked at.")]
    recall_at_10: Annotated[
        float | None, Field(description="Of the approximate index; null where exact.")
    ]
    warnings: Warnings
    model: str
    seconds: float


class CandidateAnswer(BaseModel):
    """An artist of the gallery, as a maker of the image."""

    rank: Annotated[int, Field(ge=1)]
    artist: str
    llr: Annotated[float, Field(description="log10 likelihood ratio of this artist to another.")]
    score: Annotated[float, Field(description="The same before it is cut off; ranks.")]
    probability: Share
    works: Annotated[int, Field(description="How many works by the artist were compared.")]
    nearest: Annotated[list[str], Field(description="Files of the artist's nearest works.")]


class Identified(BaseModel):
    """Which artist of the gallery made an image, or none; as `samehand identify --json`."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "probe": "a.jpg",
                "artist": "Claude Monet",
                "known_llr": 0.9,
                "none_probability": 0.11,
                "prior": 0.5,
                "threshold": "far10",
                "false_alarms": 0.1,
                "detected": 0.55,
                "candidates": [
                    {
                        "rank": 1,
                        "artist": "Claude Monet",
                        "llr": 1.8,
                        "score": 1.8,
                        "probability": 0.71,
                        "works": 24,
                        "nearest": [_PATH],
                    }
                ],
                "gallery": "masters",
                "artists": 60,
                "warnings": [],
                **_ENDING,
            }
        }
    )

    probe: Annotated[str, Field(description="The name of the image's file.")]
    artist: Annotated[str | None, Field(description='Null for "none of these".')]
    known_llr: Annotated[
        float, Field(description='log10 likelihood ratio of "one of these" to "none of these".')
    ]
    none_probability: Share
    prior: Annotated[float, Field(gt=0, lt=1)]
    threshold: FalseAlarms
    false_alarms: Annotated[Share, Field(description="Unknown hands that were given a name.")]
    detected: Annotated[Share, Field(description="Known hands that were named rightly.")]
    candidates: Annotated[list[CandidateAnswer], Field(description="Likeliest first.")]
    gallery: str
    artists: Annotated[int, Field(description="How many artists the gallery has.")]
    warnings: Warnings
    model: str
    seconds: float


class HandAnswer(BaseModel):
    """Works that look as if one hand made them."""

    number: Annotated[int, Field(ge=1)]
    works: Annotated[list[str], Field(description="Files of the works.")]
    artist: Annotated[str | None, Field(description="The label that most of them bear.")]
    purity: Annotated[Share, Field(description="Share of the labelled works that bear it.")]
    labels: Annotated[dict[str, int], Field(description="How many works bear each label.")]


class SuspectAnswer(BaseModel):
    """A work whose label the other works contradict."""

    rank: Annotated[int, Field(ge=1)]
    path: str
    title: Said
    artist: Annotated[str, Field(description="Its label.")]
    own_llr: Annotated[float | None, Field(description="With the other works of that label.")]
    rival: Annotated[str, Field(description="The artist whose works fit it best.")]
    rival_llr: Annotated[float, Field(description="With that artist's works.")]
    suspicion: Annotated[float, Field(description="By how much the rival fits better.")]
    hand: Annotated[int, Field(description="Number of the hand it was grouped with.")]
    twin: Annotated[
        str | None, Field(description="File of the same picture under another label, or null.")
    ]


class Clustered(BaseModel):
    """Probable hands, and labels that disagree with them; as `samehand cluster --json`."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "hands": [
                    {
                        "number": 1,
                        "works": [_PATH, "/scans/sisley/1876-flood.jpg"],
                        "artist": "Claude Monet",
                        "purity": 0.5,
                        "labels": {"Claude Monet": 1, "Alfred Sisley": 1},
                    }
                ],
                "suspects": [
                    {
                        "rank": 1,
                        "path": "/scans/sisley/1876-flood.jpg",
                        "title": "The flood",
                        "artist": "Alfred Sisley",
                        "own_llr": -0.4,
                        "rival": "Claude Monet",
                        "rival_llr": 1.1,
                        "suspicion": 1.5,
                        "hand": 1,
                        "twin": "/scans/monet/1876-flood.jpg",
                    }
                ],
                "works": 2,
                "gallery": "masters",
                **_ENDING,
            }
        }
    )

    hands: Annotated[list[HandAnswer], Field(description="The largest first.")]
    suspects: Annotated[list[SuspectAnswer], Field(description="The most suspect first.")]
    works: Annotated[int, Field(description="How many works were grouped.")]
    gallery: str
    model: str
    seconds: float
