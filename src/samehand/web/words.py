"""Values in the words of a page; sentences about evidence are those of `explain.words`."""

from samehand.explain.words import error_rate_in_words
from samehand.records import Decision
from samehand.results import ReferenceVerdict, Verdict


def headline(strength: str) -> str:
    """Return the strength of a verdict as a sentence."""
    return f"{strength[0].upper()}{strength[1:]}."


def decision_words(decision: Decision) -> str:
    """Return a decision as a page says it."""
    return {
        "same": "one artist",
        "different": "two artists",
        "no decision": "no decision",
    }[decision]


def error_rate(verdict: Verdict | ReferenceVerdict) -> str:
    """Return how often a decision like a verdict's is wrong, and of what pictures that holds."""
    return error_rate_in_words(
        verdict.error_rate, verdict.condition, verdict.measured_on, verdict.refusal
    )
