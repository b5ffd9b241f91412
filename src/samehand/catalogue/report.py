"""What `samehand prepare` found wrong and what it did about it, for people and for programs."""

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from samehand.plural import counted

SHOWN = 200
"""How many entries of one list the text report shows; the JSON report has all."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One painting or file of a report.

    Attributes:
        painting_id: Which painting, or None for a file that no row names.
        file: The file it concerns.
        what: What was found.
    """

    painting_id: str | None
    file: str
    what: str


@dataclass(frozen=True, slots=True)
class SameWork:
    """One work that is catalogued more than once.

    Attributes:
        paintings: All its ids.
        artists: Their artists, in the same order.
        titles: Their titles, in the same order.
        kept: The id that stays in use, or None where artists contradict each other.
    """

    paintings: list[str]
    artists: list[str]
    titles: list[str | None]
    kept: str | None


@dataclass(frozen=True, slots=True)
class PrepareReport:
    """What one run of `prepare` read, repaired, excluded and divided.

    Attributes:
        location: Where the paintings came from.
        kind: "pbn", "folder", "table", "csv" or "parquet".
        scheme: The split scheme.
        seed: What decided the draws.
        rows: Rows that the source has, each name once.
        paintings: Rows with a readable image: the catalogue's length.
        usable: Paintings without an exclusion.
        artists: Artists of usable paintings.
        repaired: Paintings whose first file was bad and that another file restored.
        unreadable: Paintings without a readable file.
        missing: Rows whose file was not found.
        repeated: File names that several rows give.
        unnamed: Files that no row names.
        damaged: Files that decode although their end is missing.
        other_size: Files whose length or number of pixels is not the one that the source states.
        duplicates: Works that are there several times under one artist.
        contested: Works that are there under several artists.
        labels: Attribution labels that name no certain artist, with the number of paintings.
        splits: Paintings and artists of each split.
        notes: How the source was read, where that is not plain: a guessed encoding, repeated rows.
    """

    location: str
    kind: str
    scheme: str
    seed: int
    rows: int
    paintings: int
    usable: int
    artists: int
    repaired: list[Finding] = field(default_factory=list)
    unreadable: list[Finding] = field(default_factory=list)
    missing: list[Finding] = field(default_factory=list)
    repeated: list[str] = field(default_factory=list)
    unnamed: list[str] = field(default_factory=list)
    damaged: list[Finding] = field(default_factory=list)
    other_size: list[Finding] = field(default_factory=list)
    duplicates: list[SameWork] = field(default_factory=list)
    contested: list[SameWork] = field(default_factory=list)
    labels: dict[str, int] = field(default_factory=dict)
    splits: dict[str, dict[str, int]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """Return the report as JSON-ready values."""
        return asdict(self)

    def to_markdown(self) -> str:
        """Return the report as text; lists longer than `SHOWN` are cut, and say so."""
        lines = [
            "# What samehand prepare found",
            "",
            f"{counted(self.rows, 'row')} in {self.location} ({self.kind}); "
            f"{counted(self.paintings, 'has', 'have')} a readable image, and {self.usable:,} of "
            f"those by {counted(self.artists, 'artist')} can be used in pairs.",
            "",
            f"## Splits ({self.scheme}, seed {self.seed})",
            "",
            "| split | paintings | artists |",
            "|---|---:|---:|",
        ]
        lines += [
            f"| {name} | {count['paintings']:,} | {count['artists']:,} |"
            for name, count in self.splits.items()
        ]
        if self.notes:
            lines += section("Notes on reading the source", self.notes, str)
        lines += section("Repaired files", self.repaired, finding_line)
        lines += section("Unreadable and not repaired", self.unreadable, finding_line)
        lines += section("Rows whose file was not found", self.missing, finding_line)
        lines += section("Damaged files that still decode (excluded)", self.damaged, finding_line)
        lines += section(
            "Files of another size than the source states (kept)", self.other_size, finding_line
        )
        lines += section("Files that no row names (ignored)", self.unnamed, str)
        lines += section("Files that several rows name (first row kept)", self.repeated, str)
        lines += section("Contested attributions (all excluded)", self.contested, work_line)
        lines += section("Duplicates by one artist (one kept)", self.duplicates, work_line)
        lines += section(
            "Labels that name no certain artist (excluded)",
            self.labels.items(),
            lambda label: f"{label[0]}: {counted(label[1], 'painting')}",
        )
        return "\n".join(lines) + "\n"


def section(title: str, entries: Iterable[Any], line: Callable[[Any], str]) -> list[str]:
    """Return the lines of one list of a report, its length in the heading."""
    entries = list(entries)
    shown = [f"- {line(entry)}" for entry in entries[:SHOWN]]
    if len(entries) > SHOWN:
        shown.append(f"- and {len(entries) - SHOWN:,} more, all in prepare-report.json")
    return ["", f"## {title}: {len(entries):,}", "", *(shown or ["None."])]


def finding_line(finding: Finding) -> str:
    """Return one finding as text."""
    return f"{finding.painting_id}: {finding.what}"


def work_line(work: SameWork) -> str:
    """Return one work and its copies as text."""
    copies = [
        f"{painting} ({artist}, {title or 'no title'})"
        for painting, artist, title in zip(work.paintings, work.artists, work.titles, strict=True)
    ]
    kept = f"; kept {work.kept}" if work.kept else ""
    return " = ".join(copies) + kept
