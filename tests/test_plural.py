"""Numbers stand with the right form of their nouns."""

from samehand.plural import counted


def test_one_is_singular_and_all_else_plural():
    assert [counted(n, "work") for n in (0, 1, 2)] == ["0 works", "1 work", "2 works"]
    assert counted(1, "was", "were") == "1 was"
    assert counted(3, "work matches", "works match") == "3 works match"


def test_thousands_are_told_apart():
    assert counted(1_234_567, "pair") == "1,234,567 pairs"
