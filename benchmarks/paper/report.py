"""A benchmark as files: JSON for machines, Markdown for people, and a part of a page of theirs."""

import datetime
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.paper.kept import with_kept_rows
from benchmarks.paper.mistakes import Mistakes
from benchmarks.paper.run import Benchmark, Difference
from benchmarks.paper.systems import OURS, SERVED, WITHIN
from samehand.errors import OutputError
from samehand.evaluation.evaluate import Result
from samehand.evaluation.report import COLUMNS, without_nan
from samehand.files import sha256_file, write_text
from samehand.versions import versions

BEGIN = "<!-- samehand benchmark: begin -->"
END = "<!-- samehand benchmark: end -->"

_COLUMNS = {name: title for name, title in COLUMNS.items() if name != "fnmr_at_fmr0_1"}
_LOST = ("auc", "balanced_accuracy", "fnmr_at_fmr1", "cllr")

_TABLES = (
    ("a", "unseen", "all", "Unseen artists, all pairs"),
    ("b", "unseen", "same style", "Unseen artists, pairs of one style"),
    ("c", "seen", "all", "Seen artists, unseen paintings"),
    ("d", "submission", "all", "The competition's pairs"),
    ("e", "recaptured", "all", "The pairs of (a), one side photographed anew"),
    ("f", "natural", "all", "Another collection"),
)


def write_benchmark(
    found: Benchmark,
    mistakes: Mistakes,
    out: Path,
    *,
    command: str,
    models: Sequence[str],
    page: Path | None,
) -> str:
    """Write benchmark.json and benchmark.md into the folder `out`, and return the Markdown.

    Args:
        found: What was measured.
        mistakes: What the model gets most wrong.
        out: The benchmark's folder.
        command: The command line that made the figures.
        models: Identities of the measured models.
        page: A Markdown file that holds the lines `BEGIN` and `END`; what stands between them is
            replaced by the tables, but for rows of systems that were not measured, which are
            kept. None for no such page.

    Raises:
        OutputError: A file cannot be written, or `page` lacks those lines.
    """
    tables = markdown_tables(found, mistakes, command=command, models=models)
    text = None if page is None else _with_tables(page, tables)
    write_text(out / "benchmark.json", _json(found, mistakes, command, models))
    write_text(out / "benchmark.md", f"# Benchmark\n\n{tables}")
    if page is not None and text is not None:
        write_text(page, text)
    return tables


def markdown_tables(
    found: Benchmark, mistakes: Mistakes, *, command: str, models: Sequence[str]
) -> str:
    """Return everything that was found as Markdown sections, two levels down."""
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    lines = [
        f"Measured on {today}: {' and '.join(f'`{one}`' for one in models)}. Seed {found.seed}, "
        f"{found.replicates:,} bootstrap draws. Made by",
        "",
        "<!-- not run: needs the Painter by Numbers data -->",
        "```bash",
        command,
        "```",
        "",
    ]
    for letter, task, stratum, title in _TABLES:
        lines += _table(found, letter, task, stratum, title)
    for served in found.served:
        lines += _lead_table(found, served)
    lines += _loss_table(found)
    lines += [f"- {sentence}" for sentence in found.left_out]
    lines += ["", "## Systems", ""]
    lines += [f"- **{row.name}**: {row.what}" for row in found.systems]
    lines += ["", *_protocol_table(found), *_mistakes(found, mistakes)]
    return "\n".join(lines).rstrip() + "\n"


def _table(found: Benchmark, letter: str, task: str, stratum: str, title: str) -> list[str]:
    rows = [
        (row.name, found.cached[task, row.name].result(stratum))
        for row in found.systems
        if (task, row.name) in found.cached
    ]
    measured = [(name, result) for name, result in rows if result is not None]
    if not measured:
        return []
    first = measured[0][1]
    return [
        f"## ({letter}) {title}",
        "",
        f"{first.pairs:,} pairs, {first.genuine:,} of them genuine, by {first.artists:,} artists.",
        "",
        f"| system | {' | '.join(_COLUMNS.values())} |",
        f"|---|{'---|' * len(_COLUMNS)}",
        *(_row(name, result) for name, result in measured),
        "",
    ]


def _row(name: str, result: Result) -> str:
    cells = [
        f"{getattr(result.metrics, column):.3f} {_span(result.intervals[column])}"
        for column in _COLUMNS
    ]
    return f"| {name} | {' | '.join(cells)} |"


def _span(ends: tuple[float, float], form: str = ".3f") -> str:
    return f"[{ends[0]:{form}}, {ends[1]:{form}}]"


def _lead_table(found: Benchmark, served: str) -> list[str]:
    name = served.removesuffix(SERVED)
    asked = [
        (f"({letter})", served, task, stratum)
        for letter, task, stratum, _ in _TABLES
        if found.lead(served, served, task, stratum) is not None
    ]
    within = f"{name}{WITHIN}"
    if found.lead(within, served, "unseen", "same style") is not None:
        asked.insert(2, ("(b), its second ratio", within, "unseen", "same style"))
    lines = [
        f"### How far ahead {name} is",
        "",
        f"AUC of {served}, less that of each other method, on the same draws of artists: an "
        "interval above 0 shows that it is better, also where those above overlap.",
        "",
        f"| system | {' | '.join(title for title, *_ in asked)} |",
        f"|---|{'---|' * len(asked)}",
    ]
    for row in found.systems:
        if row.name.startswith(OURS) or row.name in (served, within):
            continue
        if row.name.endswith(WITHIN):
            continue
        cells = []
        for _, ahead, task, stratum in asked:
            lead = found.lead(ahead, row.name, task, stratum)
            cells.append(_change(lead, "auc"))
        lines.append(f"| {row.name} | {' | '.join(cells)} |")
    return [*lines, ""]


