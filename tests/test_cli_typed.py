"""What people type is understood, or the refusal says what to type instead."""

import json

import pytest
import typer

from samehand.cli.listing import WIDTH
from samehand.cli.options import parse_prior


@pytest.fixture
def images(tmp_path, work_of):
    for artist, letter in enumerate("ab"):
        for work in range(2):
            work_of(artist, work).save(tmp_path / f"{letter}{work}.png")
    return tmp_path


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("0.1", 0.1), ("10%", 0.1), ("10 %", 0.1), ("0.7%", 0.007), ("7%", 0.07), (0.5, 0.5)],
)
def test_a_prior_may_be_typed_as_percent(typed, meant):
    assert parse_prior(typed) == meant


@pytest.mark.parametrize("typed", ["ten", "%", "10%5", "", "0,1", "1/10"])
def test_what_is_not_a_probability_is_refused_with_what_to_type(typed):
    with pytest.raises(typer.BadParameter, match=r"is not a probability; type 0\.1 or 10%"):
        parse_prior(typed)


def test_percent_reach_the_answer(samehand, tiny_model, images):
    pair = ("compare", images / "a0.png", images / "a1.png", "--model", tiny_model, "--json")
    assert json.loads(samehand(*pair, "--prior", "10%").out)["prior"] == 0.1
    code, out, err = samehand(*pair, "--prior", "110%")
    assert (code, out) == (2, "")
    assert "strictly between 0 and 1" in err


@pytest.mark.parametrize(
    ("option", "typed", "meant"),
    [
        ("--operating-point", "fmr", "fmr1"),
        ("--operating-point", "EER", "eer"),
        ("--operating-point", "fmr01", "fmr0.1"),
        ("--model", "vitt", "vit"),
        ("--model", "Lite", "lite"),
    ],
)
def test_a_mistyped_word_is_answered_by_the_nearest(samehand, images, option, typed, meant):
    code, out, err = samehand("compare", images / "a0.png", images / "a1.png", option, typed)
    assert (code, out) == (2, "")
    assert "did you mean " + meant in err.lower().replace("'", "")


def test_a_word_like_none_of_the_choices_gets_no_guess(samehand, images):
    pair = ("compare", images / "a0.png", images / "a1.png")
    for option in ("--operating-point", "--model"):
        code, _, err = samehand(*pair, option, "zzz")
        assert code == 2
        assert "did you mean" not in err.lower()


def test_answers_fit_eighty_columns_in_a_pipe_too(samehand, tiny_model, images):
    pair = (images / "a0.png", images / "b0.png", "--model", tiny_model)
    text = samehand("compare", *pair).out
    assert max(map(len, text.splitlines())) <= WIDTH
    # The whole sentence is there, whatever its lines are.
    condition = json.loads(samehand("compare", *pair, "--json").out)["condition"]
    assert f"of all cases with {condition}, weak answers" in " ".join(text.split())
