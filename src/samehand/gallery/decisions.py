"""What people decided about pairs of works: a record that only grows, and what stands of it.

Works are known by the hash of their file, so that a decision survives every renaming, move,
merge and re-embedding. See ADR 0043.
"""

import datetime
import os
import re
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from samehand.errors import GalleryError
from samehand.files import sha256_file
from samehand.gallery.storage import DecisionRow, Storage
from samehand.gallery.works import StoredWork, Work
from samehand.model.folder import ModelFolder
from samehand.records import Judgement, PictureKind
from samehand.results import DecidedWork, Decision, Decisions

Link = Literal["same", "different", "unsure", "disputed"]
"""What a pair is taken to be, from all that people decided about it."""

UNDO = "undo"

Pair = tuple[str, str]
"""Two content hashes, the smaller first."""

_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class DecidedPair:
    """Two works of a gallery that people agree on, for `samehand calibrate`.

    Attributes:
        first: Content hash of one.
        second: Content hash of the other.
        same: Whether one hand made both.
    """

    first: str
    second: str
    same: bool


def standing(rows: Sequence[DecisionRow]) -> list[DecisionRow]:
    """Return the lines that count, by time: each person's latest on a pair that is not undone.

    Args:
        rows: The whole record.
    """
    undone = {row.note for row in rows if row.label == UNDO}
    latest: dict[tuple[Pair, str], DecisionRow] = {}
    for row in sorted(rows, key=lambda row: (row.time, row.id)):
        if row.label != UNDO and row.id not in undone:
            latest[_pair(row), row.name.strip().casefold()] = row
    return sorted(latest.values(), key=lambda row: (row.time, row.id))


def links(rows: Sequence[DecisionRow]) -> dict[Pair, Link]:
    """Return what each pair is taken to be.

    Whoever is unsure leaves the word to the others; who contradict one another make a pair
    "disputed", which joins and parts nothing.

    Args:
        rows: The whole record.
    """
    said: dict[Pair, set[str]] = {}
    for row in standing(rows):
        said.setdefault(_pair(row), set()).add(row.label)
    found: dict[Pair, Link] = {}
    for pair, labels in said.items():
        sure = labels - {"unsure"}
        if len(sure) > 1:
            found[pair] = "disputed"
        else:
            found[pair] = "unsure" if not sure else "same" if "same" in sure else "different"
    return found


def decided_pairs(store: Storage) -> tuple[DecidedPair, ...]:
    """Return the pairs that people agree on and whose works the gallery holds.

    Args:
        store: What keeps the gallery.
    """
    agreed = {
        pair: link
        for pair, link in links(store.read_decisions()).items()
        if link in ("same", "different")
    }
    there = store.works_with_content(sorted({one for pair in agreed for one in pair}))
    return tuple(
        DecidedPair(*pair, link == "same")
        for pair, link in sorted(agreed.items())
        if pair[0] in there and pair[1] in there
    )


def decided_artists_of(
    works: Sequence[StoredWork], settled: "Settled", *, any_attribution: bool = False
) -> list[str | None]:
    """Return the artist of each work, N of them, as its label and people's decisions have it.

    A work without a label takes that of the works that it is joined with, if they have one. Of two
    works of one label that are decided to be by different hands neither has it: one label is wrong.

    Args:
        works: N works.
        settled: What people decided.
        any_attribution: Whether a label with a qualifier counts.
    """
    artists = [
        one.work.artist if any_attribution or "qualifier" not in one.work.extra else None
        for one in works
    ]
    hands: dict[str, list[int]] = {}
    for place, one in enumerate(works):
        if one.sha256 in settled.digests:
            hands.setdefault(settled.hand(one.sha256), []).append(place)
    found = list(artists)
    for members in hands.values():
        labels = {label for place in members if (label := artists[place]) is not None}
        if len(labels) == 1:
            for place in members:
                found[place] = next(iter(labels))
    given = list(found)
    for hand, members in hands.items():
        for enemy in settled.enemies(hand):
            for place in members:
                if any(given[place] == given[other] for other in hands.get(enemy, ())):
                    found[place] = None
    return found


def _unknown(digests: Sequence[str]) -> list[PictureKind | None]:
    return [None] * len(digests)


def decide(
    store: Storage,
    first: str | os.PathLike[str],
    second: str | os.PathLike[str],
    label: Judgement,
    *,
    note: str = "",
    by: str = "",
    model: ModelFolder | None = None,
    kinds: Callable[[Sequence[str]], Sequence[PictureKind | None]] = _unknown,
    files: bool = True,
) -> Decision:
    """Write down a decision; see `Gallery.decide`.

    Args:
        store: What keeps the gallery.
        first: A work, as `content_of` finds it.
        second: Another work.
        label: What is decided.
        note: Why.
        by: Who decides.
        model: What gives the ratio that is kept beside the decision.
        kinds: Tells what kind of picture each content is, as far as that is known.
        files: Whether a work may be a file outside the gallery.
    """
    if label not in get_args(Judgement):
        raise GalleryError(
            f"{label!r} is not a decision; choose one of {', '.join(get_args(Judgement))}"
        )
    pair = _ordered(content_of(store, first, files=files), content_of(store, second, files=files))
    if pair[0] == pair[1]:
        raise GalleryError(f"{first} and {second} are one picture; name two different works")
    row = DecisionRow(
        id=uuid.uuid4().hex[:12],
        time=_time_after(_latest_by(store.read_decisions(), pair, by)),
        first=pair[0],
        second=pair[1],
        label=label,
        note=note.strip(),
        name=" ".join(by.split()),
        model=store.about().model if model is None else model.identity,
        llr=None if model is None else _llr(store, pair, model, kinds(pair)),
    )
    store.append_decisions([row])
    return _described(store, [row], store.read_decisions())[0]


