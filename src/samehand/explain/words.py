"""What pictures and figures mean, in sentences that the terminal, a report and a page share."""

from pathlib import Path
from typing import Literal

from samehand.model.regions import touches_border
from samehand.records import Decision
from samehand.results import Context, Identification, Match, Neighbour

_BORDER = "at the border of a painting, regions of any two painters are alike more often"


def rounded(times: float) -> str:
    """Return a ratio to two digits, never in exponents: 1.8, 23, 110, 1,800."""
    return f"{times:.1f}" if times < 9.95 else f"{float(f'{times:.2g}'):,.0f}"


def share(probability: float) -> str:
    """Return a probability in percent, with digits where it is near certainty: 64%, 99.7%."""
    if 0.01 <= probability <= 0.99:
        return f"{probability:.0%}"
    return f"{probability:.1%}" if 0.001 <= probability <= 0.999 else f"{probability:.2%}"


def claim_in_words(llr: float) -> str:
    """Return a log10 likelihood ratio as a sentence."""
    claim, rival = "one artist made both", "two artists did"
    if llr < 0:
        claim, rival = "two artists made them", "one did"
    return f"The images are {rounded(10 ** abs(llr))} times as likely if {claim} as if {rival}."


def reference_claim_in_words(llr: float) -> str:
    """Return the log10 likelihood ratio of a work and a reference set as a sentence."""
    claim, rival = "that artist made it", "another did"
    if llr < 0:
        claim, rival = rival, "that artist made it"
    return f"The works are {rounded(10 ** abs(llr))} times as likely if {claim} as if {rival}."


def reference_strength(strength: str) -> str:
    """Return the strength of a verdict, in words, as one on the artist of a reference set."""
    words = strength.replace("the same artist", "the references' artist")
    return words.replace("different artists", "another artist")


def error_rate_in_words(
    rate: float | None, condition: str, measured_on: str, refusal: str | None
) -> str:
    """Return how often such a decision is wrong and of what pictures that holds.

    Args:
        rate: Of the verdict, and so are the others.
        condition: Of what pictures it holds.
        measured_on: On what it was measured.
        refusal: Why there is none; said in its place.
    """
    if rate is None:
        return refusal or "no error rate is known"
    return (
        f"of all cases with {condition}, weak answers and strong ones together, at most {rate:.1%} "
        f"are decided wrongly; measured on {measured_on}"
    )


def one_style_in_words(
    decision: Decision | None, rate: float | None, asked: Literal["pairs", "sets"] = "pairs"
) -> str:
    """Return what is decided against artists of one style; empty where nothing is.

    Args:
        decision: The decision, or None.
        rate: Its error rate, or None.
        asked: What it is decided of: a pair, or a work and a reference set.
    """
    if decision is None or rate is None:
        return ""
    found = f"{decision}, at most {rate:.1%} of {asked} of one style wrongly"
    # Rules for sets were fitted on the usual pictures alone, whatever these show (ADR 0045).
    return found if asked == "pairs" else f"{found}, measured on the model's usual pictures"


def interval_in_words(interval: tuple[float, float] | None) -> str:
    """Return the 95 % interval of an llr; empty where there is none."""
    return "" if interval is None else f"{interval[0]:+.2f} to {interval[1]:+.2f}"


def matches_in_words(matches: tuple[Match, ...]) -> str:
    """Return what the numbered windows mean."""
    if not matches:
        return "No region of one is like a region of the other in a way that is at all unusual."
    # What no comparison work has is equally rare in all windows, and is said once.
    windows: dict[str, list[str]] = {}
    for match in matches:
        windows.setdefault(f"1 in {match.rarity:,.0f}", []).append(str(match.number))
    rarities = ", ".join(
        f"{rare} (window{'s' if len(one) > 1 else ''} {', '.join(one)})"
        for rare, one in windows.items()
    )
    border = f"; {_BORDER}" if any(_at_border(match) for match in matches) else ""
    return (
        "Windows of one number resemble one another most. Of works by other painters, this many "
        f"have a region as much alike: {rarities}{border}."
    )


def unusual_in_words(most: float) -> str:
    """Return what the green map means, given the log10 rarity of the greenest cell."""
    return (
        "The greener, the fewer works by other painters have a region as much like the best match "
        f"in the other painting: one in {10**most:,.0f} at the greenest. What everyone paints "
        "stays grey."
    )


def influence_in_words(most: float) -> str:
    """Return what the orange and blue map means, given the strongest change of the llr."""
    return (
        "Orange regions speak for one artist: covered, the likelihood ratio falls. Blue ones speak "
        f"for two. The strongest would move it by a factor of {10**most:.1f}."
    )


