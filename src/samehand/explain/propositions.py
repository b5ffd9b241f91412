"""What a likelihood ratio is about, in fixed wording: the two propositions, and what follows.

ENFSI Guideline for Evaluative Reporting in Forensic Science (2015), sections 2.2 and 4: a report
states both propositions and the relevant population, gives the ratio, and leaves the prior odds to
whoever knows the rest of the case.
"""

from dataclasses import dataclass
from math import log10

from samehand.explain.words import share
from samehand.scoring.calibration import NO_SUPPORT, probability
from samehand.scoring.conditions import OWN_WORKS

PRIOR_ODDS = (1, 3, 10, 30, 100, 1000)
"""Odds against the first proposition before looking, as a table shows them."""

WHOSE_PRIOR = (
    "What the odds were before looking is not for the pictures or for samehand to say. It follows "
    "from provenance, documents, materials and how many painters come into question, and is for "
    "whoever weighs all of these."
)

_POPULATION = (
    "The other artist of H2 is drawn from the artists of the calibration pictures: European and "
    "American painting of the 15th to the 20th century and some Japanese prints, as online "
    "collections hold it. A rival from one workshop, a pupil or a copyist is no such artist."
)
_OWN_POPULATION = (
    "The other artist of H2 is drawn from the artists of the collection that the model was "
    "calibrated on. A rival from one workshop, a pupil or a copyist is no such artist, unless "
    "it holds works of theirs."
)


@dataclass(frozen=True, slots=True)
class Posterior:
    """A row of the table of posteriors.

    Attributes:
        odds: The odds before looking, in words, such as "1 to 10".
        any_artist: The probability of H1 after looking, against any other artist.
        one_style: The same against another artist of the same style; "" where that is not known.
    """

    odds: str
    any_artist: str
    one_style: str


@dataclass(frozen=True, slots=True)
class Propositions:
    """What a report states beside its likelihood ratio.

    Attributes:
        same: H1.
        different: H2.
        different_one_style: H2 against another artist of the same style.
        population: Whom the other artist of H2 is drawn from.
        posteriors: Probabilities of H1 by the odds before looking.
        whose_prior: Whose those odds are.
        next_step: What to do with evidence of this strength.
    """

    same: str
    different: str
    different_one_style: str
    population: str
    posteriors: tuple[Posterior, ...]
    whose_prior: str
    next_step: str


def pair_propositions(
    llr: float, llr_one_style: float | None, refused: bool, measured_on: str
) -> Propositions:
    """Return the propositions about two paintings.

    Args:
        llr: log10 likelihood ratio.
        llr_one_style: The same against another artist of the same style, or None.
        refused: Whether nothing was measured on such pictures.
        measured_on: What its error rates were measured on, in words.
    """
    return Propositions(
        "H1: one artist made both paintings.",
        "H2: the second painting is by another artist.",
        "H2 within a style: the second painting is by another artist who worked in the same style.",
        _population(measured_on),
        posteriors(llr, llr_one_style),
        WHOSE_PRIOR,
        next_step(llr, refused),
    )


def set_propositions(
    llr: float, llr_one_style: float | None, refused: bool, measured_on: str
) -> Propositions:
    """Return the propositions about a doubtful work and works by one artist; see the pair's."""
    return Propositions(
        "H1: the artist of the references made the doubtful work.",
        "H2: another artist made it.",
        "H2 within a style: another artist who worked in the references' style made it.",
        _population(measured_on),
        posteriors(llr, llr_one_style),
        WHOSE_PRIOR,
        next_step(llr, refused),
    )


def _population(measured_on: str) -> str:
    return _OWN_POPULATION if measured_on.endswith(OWN_WORKS) else _POPULATION


def posteriors(llr: float, llr_one_style: float | None) -> tuple[Posterior, ...]:
    """Return the probability of H1 for each of `PRIOR_ODDS`."""

    def after(ratio: float | None, odds: int) -> str:
        return "" if ratio is None else share(float(probability(ratio, 1 / (1 + odds))))

    return tuple(
        Posterior(f"1 to {odds:,}", after(llr, odds), after(llr_one_style, odds))
        for odds in PRIOR_ODDS
    )


def next_step(llr: float, refused: bool) -> str:
    """Return what to do next, for each band of evidence."""
    if refused:
        return (
            "Find photographs like those that error rates were measured on, in colour and of more "
            "than 320 pixels, or calibrate on secure works of your own (samehand calibrate)."
        )
    if abs(llr) < NO_SUPPORT:
        return (
            "The pictures decide nothing. Compare with more secure works, or rely on other "
            "evidence; nothing should rest on this figure."
        )
    claim = "one artist" if llr > 0 else "two artists"
    if abs(llr) < 1:
        return (
            f"A hint of {claim}, which other evidence easily outweighs. Compare with five or more "
            "secure works before anything is made of it."
        )
    if abs(llr) < log10(100):
        return (
            f"Reason to look further at the question of {claim}: see both works in the original, "
            "and have a second person compare the same pictures without knowing this figure."
        )
    return (
        f"Strong enough to set the question of {claim} before specialists. It does not replace "
        "technical examination or provenance, and rules out neither a copy nor a workshop."
    )
