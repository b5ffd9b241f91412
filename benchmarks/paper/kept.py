"""Rows of a page that a run did not measure: they stay, and the page says since when.

A shipped model can so be measured anew from cached embeddings, without the minutes to hours that
the other methods take.
"""

import re

_RUN = re.compile(r"^Measured on (\d{4}-\d\d-\d\d)", re.MULTILINE)
_OLD = re.compile(r"^Not measured again.*?: (.*)\.$", re.MULTILINE)
_DATED = re.compile(r"([^;]+?) \((\d{4}-\d\d-\d\d)\)(?:; |$)")
_BULLET = re.compile(r"- \*\*(.+?)\*\*: ")


def with_kept_rows(new: str, old: str) -> str:
    """Return new tables with the rows of old ones that they lack.

    Rows are told by their first cell, tables and lists of systems by the heading above them. What
    is kept stands where it stood; what is new comes last.

    Args:
        new: Markdown of a run, with a line "Measured on DATE".
        old: Markdown of an earlier one.

    Returns:
        `new`, with a line at the end of its head: which rows were kept, and of when.
    """
    fresh, earlier = dict(_sections(new)), dict(_sections(old))
    known: dict[str, None] = {}
    parts = []
    for heading in _in_order(fresh, earlier):
        merged, kept = _merged(fresh.get(heading, ""), earlier.get(heading, ""))
        if heading.startswith("## "):
            known |= dict.fromkeys(kept)
        parts.append(f"{heading}{merged}")
    text = "".join(parts)
    found = _RUN.search(text)
    if not known or found is None:
        return text
    run = _RUN.search(old)
    since = {
        name.strip(): date for line in _OLD.findall(old) for name, date in _DATED.findall(line)
    }
    dated = [f"{one} ({since.get(one) or (run[1] if run else 'earlier')})" for one in known]
    note = f"Not measured again, so that their rows stand as they were: {'; '.join(dated)}."
    head = _sections(text)[0][1]
    return f"{head.rstrip()}\n\n{note}\n\n{text[len(head) :]}"


def _sections(text: str) -> list[tuple[str, str]]:
    """Return headings of the second level and below, each with what stands beneath."""
    parts = re.split(r"^(#{2,} .*\n)", text, flags=re.MULTILINE)
    return [("", parts[0]), *zip(parts[1::2], parts[2::2], strict=True)]


def _in_order(new: dict[str, str], old: dict[str, str]) -> list[str]:
    """Return the headings of new sections and, in their place, those of old lists of pairs."""
    lists = sorted(title for title in {**old, **new} if title.startswith("## ("))
    others = [title for title in new if title not in lists]
    return [*others[:1], *lists, *others[1:]]


def _merged(new: str, old: str) -> tuple[str, list[str]]:
    """Return a section with the rows of an older one, and the names of those.

    A table with other columns than before starts anew.
    """
    head, rows, tail = _rows(new)
    other, before, _ = _rows(old)
    if not new:
        return old, list(before)
    kept = [name for name in before if name not in rows]
    if not rows or not kept or head[-2:] != other[-2:]:
        return new, []
    lines = [rows.get(name, line) for name, line in before.items()]
    lines += [line for name, line in rows.items() if name not in before]
    return "".join([*head, *lines, *tail]), kept


def _rows(text: str) -> tuple[list[str], dict[str, str], list[str]]:
    """Return what stands above the rows of a section's table of systems, those, and the rest."""
    lines = text.splitlines(keepends=True)
    titles = [i for i, line in enumerate(lines) if line.startswith("| system |")]
    start = titles[0] + 2 if titles else 0
    if not titles:
        bullets = [i for i, line in enumerate(lines) if _BULLET.match(line)]
        if not bullets:
            return lines, {}, []
        start = bullets[0]
    end = start
    rows = {}
    while end < len(lines) and (name := _name(lines[end])):
        rows[name] = lines[end]
        end += 1
    return lines[:start], rows, lines[end:]


def _name(line: str) -> str:
    if line.startswith("| "):
        return line.split("|")[1].strip()
    bullet = _BULLET.match(line)
    return bullet[1] if bullet else ""
