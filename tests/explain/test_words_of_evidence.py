"""Sentences about likenesses say where they lie at the border of a painting."""

from samehand.explain.words import likeness_in_words, matches_in_words, rarity_in_words
from samehand.results import Match, Region

WITHIN, CORNER = Region(0.25, 0.25, 0.5, 0.5), Region(0.75, 0.0, 1.0, 0.25)


def match(number: int, left: Region, right: Region, rarity: float) -> Match:
    return Match(number, left, right, 0.5, rarity, 1.0)


def test_a_likeness_at_a_border_says_so_and_one_within_does_not():
    within = match(1, WITHIN, WITHIN, 20)
    assert likeness_in_words(within) == "1 in 20 works by other painters has a region as much alike"
    for one, two in ((WITHIN, CORNER), (CORNER, WITHIN), (CORNER, CORNER)):
        assert "1 in 20 works" in likeness_in_words(match(1, one, two, 20))
        assert "border" in likeness_in_words(match(1, one, two, 20))
    assert "border" not in matches_in_words((within,))
    told = matches_in_words((within, match(2, WITHIN, CORNER, 8)))
    assert told.count("border") == 1
    assert told.endswith(".")
    assert "1 in 20 (window 1), 1 in 8 (window 2)" in told


def test_what_no_comparison_work_has_is_said_instead_of_a_count():
    assert "none of the comparison works" in rarity_in_words(match(1, WITHIN, WITHIN, 100), 100)
    assert rarity_in_words(match(1, WITHIN, WITHIN, 50), 100).startswith("1 in 50 works")
