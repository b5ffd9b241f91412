"""Whether a gallery's likeliest artist is named, by a rate that was measured on such pictures."""

from dataclasses import dataclass

from samehand.records import FalseAlarms
from samehand.scoring.conditions import OWN_WORKS, UNMEASURED_LIMIT, Kinds, Reading
from samehand.scoring.openset import Attribution


@dataclass(frozen=True, slots=True)
class Weighed:
    """One artist of a gallery, weighed as the maker of a probe.

    Attributes:
        name: The artist.
        score: The llr, unsaturated.
        llr: log10 likelihood ratio of this artist to another.
        works: How many works were compared.
        kinds: What the probe and most of the works show; None where that is not known.
        reading: How they were read.
        llr_one_style: log10 likelihood ratio of this artist to another of the same style; None
            where the model cannot say.
    """

    name: str
    score: float
    llr: float
    works: int
    kinds: Kinds | None
    reading: Reading
    llr_one_style: float | None


@dataclass(frozen=True, slots=True)
class Known:
    """How far the likeliest artist is to be named; see `results.Identification`."""

    named: bool
    evidence: float
    known_llr: float
    named_at_least: float | None
    false_alarms: float | None
    detected: float | None
    measured_on: str
    refusal: str | None


def too_large(rule: Attribution, best: Weighed, artists: int) -> tuple[str, ...]:
    """Return a warning where a gallery has far more artists than any that rates were measured on.

    Args:
        rule: The model's rules.
        best: The likeliest artist.
        artists: How many artists the gallery has.
    """
    largest = rule.rule_for(best.kinds)[0].largest
    if artists <= largest:
        return ()
    return (
        f"the gallery has {artists:,} artists, and error rates were measured with at most "
        f"{largest:,}: expect more false names than promised",
    )


def weigh_best(rule: Attribution, best: Weighed, artists: int, threshold: FalseAlarms) -> Known:
    """Hold the likeliest artist against a threshold; name nobody where no rate was measured.

    Args:
        rule: The model's rules.
        best: The likeliest artist.
        artists: How many artists the gallery has.
        threshold: Which false alarms are allowed.
    """
    open_set, condition, unmeasured = rule.rule_for(best.kinds)
    evidence = open_set.score(best.score, artists)
    known_llr = open_set.llr(evidence)
    why = best.reading.refusal or unmeasured
    if why is not None:
        limited = min(max(known_llr, -UNMEASURED_LIMIT), UNMEASURED_LIMIT)
        reason = why.split(": ")[0]
        refusal = (
            f"{reason}: nobody is named, and no ratio beyond {10**UNMEASURED_LIMIT:g} is given"
        )
        return Known(False, evidence, limited, None, None, None, "", refusal)
    point = open_set.point(threshold)
    of = "" if condition is None else f"{condition.hands:,} "
    whose = " that the model had never seen"
    if condition is not None and condition.own:
        whose = OWN_WORKS
    elif condition is not None and condition.collections > 1:
        whose = f" of {condition.collections} collections{whose}"
    return Known(
        evidence >= point.known_at_least,
        evidence,
        known_llr,
        point.known_at_least,
        point.false_alarms,
        point.detected,
        f"galleries of at most {open_set.largest:,} artists, with pictures by {of}artists{whose}",
        None,
    )