def undo(store: Storage, identity: str, *, by: str = "") -> Decision:
    """Write down that a decision no longer counts; see `Gallery.undo`."""
    rows = store.read_decisions()
    undone = {row.note for row in rows if row.label == UNDO}
    known = [row for row in rows if row.label != UNDO and row.id not in undone]
    found = [row for row in known if identity and row.id.startswith(identity)]
    if len(found) != 1:
        why = "is the start of several decisions" if found else "is not a decision that counts"
        raise GalleryError(f"{identity!r} {why}; samehand decisions lists them with their ids")
    old = found[0]
    row = DecisionRow(
        id=uuid.uuid4().hex[:12],
        time=_time_after(old.time),
        first=old.first,
        second=old.second,
        label=UNDO,
        note=old.id,
        name=" ".join(by.split()),
        model=old.model,
        llr=None,
    )
    store.append_decisions([row])
    return _described(store, [old], store.read_decisions())[0]


def list_decisions(store: Storage, name: str, *, history: bool = False) -> Decisions:
    """Return what people decided; see `Gallery.decisions`."""
    rows = store.read_decisions()
    counted = standing(rows)
    shown = [row for row in rows if row.label != UNDO] if history else counted
    return Decisions(
        decisions=_described(store, shown, rows),
        count=len(counted),
        disputed=sum(link == "disputed" for link in links(rows).values()),
        gallery=name,
    )


def merge_decisions(store: Storage, rows: Iterable[DecisionRow]) -> int:
    """Add the lines of another record that this one lacks, and return how many those are."""
    known = {row.id for row in store.read_decisions()}
    fresh = [row for row in rows if row.id not in known]
    if fresh:
        store.append_decisions(fresh)
    return len(fresh)


def content_of(store: Storage, work: str | os.PathLike[str], *, files: bool = True) -> str:
    """Return the content hash of a work.

    Args:
        store: What keeps the gallery.
        work: Its path in the gallery or the end of it, its content hash, its accession number, or
            a file.
        files: Whether a file outside the gallery is read.

    Raises:
        GalleryError: There is no such work, or several.
    """
    text = os.fspath(work)
    for path in dict.fromkeys((text, os.path.abspath(text))):
        for stored in store.works([f"path={path}"], limit=1):
            return stored.sha256
    if _SHA256.fullmatch(text):
        if store.works_with_content([text]):
            return text
    elif "accession_number" in store.extra_columns():
        found = {one.sha256 for one in store.works([f"accession_number={text}"], limit=10)}
        if len(found) > 1:
            raise GalleryError(
                f"{len(found)} works have the accession number {text}; name a file instead"
            )
        if found:
            return found.pop()
    if files and os.path.isfile(text):
        return sha256_file(text)
    if (content := _with_ending(store, text)) is not None:
        return content
    raise GalleryError(
        f"the gallery has no work {text}; name its file, its accession number or its content hash"
    )


def _with_ending(store: Storage, end: str) -> str | None:
    """Return the content of the one work whose path ends so, as a table of works has it."""
    if not end:
        return None
    works = [one for one in store.works([f"path~{end}"]) if _ends_with(one.work.path, end)]
    if len({one.sha256 for one in works}) > 1:
        raise GalleryError(f"{len(works)} works have the file {end}; name the whole path")
    return works[0].sha256 if works else None


def _ends_with(path: str, end: str) -> bool:
    return path.endswith((f"/{end}", f"\\{end}"))


def described(store: Storage, digests: Iterable[str]) -> dict[str, DecidedWork]:
    """Return what the gallery says of each content, by its hash."""
    wanted = sorted(set(digests))
    there = store.works_with_content(wanted)
    return {
        digest: decided_work(digest, next(iter(there.get(digest, ())), None)) for digest in wanted
    }


def decided_work(digest: str, work: Work | None) -> DecidedWork:
    """Return a work as a decision shows it; one that the gallery does not hold has no path."""
    if work is None:
        return DecidedWork(digest, None)
    return DecidedWork(digest, work.path, work.artist, work.title, work.date, work.extra)


