"""Sentences of the pages that contradict neither themselves nor the figures beside them."""

from dataclasses import replace

import pytest

from samehand.web.words import (
    decided_in_style,
    identified_headline,
    names_only,
    said_of_pair,
    said_of_set,
)


@pytest.fixture(scope="module")
def found(shipped, shelf):
    return shipped.identify(next(shelf.list()).work.path, shelf, 3)


def with_shares(found, *shares: float):
    candidates = [replace(found.candidates[0], artist=f"Artist {i}") for i in range(len(shares))]
    named = [replace(one, probability=p) for one, p in zip(candidates, shares, strict=True)]
    return replace(found, artist="Artist 0", candidates=tuple(named))


def test_an_artist_is_named_alone_only_with_a_lead(found):
    assert identified_headline(with_shares(found, 0.6, 0.3)) == "Most like Artist 0."
    level = identified_headline(with_shares(found, 0.33, 0.33, 0.3251))
    assert level == "Equally like Artist 0, Artist 1 and Artist 2."
    nobody = replace(found, artist=None, refusal=None)
    assert identified_headline(nobody).startswith("Probably none")
    unmeasured = replace(nobody, refusal="no galleries of held-out artists were measured here")
    assert identified_headline(unmeasured).startswith("Nobody is named: no error rate is known")


def test_pages_name_files_and_no_folders():
    said = "1 work shows your picture itself: /srv/art/Painter C/c-2.jpg; read 1/2 and/or more"
    assert names_only(said) == ("1 work shows your picture itself: c-2.jpg; read 1/2 and/or more")
    assert names_only("/srv/a/one.jpg, /srv/b/two.jpg") == "one.jpg, two.jpg"


def test_counts_of_pairs_do_not_overrule_a_ratio_that_is_held_back(shipped, shelf):
    left, right = [one.work.path for one in shelf.list()][:2]
    evidence = shipped.explain(left, right, influence=False)
    verdict = replace(shipped.compare(left, right), evidence=evidence)
    usual = replace(verdict, refusal=None)
    assert said_of_pair(usual, None, same_file=False).frequencies
    held = replace(verdict, refusal="no relevant calibration data")
    assert said_of_pair(held, None, same_file=False).frequencies == ""
    assert said_of_pair(held, None, same_file=False).claim


def test_pairs_and_sets_say_what_a_common_style_leaves(shipped, shelf):
    left, right, *_ = [one.work.path for one in shelf.list()]
    pair, whole = shipped.compare(left, right), shipped.verify(left, [right])
    for llr, times, one, other in ((2.0, "100", 0, 1), (-2.0, "100", 1, 0)):
        said = said_of_pair(replace(pair, llr_one_style=llr), None, same_file=False).style
        claims = "one artist made both", "another artist of that style made one of them"
        assert said.endswith(f"{times} times as likely if {claims[one]} as if {claims[other]}.")
        said = said_of_set(replace(whole, llr_one_style=llr), None).style
        claims = "that artist made it", "another artist of that style did"
        assert said.endswith(f"{times} times as likely if {claims[one]} as if {claims[other]}.")
    decided = replace(whole, decision_one_style="different", error_rate_one_style=0.177)
    words = "different, at most 17.7% of sets of one style wrongly"
    assert decided_in_style(decided) == f"{words}, measured on the model's usual pictures"
    assert decided_in_style(replace(decided, decision_one_style=None)) == ""
    assert said_of_set(replace(whole, llr_one_style=None), None).style == ""
    assert said_of_set(replace(whole, llr_one_style=0.0), None).style.endswith("for neither.")