def _change(difference: Difference | None, metric: str) -> str:
    if difference is None:
        return "-"
    return f"{difference.metrics[metric]:+.3f} {_span(difference.intervals[metric], '+.3f')}"


def _loss_table(found: Benchmark) -> list[str]:
    losses = {row.name: loss for row in found.systems if (loss := found.loss(row.name))}
    if not losses:
        return []
    lines = [
        "### Lost from (a) to (e)",
        "",
        "Figures of (a) less those of (e), on the same draws of artists: AUC and balanced accuracy "
        "lose where they are above 0, FNMR and Cllr where they are below.",
        "",
        f"| system | {' | '.join(_COLUMNS[name] for name in _LOST)} |",
        f"|---|{'---|' * len(_LOST)}",
    ]
    for name, loss in losses.items():
        lines.append(f"| {name} | {' | '.join(_change(loss, metric) for metric in _LOST)} |")
    return [*lines, ""]


def _protocol_table(found: Benchmark) -> list[str]:
    lines = [
        "## Protocols",
        "",
        "| task | pairs | genuine | paintings | artists | content hash | skipped rows |",
        "|---|---:|---:|---:|---:|---|---|",
    ]
    for task in found.tasks:
        header = task.header
        skipped = header.options.get("skipped", {})
        told = ", ".join(f"{count:,} {reason}" for reason, count in skipped.items() if count)
        lines.append(
            f"| {task.name} | {header.pairs:,} | {header.genuine:,} | {header.paintings:,} | "
            f"{header.artists:,} | `{header.content_hash[:16]}` | {told or 'none'} |"
        )
    return [*lines, ""]


def _mistakes(found: Benchmark, mistakes: Mistakes) -> list[str]:
    lines = [
        "## Most wrong",
        "",
        f"Of (a), by {found.systems[-1].name}. Cost: mean of the Cllr terms of an artist's genuine "
        "and of its impostor pairs; missed: genuine pairs with a likelihood ratio below 1; "
        "accepted: impostor pairs with one of 1 or more; the rival is the artist who is accepted "
        "most often.",
        "",
        "| artist | paintings | styles | years | cost | missed | accepted | rival |",
        "|---|---:|---|---|---:|---:|---:|---|",
    ]
    for artist in mistakes.artists:
        years = "unknown" if artist.years is None else f"{artist.years[0]}-{artist.years[1]}"
        lines.append(
            f"| {artist.artist} | {artist.paintings} | {', '.join(artist.styles) or 'unknown'} | "
            f"{years} | {artist.cllr:.2f} | {artist.missed:.0%} | {artist.accepted:.0%} | "
            f"{artist.rival} ({artist.rival_accepted:.0%}) |"
        )
    lines += [
        "",
        "Pairs: the impostors with the highest and the genuine pairs with the lowest scores, one "
        "for each pair of artists.",
        "",
        "| | truth | llr | left | right | what the records say |",
        "|---:|---|---:|---|---|---|",
    ]
    for place, pair in enumerate(mistakes.pairs, start=1):
        truth = "one artist" if pair.same else "two artists"
        lines.append(
            f"| {place} | {truth} | {pair.llr:+.2f} | {_cell(mistakes.records[pair.left])} | "
            f"{_cell(mistakes.records[pair.right])} | {'; '.join(pair.hints)} |"
        )
    return lines


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _json(found: Benchmark, mistakes: Mistakes, command: str, models: Sequence[str]) -> str:
    facts: dict[str, Any] = {
        "command": command,
        "models": list(models),
        "seed": found.seed,
        "replicates": found.replicates,
        "versions": versions(),
        "systems": [{"name": one.name, "what": one.what, "key": one.key} for one in found.systems],
        "tasks": [
            asdict(task.header)
            | {
                "task": task.name,
                "catalogue_file_sha256": sha256_file(task.folder / "catalogue.parquet"),
            }
            for task in found.tasks
        ],
        "results": [
            asdict(result) | {"task": task}
            for (task, _), cached in found.cached.items()
            for result in cached.results
        ],
        "lost_to_recapture": {
            row.name: asdict(loss)
            for row in found.systems
            if (loss := found.loss(row.name)) is not None
        },
        "left_out": found.left_out,
        "mistakes": asdict(mistakes),
    }
    return json.dumps(without_nan(facts), indent=1, allow_nan=False, ensure_ascii=False) + "\n"


def _with_tables(page: Path, tables: str) -> str:
    """Return the text of a page with other tables in it, and the rows that those lack."""
    try:
        text = page.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise OutputError(f"cannot read {page}; name a Markdown file with --page") from error
    head, begin, rest = text.partition(BEGIN)
    old, end, tail = rest.partition(END)
    if not begin or not end:
        raise OutputError(
            f"{page} lacks the lines {BEGIN} and {END}; write them where the tables belong"
        )
    return f"{head}{BEGIN}\n\n{with_kept_rows(tables, old)}\n{END}{tail}"
