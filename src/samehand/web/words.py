"""Values in the words of a page; sentences about evidence are those of `explain.words`."""

from samehand.records import Decision


def headline(strength: str) -> str:
    """Return the strength of a verdict as a sentence."""
    return f"{strength[0].upper()}{strength[1:]}."


def decision_words(decision: Decision) -> str:
    """Return a decision as a page says it."""
    return {
        "same": "one artist",
        "different": "two artists",
        "inconclusive": "inconclusive",
    }[decision]
