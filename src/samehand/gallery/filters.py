"""Conditions on a gallery's columns: "artist=Claude Monet", "date>=1880", "title~garden"."""

import re
from collections.abc import Sequence

from samehand.catalogue.facts import FACTS
from samehand.catalogue.headings import meaning_of
from samehand.errors import GalleryError
from samehand.gallery.works import FIELDS

COLUMNS = ("path", *FIELDS, "sha256", "added")
"""The columns every work has; others come from `Work.extra`."""

_EXACT = frozenset({"path", "sha256", "added"})

_CONDITION = re.compile(r"\s*([^=!~<>]+?)\s*(!=|>=|<=|==|=|~)(.*)", re.DOTALL)


def sql_condition(where: Sequence[str], extra: Sequence[str]) -> tuple[str, list[str | float]]:
    """Return an SQL expression, and its parameters, that holds where every condition does.

    `=` and `!=` compare text whatever its case, `==` compares it exactly (nothing after them means
    unknown), `~` looks for a part of the text whatever its case and
    accents, `>=` and `<=` compare numbers. For a date they
    compare years: the first that it allows is at least, or the last at most, the one given, so
    "c. 1870" (1865 to 1875) is `date>=1865` and not `date>=1870`. A column of a table may also be
    called by any of its names in `headings.SYNONYMS`.

    Args:
        where: The conditions.
        extra: The columns beyond `COLUMNS` that the gallery has.

    Raises:
        GalleryError: A condition cannot be understood, or names a column that is not there.
    """
    parts, values = ["1"], list[str | float]()
    for condition in [where] if isinstance(where, str) else where:
        match = _CONDITION.fullmatch(condition)
        if match is None:
            raise GalleryError(
                f"{condition!r} is not a condition; write column=value, column!=value, "
                "column==exact value, column~part, column>=number or column<=number"
            )
        column, operator, value = match.groups()
        expression = _expression(column, extra)
        if operator in (">=", "<="):
            number = f"CAST({expression} AS REAL)"
            if column == "date":
                stated, read = ("date_from", "first") if operator == ">=" else ("date_to", "last")
                known = _expression(stated, extra)
                number = f"coalesce(CAST({known} AS REAL), {read}_year(date))"
            parts.append(f"({expression} IS NOT NULL AND {number} {operator} ?)")
            values.append(_number(condition, value))
        elif operator == "~":
            parts.append(f"instr(plain({expression}), plain(?)) > 0")
            values.append(value)
        elif not value:
            parts.append(f"{expression} IS {'NOT ' if operator == '!=' else ''}NULL")
        elif operator == "==" or column in _EXACT:
            parts.append(f"{expression} IS {'NOT ' if operator == '!=' else ''}?")
            values.append(value)
        else:
            parts.append(f"fold({expression}) IS {'NOT ' if operator == '!=' else ''}?")
            values.append(value.casefold())
    return " AND ".join(parts), values


def _expression(column: str, extra: Sequence[str]) -> str:
    if column in COLUMNS:
        return column
    meaning = meaning_of(column)
    if meaning in FIELDS and column not in extra:
        return meaning
    # A gallery from before may have "inventory number" where a later one has "accession_number".
    same = [name for name in extra if meaning in FACTS and meaning_of(name) == meaning]
    names = dict.fromkeys([column, *same] if column in extra or column in FACTS else same)
    if names:
        found = ", ".join(map(_extracted, names))
        return f"coalesce({found})" if len(names) > 1 else found
    known = ", ".join((*COLUMNS, *extra))
    raise GalleryError(f"the gallery has no column {column!r}; it has {known}")


def _extracted(name: str) -> str:
    # The name is one that the gallery holds, but may have quotes in it all the same.
    quoted = name.replace("'", "''").replace('"', '\\"')
    return f"json_extract(extra, '$.\"{quoted}\"')"


def _number(condition: str, text: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise GalleryError(
            f"{condition!r} compares with {text!r}, which is not a number"
        ) from error
