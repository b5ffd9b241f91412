"""Conditions on a gallery's columns: "artist=Claude Monet", "date>=1880", "title~garden".

Each is read once into a `Condition`, which SQLite evaluates as an expression (`sql_condition`) and
other engines through `Condition.holds`; both mean the same for every work.
"""

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from samehand.catalogue.dates import parse_date
from samehand.catalogue.facts import FACTS
from samehand.catalogue.headings import meaning_of
from samehand.errors import GalleryError
from samehand.files import is_text, printable
from samehand.gallery.works import FIELDS

COLUMNS = ("path", *FIELDS, "sha256", "added")
"""The columns every work has; others come from `Work.extra`."""

_EXACT = frozenset({"path", "sha256", "added"})

_CONDITION = re.compile(r"\s*([^=!~<>]+?)\s*(!=|>=|<=|==|=|~)(.*)", re.DOTALL)
_NUMBER = re.compile(r"\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition, read.

    Attributes:
        columns: Where its text is; of several, the first that is known counts.
        operator: "~", "=", "!=", ">=" or "<=".
        value: What the text is compared with; "" after = or != means unknown.
        exact: Whether = and != compare letter case, too.
        number: What a number or year is compared with, for >= and <=.
        years: Where the year that a date allows is stated; empty for other columns.
    """

    columns: tuple[str, ...]
    operator: str
    value: str
    exact: bool = False
    number: float = 0.0
    years: tuple[str, ...] = ()

    @property
    def reads(self) -> tuple[str, ...]:
        """Every column that decides it."""
        return self.columns + self.years

    def holds(self, value_of: Callable[[str], str | None]) -> bool:
        """Return whether a work meets it.

        Args:
            value_of: From a column to the work's text there, or None where it is unknown.
        """
        text = _first(value_of, self.columns)
        if self.operator in (">=", "<="):
            number = None if text is None else self._number(text, value_of)
            if number is None:
                return False
            return number >= self.number if self.operator == ">=" else number <= self.number
        if self.operator == "~":
            return text is not None and (plain(self.value) or "") in (plain(text) or "")
        if not self.value:
            same = text is None
        elif self.exact or text is None:
            same = text == self.value
        else:
            same = text.casefold() == self.value.casefold()
        return same == (self.operator == "=")

    def _number(self, text: str, value_of: Callable[[str], str | None]) -> float | None:
        if not self.years:
            return _leading_number(text)
        stated = _first(value_of, self.years)
        if stated is not None:
            return _leading_number(stated)
        return parse_date(text)[0 if self.operator == ">=" else 1]


def read_conditions(where: Sequence[str], extra: Sequence[str]) -> list[Condition]:
    """Read conditions.

    `=` and `!=` compare text whatever its case, `==` compares it exactly (nothing after them means
    unknown), `~` looks for a part of the text whatever its case and accents, `>=` and `<=` compare
    numbers. For a date they compare years: the first that it allows is at least, or the last at
    most, the one given, so "c. 1870" (1865 to 1875) is `date>=1865` and not `date>=1870`. A column
    of a table may also be called by any of its names in `headings.SYNONYMS`.

    Args:
        where: The conditions.
        extra: The columns beyond `COLUMNS` that the gallery has.

    Raises:
        GalleryError: A condition cannot be understood, or names a column that is not there.
    """
    return [_read(text, extra) for text in ([where] if isinstance(where, str) else where)]


@lru_cache(maxsize=65_536)
def plain(text: str | None) -> str | None:
    """Return a text as a search reads it: without case, and with accents taken off letters."""
    if text is None:
        return None
    parts = unicodedata.normalize("NFKD", str(text).casefold())
    return "".join(letter for letter in parts if not unicodedata.combining(letter))


def sql_condition(where: Sequence[str], extra: Sequence[str]) -> tuple[str, list[str | float]]:
    """Return an SQL expression, and its parameters, that holds where every condition does.

    Args:
        where: As for `read_conditions`.
        extra: The columns beyond `COLUMNS` that the gallery has.

    Raises:
        GalleryError: A condition cannot be understood, or names a column that is not there.
    """
    parts, values = ["1"], list[str | float]()
    for one in read_conditions(where, extra):
        expression, negated = _expression(one.columns), "NOT " if one.operator == "!=" else ""
        if one.operator in (">=", "<="):
            number = f"CAST({expression} AS REAL)"
            if one.years:
                read = "first" if one.operator == ">=" else "last"
                number = f"coalesce(CAST({_expression(one.years)} AS REAL), {read}_year(date))"
            parts.append(f"({expression} IS NOT NULL AND {number} {one.operator} ?)")
            values.append(one.number)
        elif one.operator == "~":
            parts.append(f"instr(plain({expression}), plain(?)) > 0")
            values.append(one.value)
        elif not one.value:
            parts.append(f"{expression} IS {negated}NULL")
        elif one.exact:
            parts.append(f"{expression} IS {negated}?")
            values.append(one.value)
        else:
            parts.append(f"fold({expression}) IS {negated}?")
            values.append(one.value.casefold())
    return " AND ".join(parts), values


def _read(text: str, extra: Sequence[str]) -> Condition:
    if not is_text(text):
        raise GalleryError(f"{printable(text)} is not UTF-8, and so nothing in a gallery can be it")
    match = _CONDITION.fullmatch(text)
    if match is None:
        raise GalleryError(
            f"{text!r} is not a condition; write column=value, column!=value, "
            "column==exact value, column~part, column>=number or column<=number"
        )
    column, operator, value = match.groups()
    columns = _columns(column, extra)
    if operator in (">=", "<="):
        years: tuple[str, ...] = ()
        if column == "date":
            years = _columns("date_from" if operator == ">=" else "date_to", extra)
        return Condition(columns, operator, value, number=_compared(text, value), years=years)
    exact = operator == "==" or (column in _EXACT and operator != "~")
    return Condition(columns, "=" if operator == "==" else operator, value, exact=exact)


def _columns(column: str, extra: Sequence[str]) -> tuple[str, ...]:
    """Return the columns that a name means, of which the first known value counts."""
    if column in COLUMNS:
        return (column,)
    meaning = meaning_of(column)
    if meaning in FIELDS and column not in extra:
        return (meaning,)
    # A gallery from before may have "inventory number" where a later one has "accession_number".
    same = [name for name in extra if meaning in FACTS and meaning_of(name) == meaning]
    names = dict.fromkeys([column, *same] if column in extra or column in FACTS else same)
    if names:
        return tuple(names)
    known = ", ".join((*COLUMNS, *extra))
    raise GalleryError(f"the gallery has no column {column!r}; it has {known}")


def _expression(columns: Sequence[str]) -> str:
    found = [name if name in COLUMNS else _extracted(name) for name in columns]
    return f"coalesce({', '.join(found)})" if len(found) > 1 else found[0]


def _extracted(name: str) -> str:
    # The name is one that the gallery holds, but may have quotes in it all the same.
    quoted = name.replace("'", "''").replace('"', '\\"')
    return f"json_extract(extra, '$.\"{quoted}\"')"


def _first(value_of: Callable[[str], str | None], columns: Sequence[str]) -> str | None:
    return next((text for name in columns if (text := value_of(name)) is not None), None)


def _leading_number(text: str) -> float:
    """Return the number that a text begins with, else 0, as SQLite's CAST does."""
    match = _NUMBER.match(text)
    return float(match[1]) if match else 0.0


def _compared(condition: str, text: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise GalleryError(
            f"{condition!r} compares with {text!r}, which is not a number"
        ) from error
