"""A verdict in the words of a page."""

from samehand.records import Decision


def rounded(times: float) -> str:
    """Return a ratio to two digits, never in exponents: 1.8, 23, 110, 1,800."""
    return f"{times:.1f}" if times < 9.95 else f"{float(f'{times:.2g}'):,.0f}"


def headline(strength: str) -> str:
    """Return the strength of a verdict as a sentence."""
    return f"{strength[0].upper()}{strength[1:]}."


def likelihood_sentence(llr: float) -> str:
    """Return a log10 likelihood ratio as a sentence."""
    claim, rival = "one artist made both", "two artists did"
    if llr < 0:
        claim, rival = "two artists made them", "one did"
    return f"The images are {rounded(10 ** abs(llr))} times as likely if {claim} as if {rival}."


def decision_words(decision: Decision) -> str:
    """Return a decision as a page says it."""
    return {
        "same": "one artist",
        "different": "two artists",
        "inconclusive": "inconclusive",
    }[decision]


def share(probability: float) -> str:
    """Return a probability in percent, with digits where it is near certainty."""
    if 0.01 <= probability <= 0.99:
        return f"{probability:.0%}"
    return f"{probability:.1%}" if 0.001 <= probability <= 0.999 else f"{probability:.2%}"
