"""Conditions on a gallery's columns: "artist=Claude Monet", "date>=1880", "title~garden"."""

import re
from collections.abc import Sequence

from samehand.errors import GalleryError
from samehand.serving.gallery.works import FIELDS

COLUMNS = ("path", *FIELDS, "sha256", "added")
"""The columns every work has; others come from `Work.extra`."""

_CONDITION = re.compile(r"\s*([^=!~<>]+?)\s*(!=|>=|<=|=|~)(.*)", re.DOTALL)


def sql_condition(where: Sequence[str], extra: Sequence[str]) -> tuple[str, list[str | float]]:
    """Return an SQL expression, and its parameters, that holds where every condition does.

    `=` and `!=` compare text exactly (nothing after them means unknown), `~` looks for a part of
    the text whatever its case, `>=` and `<=` compare numbers, such as the year a date begins with.

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
                f"{condition!r} is no condition; write column=value, column!=value, "
                "column~part, column>=number or column<=number"
            )
        column, operator, value = match.groups()
        expression = _expression(column, extra)
        if operator in (">=", "<="):
            parts.append(f"({expression} IS NOT NULL AND CAST({expression} AS REAL) {operator} ?)")
            values.append(_number(condition, value))
        elif operator == "~":
            parts.append(f"instr(fold({expression}), fold(?)) > 0")
            values.append(value)
        elif not value:
            parts.append(f"{expression} IS {'' if operator == '=' else 'NOT '}NULL")
        else:
            parts.append(f"{expression} IS {'' if operator == '=' else 'NOT '}?")
            values.append(value)
    return " AND ".join(parts), values


def _expression(column: str, extra: Sequence[str]) -> str:
    if column in COLUMNS:
        return column
    if column in extra:
        # The name is one that the gallery holds, but may have quotes in it all the same.
        quoted = column.replace("'", "''").replace('"', '\\"')
        return f"json_extract(extra, '$.\"{quoted}\"')"
    known = ", ".join((*COLUMNS, *extra))
    raise GalleryError(f"the gallery has no column {column!r}; it has {known}")


def _number(condition: str, text: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise GalleryError(f"{condition!r} compares with {text!r}, which is no number") from error