class Settled:
    """What decisions say of any two works, whether about the pair itself or by way of others.

    If A and B are by one hand, and so are B and C, then A and C are settled; if C and D are by
    different hands, then A and D are, too. Where a chain of decisions both joins and parts the same
    works, it joins none of them.

    Attributes:
        contradictory: Content hashes of the works of such chains.
        digests: Content hashes of all works that decisions are about.
    """

    def __init__(self, decided: Mapping[Pair, Link]) -> None:
        self._direct = dict(decided)
        self._root: dict[str, str] = {}
        self.digests = frozenset(one for pair in decided for one in pair)
        for pair, link in decided.items():
            if link == "same":
                self._root[self._find(pair[0])] = self._find(pair[1])
        wrong = {self._find(a) for a, b in self.parted() if self._find(a) == self._find(b)}
        self.contradictory = frozenset(one for one in [*self._root] if self._find(one) in wrong)
        for one in self.contradictory:
            self._root[one] = one
        self._enemies: dict[str, set[str]] = {}
        for a, b in self.parted():
            self._enemies.setdefault(self.hand(a), set()).add(self.hand(b))
            self._enemies.setdefault(self.hand(b), set()).add(self.hand(a))

    def __bool__(self) -> bool:
        return bool(self._direct)

    def _find(self, one: str) -> str:
        self._root.setdefault(one, one)
        while self._root[one] != one:
            self._root[one] = self._root[self._root[one]]
            one = self._root[one]
        return one

    def hand(self, digest: str) -> str:
        """Return a name for all works that decisions join with a work, itself included."""
        return self._find(digest) if digest in self._root else digest

    def enemies(self, hand: str) -> frozenset[str]:
        """Return the hands that are decided to be others than a hand, as `hand` names them."""
        return frozenset(self._enemies.get(hand, ()))

    def between(self, first: str, second: str) -> Link | None:
        """Return what is settled about two different works, or None."""
        direct = self._direct.get(_ordered(first, second))
        if direct is not None:
            return direct
        one, two = self.hand(first), self.hand(second)
        if one == two:
            return "same"
        return "different" if two in self._enemies.get(one, ()) else None

    def joined(self) -> list[list[str]]:
        """Return the works of each hand that decisions join, of at least two."""
        hands: dict[str, list[str]] = {}
        for one in sorted(self._root):
            hands.setdefault(self._find(one), []).append(one)
        return [works for works in hands.values() if len(works) > 1]

    def parted(self) -> list[Pair]:
        """Return the pairs that people agree to be by different hands."""
        return sorted(pair for pair, link in self._direct.items() if link == "different")

    def disputed(self) -> list[Pair]:
        """Return the pairs that people decided differently."""
        return sorted(pair for pair, link in self._direct.items() if link == "disputed")


def _described(
    store: Storage, shown: Sequence[DecisionRow], rows: Sequence[DecisionRow]
) -> tuple[Decision, ...]:
    works = described(store, (one for row in shown for one in _pair(row)))
    counted = {row.id for row in standing(rows)}
    taken = links(rows)
    return tuple(
        Decision(
            id=row.id,
            time=row.time,
            label=_label(row),
            first=works[row.first],
            second=works[row.second],
            by=row.name,
            note=row.note,
            llr=row.llr,
            model=row.model,
            stands=row.id in counted,
            disputed=row.id in counted and taken[_pair(row)] == "disputed",
        )
        for row in shown
    )


def _label(row: DecisionRow) -> Judgement:
    for label in get_args(Judgement):
        if row.label == label:
            known: Judgement = label
            return known
    raise GalleryError(
        f"the decision {row.id[:40]} says {ascii(row.label)[:60]}, which this samehand does not "
        "know; update it"
    )


def _llr(
    store: Storage, pair: Pair, model: ModelFolder, kinds: Sequence[PictureKind | None]
) -> float | None:
    from samehand.model.readings import llrs_of_pairs

    rows = store.rows_with_content(pair, model.embedder.digest)
    if len(rows) < 2:
        return None
    enrolled = model.comparator.enrol(np.stack([rows[one] for one in pair]))
    sides = np.array([0]), np.array([1])
    score = model.comparator.pair_scores(enrolled, *sides)
    return float(llrs_of_pairs(model.config, kinds, *sides, score)[0][0])


def _pair(row: DecisionRow) -> Pair:
    return row.first, row.second


def _ordered(one: str, two: str) -> Pair:
    return (one, two) if one < two else (two, one)


def _latest_by(rows: Sequence[DecisionRow], pair: Pair, by: str) -> str:
    """Return when a person last decided on a pair, or nothing."""
    person = " ".join(by.split()).casefold()
    mine = (row.time for row in rows if _pair(row) == pair and row.name.casefold() == person)
    return max(mine, default="")


def _time_after(earlier: str) -> str:
    """Return the time now, or the next after `earlier` where the clock went back since.

    The record is ordered by time, and the later decision counts; a clock set back by an hour must
    not let what a person decided before outlive what they decide now.
    """
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="microseconds")
    if now > earlier:
        return now
    try:
        next_one = datetime.datetime.fromisoformat(earlier) + datetime.timedelta(microseconds=1)
    except (ValueError, OverflowError):
        # No time at all, as a stranger's record may say; nothing comes after it.
        return now
    return next_one.isoformat(timespec="microseconds")