def context_in_words(context: Context) -> str:
    """Return where the score lies among the pairs whose answer is known."""
    return (
        f"Of {context.impostor_pairs:,} pairs by two artists (blue) "
        f"{_percent(context.impostors_as_high)} score at least as high, of "
        f"{context.genuine_pairs:,} pairs by one artist (orange) "
        f"{_percent(context.genuine_as_low)} at most as high. All are by {context.artists:,} "
        "artists that the model had not learned from. The scale is the likelihood ratio before it "
        "is cut off."
    )


def frequencies_in_words(context: Context) -> str:
    """Return where the score lies among known pairs, as counts of like pairs.

    For a pair that looks alike, how many look at least so; for one that does not, how many look no
    more alike. Natural frequencies are understood where percentages are not (Gigerenzer and
    Hoffrage 1995, "How to improve Bayesian reasoning without instruction").
    """
    as_high, as_low = context.impostors_as_high, context.genuine_as_low
    if context.llr >= 0:
        two, one, how = as_high, 1 - as_low, "at least this alike"
    else:
        two, one, how = 1 - as_high, as_low, "no more alike than these"
    if max(one, two) < 0.01:
        return (
            f"Hardly any pair is known to look {how}: of 10,000 by one artist "
            f"{_counted(one, 10_000)}, of 10,000 by different artists {_counted(two, 10_000)}."
        )
    of = next((size for size in (100, 1000, 10_000) if min(one, two) * size >= 0.95), 10_000)
    first, second = (_counted(share, of) for share in (two, one))
    return (
        f"Of {of:,} pairs by different artists, {first} {_verb(first, 'look')} {how}; of {of:,} "
        f"pairs by one artist, {second} {_verb(second, 'do')}."
    )


def _verb(count: str, plural: str) -> str:
    singular = {"look": "looks", "do": "does"}[plural]
    return singular if count in ("1", "fewer than 1") else plural


def _counted(share: float, of: int) -> str:
    count = round(share * of)
    return "fewer than 1" if count == 0 else f"{count:,}"


def rarity_in_words(match: Match, rarest: float) -> str:
    """Return how rare a likeness is, without a full stop.

    Args:
        match: The two regions that are alike.
        rarest: The rarest that the comparison works can show: none of them has it.
    """
    if match.rarity > 0.99 * rarest:
        return (
            "none of the comparison works has a region as much alike "
            f"(rarer than 1 in {rarest:,.0f})"
        )
    return likeness_in_words(match)


def likeness_in_words(match: Match) -> str:
    """Return in how many works by other painters a region is as much alike, without a full stop."""
    found = f"1 in {match.rarity:,.0f} works by other painters has a region as much alike"
    return f"{found}; {_BORDER}" if _at_border(match) else found


def _at_border(match: Match) -> bool:
    return touches_border(match.left) or touches_border(match.right)


def nearby_in_words(gallery: str) -> str:
    """Return what the nearest works of a gallery mean, and what they do not."""
    return (
        f"The works of the gallery {gallery} that are most like each painting, each with the log10 "
        "likelihood ratio of one artist having made both to two. Among many works some reach a "
        "high ratio by chance."
    )


def _percent(part: float) -> str:
    if part < 0.001:
        return "fewer than 0.1%"
    return "more than 99.9%" if part > 0.999 else f"{part:.1%}"


def title_of(neighbour: Neighbour) -> str:
    """Return what to call a work: its title, or its file's name where it has none."""
    return neighbour.title or Path(neighbour.path).name


def naming_in_words(found: Identification) -> str:
    """Return what decided whether an artist of a gallery is named, and how often that is wrong."""
    if found.decided_by == "decision":
        return "A person's decision names the artist, not a threshold and not a probability."
    if found.refusal or found.false_alarms is None or found.detected is None:
        why = found.refusal or "No rate was measured"
        return f"{why[0].upper()}{why[1:]}."
    level = ""
    if found.named_at_least is not None:
        level = (
            f"the evidence is {found.evidence:+.2f} and somebody is named from "
            f"{found.named_at_least:+.2f} on; "
        )
    measured = f", measured on {found.measured_on}" if found.measured_on else ""
    return (
        f"The threshold {found.threshold} decides, not the probabilities: {level}"
        f"it names somebody for {_percent(found.false_alarms)} of unknown hands and the right "
        f"artist for {_percent(found.detected)} of known ones{measured}."
    )
