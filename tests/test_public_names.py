"""The names that users write: changing one breaks somebody's program."""

import inspect
import typing

import pytest

import samehand
from samehand import AsyncSameHand, Gallery, SameHand, Verdict


def signature(function: object) -> list[str]:
    return [
        f"{'*' if p.kind is p.KEYWORD_ONLY else ''}{name}"
        for name, p in inspect.signature(function).parameters.items()
    ]


def test_the_package():
    assert samehand.__all__ == [
        "AsyncSameHand",
        "CatalogueError",
        "Clustering",
        "Decision",
        "Decisions",
        "Evidence",
        "Gallery",
        "GalleryError",
        "GalleryInfo",
        "Identification",
        "ImageError",
        "MissingExtraError",
        "ModelError",
        "OutputError",
        "Painting",
        "ProtocolError",
        "Queue",
        "RecipeError",
        "ReferenceVerdict",
        "SameHand",
        "SamehandError",
        "SearchResult",
        "Unreadable",
        "Verdict",
        "__version__",
    ]
    assert dir(samehand) == samehand.__all__
    for name in samehand.__all__:
        assert getattr(samehand, name) is not None
    with pytest.raises(AttributeError):
        _ = samehand.Verdicts


def test_the_types_of_every_public_method_can_be_asked_for():
    for kind in (SameHand, samehand.Painting, Gallery, Verdict):
        for name, method in inspect.getmembers(kind, inspect.isfunction):
            if not name.startswith("_"):
                names = vars(samehand) | {"Gallery": Gallery}
                assert "return" in typing.get_type_hints(method, localns=names), name


def test_the_facade():
    public = {name for name in vars(SameHand) if not name.startswith("_")}
    questions = {"compare", "verify", "search", "identify"}
    ways_in = {"from_pretrained", "open", "open_many", "embed", "embed_many"}
    assert public == questions | ways_in | {"explain", "cluster", "queue", "model"}
    assert signature(SameHand) == ["model", "threads", "*fast", "*device"]
    assert signature(SameHand.compare) == ["self", "left", "right", "*prior", "*operating_point"]
    assert signature(SameHand.verify) == [
        "self",
        "probe",
        "references",
        "*prior",
        "*operating_point",
    ]
    assert signature(SameHand.search) == ["self", "probe", "gallery", "top", "*where", "*exact"]
    assert signature(SameHand.identify) == [
        "self",
        "probe",
        "gallery",
        "top",
        "*where",
        "*prior",
        "*threshold",
        "*any_attribution",
    ]
    assert signature(SameHand.cluster) == [
        "self",
        "gallery",
        "*where",
        "*suspects",
        "*any_attribution",
    ]
    assert signature(SameHand.embed) == ["self", "images"]


def test_the_facade_for_asyncio_has_the_same_questions_with_the_same_arguments():
    public = {name for name in vars(SameHand) if not name.startswith("_")}
    shared = {name for name in vars(AsyncSameHand) if not name.startswith("_")} - {"close", "run"}
    assert shared == public - {"from_pretrained", "model"}
    for name in shared:
        ours, theirs = getattr(AsyncSameHand, name), getattr(SameHand, name)
        assert inspect.signature(ours).parameters == inspect.signature(theirs).parameters, name
        assert inspect.iscoroutinefunction(ours) != name.endswith("_many"), name


def test_the_gallery():
    public = {name for name in vars(Gallery) if not name.startswith("_")}
    assert {"open", "create", "add", "remove", "list", "info", "export", "re_embed"} <= public
    assert signature(Gallery.open) == ["name", "model"]
    assert signature(Gallery.create) == ["name", "model"]
    assert signature(Gallery.add) == [
        "self",
        "sources",
        "model",
        "*cache",
        "*images",
        "*columns",
        "*tell",
        "*erase_labels",
    ]
    assert {"set_columns", "rename", "delete"} <= public
    assert signature(Gallery.set_columns) == ["self", "values", "*where"]
    assert signature(Gallery.list) == ["self", "where", "*limit", "*offset"]


def test_the_verdict():
    assert list(Verdict.__dataclass_fields__) == [
        "left",
        "right",
        "score",
        "llr",
        "probability",
        "prior",
        "decision",
        "operating_point",
        "error_rate",
        "strength",
        "condition",
        "measured_on",
        "refusal",
        "llr_interval",
        "llr_one_style",
        "warnings",
        "model",
        "seconds",
        "evidence",
        "neighbours",
        "decision_one_style",
        "error_rate_one_style",
    ]
