"""The published JSON Schema is that of the dataclasses, and real answers keep to it."""

import json
import runpy
from dataclasses import fields
from pathlib import Path

import jsonschema
import pytest

from samehand import Gallery, SameHand, results
from samehand.errors import SamehandError
from samehand.results import ANSWERS_VERSION
from samehand.results.schema import SCHEMA, answers_schema

ROOT = Path(__file__).parents[1]


def check(answer: results.Answer) -> None:
    schema = answers_schema(type(answer).__name__)
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(json.loads(json.dumps(answer.to_dict())), schema)


def test_the_published_schema_is_current():
    script = runpy.run_path(str(ROOT / "scripts" / "make_schema.py"))
    assert SCHEMA.read_text(encoding="utf-8") == script["text"](), (
        "run: python scripts/make_schema.py"
    )


def test_it_has_every_answer_with_every_field_described():
    whole = answers_schema()
    assert whole["version"] == ANSWERS_VERSION
    for name in results.__all__:
        kind = getattr(results, name)
        if not isinstance(kind, type) or kind is results.Answer:
            continue
        described = whole["$defs"][name]
        assert list(described["properties"]) == [field.name for field in fields(kind)]
        for field, said in described["properties"].items():
            assert said.get("description"), f"{name}.{field}"


def test_answers_keep_to_it(verifier, work_of):
    verdict = verifier.compare(work_of(1, 0), work_of(1, 1))
    check(verdict)
    check(verifier.explain(work_of(1, 0), work_of(1, 1), influence=False))
    wrong = verdict.to_dict() | {"llr": "high"}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(wrong, answers_schema("Verdict"))


def test_answers_about_references_and_galleries_keep_to_it(work_of, tmp_path):
    model = SameHand(threads=1)
    for artist in range(2):
        (tmp_path / "works" / f"Artist {artist}").mkdir(parents=True)
        for work in range(2):
            path = tmp_path / "works" / f"Artist {artist}" / f"{work}.png"
            work_of(artist, work).save(path)
    with Gallery.create(tmp_path / "shelf", model) as gallery:
        check(gallery.add([tmp_path / "works"], model))
        check(gallery.info())
        check(model.search(work_of(1, 5), gallery))
        check(model.identify(work_of(1, 5), gallery))
        check(model.cluster(gallery))
    check(model.verify(work_of(1, 5), [work_of(1, 0), work_of(1, 1)]))


def test_the_command_prints_one_answer_or_all(samehand):
    one = json.loads(samehand("schema", "Verdict").out)
    assert one["$ref"] == "#/$defs/Verdict"
    assert json.loads(samehand("schema").out) == answers_schema()
    refused = samehand("schema", "Opinion")
    assert refused.code == 2
    assert "there is no answer 'Opinion'" in refused.err
    with pytest.raises(SamehandError):
        answers_schema("Opinion")
