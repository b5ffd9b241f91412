"""Which artists people's decisions name, or rule out, as the maker of a work."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from samehand.gallery import Gallery
from samehand.gallery.decisions import Settled, links, standing
from samehand.gallery.storage import DecisionRow
from samehand.plural import counted


@dataclass(frozen=True, slots=True)
class DecidedArtists:
    """What decisions say of the maker of a work.

    Attributes:
        name: The artist, where they name one.
        why: Why, in one sentence.
        ruled_out: Why an artist is not the maker, a sentence by name.
        warnings: What they contradict themselves in.
    """

    name: str | None = None
    why: str | None = None
    ruled_out: dict[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    def in_question(self, names: Sequence[str]) -> list[str]:
        """Return the artists who may have made the work, with the one whom decisions name."""
        left = [name for name in names if name not in self.ruled_out]
        return left if self.name is None or self.name in left else [self.name, *left]


def decided_artists(gallery: Gallery, sha256: str, where: Sequence[str]) -> DecidedArtists:
    """Return what the decisions that a gallery keeps say of the maker of a work.

    A decision that the work and one by an artist are by one hand names that artist; one that their
    hands are different rules the artist out. Decisions that reach the work by way of others count
    as well.

    Args:
        gallery: A gallery.
        sha256: Content hash of the work; empty where it is not a file.
        where: Conditions for the works whose label counts.
    """
    rows = gallery.store.read_decisions()
    settled = Settled(links(rows))
    if not sha256 or sha256 not in settled.digests:
        return DecidedArtists()
    counted = standing(rows)
    others = sorted(settled.digests - {sha256})
    labelled = gallery.store.works_with_content(others)
    allowed = {stored.work.path for stored in gallery.list([*where, "artist!="])}
    named: dict[str, str] = {}
    ruled_out: dict[str, str] = {}
    for other in others:
        link = settled.between(sha256, other)
        for work in labelled.get(other, ()):
            if work.artist is None or work.path not in allowed:
                continue
            if link == "same":
                said = _sentence(counted, sha256, other, work.path, "the same hand as")
                named.setdefault(work.artist, said)
            elif link == "different":
                said = _sentence(counted, sha256, other, work.path, "a different hand from")
                ruled_out.setdefault(work.artist, said)
    warnings = contradictions(settled, gallery, {sha256})
    clash = sorted(named) if len(named) > 1 else sorted(named.keys() & ruled_out)
    if clash:
        told = f"decisions contradict one another on {' and '.join(clash)}; none of them counts"
        kept = {name: why for name, why in ruled_out.items() if name not in clash}
        return DecidedArtists(ruled_out=kept, warnings=(*warnings, told))
    for name, why in named.items():
        return DecidedArtists(name, why, ruled_out, warnings)
    return DecidedArtists(ruled_out=ruled_out, warnings=warnings)


def contradictions(
    settled: Settled, gallery: Gallery, about: set[str] | None = None
) -> tuple[str, ...]:
    """Return a sentence for each sort of decisions that cannot be obeyed.

    Args:
        settled: What people decided.
        gallery: Where.
        about: Content hashes of the works that matter; None for all.
    """
    pairs = [pair for pair in settled.disputed() if about is None or not about.isdisjoint(pair)]
    chains = sorted(settled.contradictory if about is None else settled.contradictory & about)
    names = gallery.store.works_with_content(sorted({*chains, *(one for p in pairs for one in p)}))

    def name(digest: str) -> str:
        return next((work.path for work in names.get(digest, ())), digest[:12])

    told = []
    if pairs:
        count = counted(len(pairs), "pair is", "pairs are")
        told.append(
            f"{count} decided differently by two people, so neither counts: "
            f"{name(pairs[0][0])} and {name(pairs[0][1])}"
        )
    if chains:
        told.append(
            f"decisions on {len(chains):,} works say both that one hand made them and that several "
            f"did, so they join none of them: {name(chains[0])} for one"
        )
    return tuple(told)


def _sentence(
    rows: Sequence[DecisionRow], sha256: str, other: str, path: str, relation: str
) -> str:
    pair = {sha256, other}
    for row in rows:
        if {row.first, row.second} == pair:
            who = row.name or "somebody"
            return f"{who} decided on {row.time[:10]} that it is by {relation} {path}"
    return f"it follows from decisions on other works that it is by {relation} {path}"
