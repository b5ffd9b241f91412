"""What a page says of a verdict, in one place; sentences about evidence are those of `explain`."""

import re
from dataclasses import dataclass
from typing import Literal

from samehand.explain.words import (
    claim_in_words,
    error_rate_in_words,
    frequencies_in_words,
    one_style_in_words,
    reference_claim_in_words,
    reference_strength,
    rounded,
)
from samehand.records import Decision, OperatingPoint
from samehand.results import Identification, ReferenceVerdict, Verdict
from samehand.scoring.calibration import NO_SUPPORT

EQUALLY = 0.01
"""A lead of less than one in a hundred is no lead: the page shows whole per cents."""

_FOLDERS = re.compile(r"(?<!\w)/(?:[^/\n,;:]*/)+")

POINTS: dict[OperatingPoint, str] = {
    "eer": "whichever is likelier to be right",
    "fmr1": "only where 1 error in 100 is kept",
    "fmr0.1": "only where 1 error in 1,000 is kept",
}
"""How a decision may be asked for; without a choice none is shown."""


@dataclass(frozen=True, slots=True)
class Said:
    """What stands at the top of an answer.

    Attributes:
        headline: The verdict in a few words.
        claim: It as a ratio, in one sentence; empty where no ratio means anything.
        frequencies: How often pairs of known makers look so, as counts; empty where unknown.
        style: The claim for two works known to be of one style; empty where it is not known.
        decision: What is decided, where that was asked for; empty otherwise.
    """

    headline: str
    claim: str = ""
    frequencies: str = ""
    style: str = ""
    decision: str = ""


def said_of_pair(verdict: Verdict, decide: OperatingPoint | None, *, same_file: bool) -> Said:
    """Return what a page says of two paintings.

    Args:
        verdict: The verdict, at the operating point `decide` where one was chosen.
        decide: The operating point, or None where no decision was asked for.
        same_file: Whether both are one file, of which no ratio says anything.
    """
    if same_file:
        return Said("Both pictures are the same file.")
    context = verdict.evidence.context if verdict.evidence else None
    return Said(
        headline(verdict.strength),
        claim_in_words(verdict.llr),
        # Where no calibration data fits, the ratio is held back; counts of pairs would overrule it.
        frequencies_in_words(context) if context and verdict.refusal is None else "",
        _within_style(verdict.llr_one_style, "both", _PAIR),
        _decided(verdict, ("one artist", "two artists")) if decide else "",
    )


def said_of_set(verdict: ReferenceVerdict, decide: OperatingPoint | None) -> Said:
    """Return what a page says of a doubtful work and secure ones; see `said_of_pair`."""
    return Said(
        headline(reference_strength(verdict.strength)),
        reference_claim_in_words(verdict.llr),
        style=_within_style(verdict.llr_one_style, "all", _SET),
        decision=_decided(verdict, ("that artist", "another artist")) if decide else "",
    )


def headline(strength: str) -> str:
    """Return the strength of a verdict as a sentence."""
    return f"{strength[0].upper()}{strength[1:]}."


def decision_with_prior(decision: Decision, llr: float, probability: float) -> Decision:
    """Return a decision that contradicts neither the words nor the probability beside it.

    The thresholds are of scores alone. Where what was known before looking outweighs them, or the
    pictures support neither side, nothing is decided.

    Args:
        decision: At an operating point.
        llr: log10 likelihood ratio of the verdict.
        probability: P(same artist) in [0, 1], from the prior and the llr.
    """
    if abs(llr) < NO_SUPPORT:
        return "no decision"
    if decision == "same" and (llr < 0 or probability <= 0.5):
        return "no decision"
    if decision == "different" and (llr > 0 or probability >= 0.5):
        return "no decision"
    return decision


def _decided(verdict: Verdict | ReferenceVerdict, names: tuple[str, str]) -> str:
    decision = decision_with_prior(verdict.decision, verdict.llr, verdict.probability)
    if decision == "no decision":
        return "undecided"
    return names[0] if decision == "same" else names[1]


_PAIR = "one artist made both", "another artist of that style made one of them"
_SET = "that artist made it", "another artist of that style did"


def _within_style(llr: float | None, which: str, claims: tuple[str, str]) -> str:
    if llr is None:
        return ""
    times = rounded(10 ** abs(llr))
    if times == "1.0":
        return f"If you know that {which} are of one style, the pictures speak for neither."
    more, less = claims if llr > 0 else claims[::-1]
    return (
        f"If you know that {which} are of one style, they are {times} times as likely if {more} as "
        f"if {less}."
    )


def identified_headline(found: Identification) -> str:
    """Return an identification in a few words; of artists who are equally likely, all are named."""
    if found.artist is None:
        if found.refusal:
            return "Nobody is named: no error rate is known for such pictures."
        return "Probably none of the gallery's artists."
    best = found.candidates[0].probability
    level = [one.artist for one in found.candidates if best - one.probability < EQUALLY]
    if len(level) < 2:
        return f"Most like {found.artist}."
    return f"Equally like {', '.join(level[:-1])} and {level[-1]}."


def names_only(text: str) -> str:
    """Return a sentence with the names of files in place of their full paths."""
    return _FOLDERS.sub("", text)


def decided_in_style(verdict: Verdict | ReferenceVerdict) -> str:
    """Return what is decided against artists of the same style, and how often that is wrong."""
    asked: Literal["pairs", "sets"] = "pairs" if isinstance(verdict, Verdict) else "sets"
    return one_style_in_words(verdict.decision_one_style, verdict.error_rate_one_style, asked)


def error_rate(verdict: Verdict | ReferenceVerdict) -> str:
    """Return how often a decision like a verdict's is wrong, as a sentence."""
    said = error_rate_in_words(
        verdict.error_rate, verdict.condition, verdict.measured_on, verdict.refusal
    )
    return f"{said[0].upper()}{said[1:]}."
