"""The names that users write: changing one breaks somebody's program."""

import inspect

import samehand
from samehand import Gallery, SameHand, Verdict


def signature(function: object) -> list[str]:
    return [
        f"{'*' if p.kind is p.KEYWORD_ONLY else ''}{name}"
        for name, p in inspect.signature(function).parameters.items()
    ]


def test_the_package():
    assert samehand.__all__ == ["Gallery", "SameHand", "SamehandError", "Verdict", "__version__"]
    for name in samehand.__all__:
        assert getattr(samehand, name) is not None


def test_the_facade():
    public = {name for name in vars(SameHand) if not name.startswith("_")}
    questions = {"compare", "verify", "search", "identify"}
    assert public == questions | {"compare_decoded", "embed", "look", "score"}
    assert signature(SameHand) == ["model", "threads", "*fast"]
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
    ]
    assert signature(SameHand.embed) == ["self", "images"]


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
    assert signature(Gallery.list) == ["self", "where", "*limit", "*offset"]


def test_the_verdict():
    assert list(Verdict.__dataclass_fields__) == [
        "score",
        "llr",
        "probability",
        "prior",
        "decision",
        "operating_point",
        "error_rate",
        "strength",
        "llr_one_style",
        "warnings",
        "model",
        "seconds",
    ]
