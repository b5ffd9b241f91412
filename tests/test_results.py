"""Answers look short in a terminal and whole in JSON."""

import dataclasses
import json

import numpy as np
import pytest

from samehand import results
from samehand.codec import decode, encode


def answers():
    return [
        kind
        for kind in vars(results).values()
        if dataclasses.is_dataclass(kind) and isinstance(kind, type)
    ]


def test_every_field_of_every_answer_is_described():
    from pydantic import TypeAdapter

    assert len(answers()) > 20
    for kind in answers():
        schema = TypeAdapter(kind).json_schema()
        assert schema["description"], kind
        for name, field in schema["properties"].items():
            assert field.get("description"), f"{kind.__name__}.{name}"


def test_an_answer_is_short_to_look_at_and_whole_in_json(verifier, work_of):
    verdict = verifier.compare(work_of(0, 0), work_of(0, 1))
    verdict = dataclasses.replace(verdict, evidence=verifier.explain(work_of(0, 0), work_of(0, 1)))
    assert repr(verdict).startswith("Verdict(left='left image'")
    assert len(repr(verdict)) < 500
    assert verdict.measured_on not in repr(verdict)
    assert "<table>" in verdict._repr_html_()
    assert f"{verdict.llr:.4g}" in verdict._repr_html_()
    values = json.loads(json.dumps(verdict.to_dict(), allow_nan=False))
    assert decode(results.Verdict, values) == verdict


def test_names_in_a_notebook_cannot_write_html():
    found = results.Problem("<script>alert(1)</script>")
    assert "<script>" not in found._repr_html_()


def test_json_is_read_back_or_refused_with_its_place():
    region = results.Region(0.0, 0.25, 0.5, 1.0)
    match = results.Match(1, region, region, 0.5, 20.0, 1.3)
    values = json.loads(json.dumps(encode(match)))
    assert decode(results.Match, values) == match
    for change, message in (
        ({"number": 1.5}, "number should be a whole number"),
        ({"left": {"x0": 0}}, "left lacks x1, y0, y1"),
        ({"left": values["left"] | {"x0": "0"}}, "left.x0 should be a finite number"),
        ({"more": 1}, "unknown key more"),
        ({"rarity": float("nan")}, "rarity should be a finite number"),
        ({"rarity": True}, "rarity should be a finite number"),
    ):
        with pytest.raises(ValueError, match=message):
            decode(results.Match, values | change)


def test_a_whole_number_is_read_as_the_number_it_is():
    found = decode(results.Region, {"x0": 0, "y0": 0, "x1": 1, "y1": np.float64(0.5).item()})
    assert type(found.x1) is float
