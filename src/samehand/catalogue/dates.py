"""Dates as catalogues write them, read into the first and last year they allow.

Read in English, German, French, Italian, Dutch and Spanish. Years before Christ are negative and
there is no year 0, as on museum labels (-300 is 300 BCE). Conventions: "c. 1870" is five years
either side; "early", "mid" and "late" are thirds of a century and halves, or the middle five years,
of a decade; the nineteenth century is 1801 to 1900.
"""

import re
import unicodedata
from typing import NamedTuple

Years = tuple[int | None, int | None]
"""First and last year; None where that end is open or unknown."""

CIRCA = 5
"""How many years "circa" allows either side."""

_HALF = r"(?:half|halfte|moitie|meta|mitad|helft)"
_QUARTER = r"(?:quarter|viertels?|quart|quarto|cuarto|kwart)"
_TERTIAL = r"(?:third|drittels?|tiers|terzo|tercio|derde(?! (?:kwart|quarter)))"
_FIRST = (
    r"(?:1st|first|1\.|1ere|1re|1er|1e|1a|1o|erste[sn]?|premiere?|prim[oa]|primer|primera|eerste)"
)
_SECOND = (
    r"(?:2nd|second|2\.|2eme|2nde|2de|2d|2e|2a|2o|zweite[sn]?|seconde?|deuxieme|second[oa]"
    r"|segund[oa]|tweede)"
)
_THIRD = r"(?:3rd|third|3\.|3eme|3e|3de|3o|dritte[sn]?|troisieme|terzo|tercer|derde)"
_LAST = r"(?:4th|fourth|last|4\.|4e|4o|letzte[sn]?|viertes|dernier|quatrieme|ultimo|laatste|vierde)"

_PARTS = [
    (rf"{_FIRST} {_HALF}", 0, 50),
    (rf"{_SECOND} {_HALF}", 50, 100),
    (rf"{_FIRST} {_QUARTER}", 0, 25),
    (rf"{_SECOND} {_QUARTER}", 25, 50),
    (rf"{_THIRD} {_QUARTER}", 50, 75),
    (rf"{_LAST} {_QUARTER}", 75, 100),
    (rf"{_FIRST} {_TERTIAL}", 0, 33),
    (rf"{_SECOND} {_TERTIAL}", 33, 67),
    (rf"(?:{_THIRD}|{_LAST}) {_TERTIAL}", 66, 100),
    (
        r"early|fruhe[sn]?|anfang|beginn|debut|inizio|inizi|begin|vroege?|principios|comienzos",
        0,
        33,
    ),
    (r"mid|middle|mitte|milieu|meta|midden|mediados", 33, 67),
    (r"late|end|spate[sn]?|ende|fin|fine|einde?|laat|late|finales|fines", 66, 100),
]
_WORDS = [
    (r"not later than|no later than|nicht nach|niet na", "<"),
    (r"not before|not earlier than|nicht vor|ab|vanaf", ">"),
    (r"in or before|in of voor|by|before|not after|vor|avant|prima del|ante|voor|antes de", "<"),
    (r"in or after|in of na|after|nach|apres|post|dopo il|dopo|na|despues de", ">"),
    (r"b\.? ?c\.? ?e\.?|b\. ?c\.|bc|v\. ?chr\.?|av\. ?j\.? ?-? ?c\.?|a\. ?c\.(?! ?\d)", " bce "),
    (r"c\. ?e\.|ce|a\. ?d\.|ad|n\. ?chr\.?|ap\. ?j\.? ?-? ?c\.?|d\. ?c\.", " ce "),
    (r"circa|cca\.?|ca\.?|c\.|c(?=\d)|about|around|um|gegen|etwa|vers|environ|env\.?|verso il|"
     r"verso|omstreeks|hacia|h\.", "~"),
]  # fmt: skip
_ITALIAN = {"duecento": 13, "trecento": 14, "quattrocento": 15, "cinquecento": 16, "seicento": 17,
            "settecento": 18, "ottocento": 19, "novecento": 20}  # fmt: skip

_ORDINAL = r"(?:st|nd|rd|th|eme|de|er|e|\.)?"
_CENTURY = (
    r"(?:century|centuries|cent\b\.?|c\.(?! ?\d)|jahrhunderts?|jhdt?s?\b\.?|jhs?\b\.?|siecles?"
    r"|eeuw|secolo|sec\b\.?|s\.)"
)
_SEPARATOR = r"\s*(?:-|/|,|\bor\b|\bto\b|\bbis\b|\boder\b|\bou\b|\bof\b|\bo\b|\band\b)\s*"
_NUMBER = r"(?:\d{1,2}|[ivx]+)"
_POINT = re.compile(
    r"""(?P<circa>~)?\s*(?P<side>[<>])?\s*(?P<late_circa>~)?\s*
    (?:\{(?P<low>\d+),(?P<high>\d+)\})?[\s-]*
    (?:(?:of|the|des|der|den|du|de|del|della|dell'|van|het|von|il|le|l')\s*)*
    (?P<ad>\bce\s+)?
    (?:\#(?P<century>\d+)\#|(?P<decade>\d{3}0)s|(?P<year>\d{1,4}))(?!\d)
    (?:\s*(?P<after_circa>~)(?!\s*\d))?
    (?:\s*(?P<era>bce|ce)\b)?""",
    re.VERBOSE,
)


class _Point(NamedTuple):
    low: int | None
    high: int | None
    circa: bool


def parse_date(text: str | None) -> Years:
    """Read a catalogue's date into the first and last year that it allows.

    Args:
        text: The date as written; None, "n.d." and what cannot be read give (None, None).

    Returns:
        The first and the last year, the first never after the last.
    """
    if text is None:
        return None, None
    marked = _mark(text)
    matches = [m for m in _POINT.finditer(marked) if _is_date(m)]
    bce = [match["era"] == "bce" for match in matches]
    # "500-300 BCE": the era said once at the end holds for both.
    for index in range(len(matches) - 2, -1, -1):
        between = marked[matches[index].end() : matches[index + 1].start()]
        if matches[index]["era"] is None and not matches[index]["ad"] and not between.strip(" -/"):
            bce[index] = bce[index + 1]
    points: list[_Point] = []
    for index, match in enumerate(matches):
        between = marked[matches[index - 1].end() : match.start()] if index else ","
        carried = bool(points) and points[-1].circa and not between.strip(" -/")
        points.append(_read(match, bce[index], carried))
    lows = [point.low for point in points if point.low is not None]
    highs = [point.high for point in points if point.high is not None]
    low, high = min(lows, default=None), max(highs, default=None)
    # "1869-before 1872" ends in 1872, while "before 1872" has no beginning.
    return (low, high) if low is None or high is None or low <= high else (high, low)


def state_years(date: str | None, first: str | None, last: str | None) -> Years:
    """Return the years of a work whose catalogue may have columns for them beside the date.

    Args:
        date: As written.
        first: The cell of a column of first years, which goes before the date's words.
        last: The cell of a column of last years.
    """
    low, high = _year(first, 0), _year(last, 1)
    if low is None and high is None or low is not None and high is not None and low > high:
        return parse_date(date)
    return low, high


def _year(cell: str | None, end: int) -> int | None:
    whole = re.fullmatch(r"\s*([+-]?\d{1,4})(?:\.0)?\s*", cell or "")
    # Catalogues write 0 where they know no year.
    return (int(whole[1]) or None) if whole else parse_date(cell)[end]


def _mark(text: str) -> str:
    """Return the text with its words turned into marks: ~ < > for circa, before, after."""
    plain = unicodedata.normalize("NFKD", text).lower().replace("\u2019", "'")
    plain = "".join(letter for letter in plain if not unicodedata.combining(letter))
    plain = re.sub(r"[\u2010-\u2015\u2212]", "-", plain)
    plain = re.sub(r"\b(\d{4})-\d{2}-\d{2}\b", r"\1", plain)
    plain = re.sub(r"\b\d{1,2}[./]\d{1,2}[./](\d{4})\b", r"\1", plain)
    plain = re.sub(r"\b(?:annees|anni|jaren|anos|decada de)\s+(?:les\s+)?(\d{3}0)\b", r"\1s", plain)
    plain = re.sub(r"\b(\d{3}0)(?:er(?:\s+jahren?)?|'s)\b", r"\1s", plain)
    for word, number in _ITALIAN.items():
        plain = re.sub(rf"\b{word}\b", f"#{number}#", plain)
    for words, low, high in _PARTS:
        plain = re.sub(rf"(?<!\w)(?:{words})(?!\w)\.?", f"{{{low},{high}}}", plain)
    plain = _mark_centuries(plain)
    # "siglo XVII (segunda mitad)", "XVIIIe siècle, 1er quart".
    plain = re.sub(r"(#\d+#)\s*[,(]\s*(?:the\s)?(\{\d+,\d+\})\)?", r"\2 \1", plain)
    # "early to mid-17th century": the first part is of the same century.
    plain = re.sub(
        r"(\{\d+,\d+\})\s*(-|/|to|or|bis)\s*(\{\d+,\d+\}[\s-]*)(#\d+#)", r"\1 \4 \2 \3\4", plain
    )
    plain = re.sub(r"(\d{4})\s*\((?:vers|circa|ca\.?|um|hacia)\)", r"~\1", plain)
    plain = re.sub(r"^\s*(?:bis|until|jusqu'en|tot|hasta)\s+(?=\d)", "<", plain)
    plain = re.sub(r"(\d{3,4}) (?:or later|or after|of later|oder spater|ou apres)", r">\1", plain)
    plain = re.sub(r"(\d{2})(\d0s)(\s*-\s*)(\d0)(?:s|er)\b", r"\1\2\3\1\4s", plain)
    for words, mark in _WORDS:
        plain = re.sub(rf"(?<![\w.])(?:{words})(?![a-z])", mark, plain)
    # "1870-75": the second year borrows what it lacks from the first.
    plain = re.sub(r"(\d{3,4}\s*-\s*\d{3,4})\s*~\s*$", r"~\1", plain)
    return re.sub(
        r"\b(\d{3,4})(\s*[-/]\s*)(\d{1,2})(?![\d\w]|\s*b?ce\b)",
        lambda m: m[1] + m[2] + m[1][: len(m[1]) - len(m[3])] + m[3],
        plain,
    )


def _mark_centuries(plain: str) -> str:
    before = rf"\b(?:siglos?|s\.|secc?\.|secol[oi])\s*(?P<one>{_NUMBER})\b"
    plain = re.sub(
        rf"{before}(?:(?P<between>{_SEPARATOR})(?P<two>[ivx]+)\b)?",
        lambda m: (
            f"#{_number(m['one'])}#" + (f"{m['between']}#{_number(m['two'])}#" if m["two"] else "")
        ),
        plain,
    )
    plain = re.sub(
        rf"(?<![\w])(?P<one>{_NUMBER}){_ORDINAL}(?P<between>{_SEPARATOR})(?P<rest>(?:\{{\d+,\d+\}}\s*)?"
        rf"{_NUMBER}{_ORDINAL}\s*{_CENTURY})",
        lambda m: f"#{_number(m['one'])}#{m['between']}{m['rest']}",
        plain,
    )
    return re.sub(
        rf"(?<![\w])(?P<one>{_NUMBER}){_ORDINAL}[\s-]*{_CENTURY}",
        lambda m: f"#{_number(m['one'])}#",
        plain,
    )


def _number(text: str) -> int:
    if text.isdigit():
        return int(text)
    values = [{"i": 1, "v": 5, "x": 10}[letter] for letter in text]
    return sum(
        -value if value < max(values[index:]) else value for index, value in enumerate(values)
    )


def _is_date(match: re.Match[str]) -> bool:
    """Return whether a number is a year: short ones need an era, lest days of a month be years."""
    if match["century"]:
        return 1 <= int(match["century"]) <= 21
    if match["decade"]:
        return True
    if match["era"] or match["ad"]:
        return int(match["year"]) > 0
    return len(match["year"]) >= 3 and 100 <= int(match["year"]) <= 2100


def _read(match: re.Match[str], bce: bool, carried: bool) -> _Point:
    circa = bool(match["circa"] or match["late_circa"] or match["after_circa"]) or carried
    start, stop = int(match["low"] or 0), int(match["high"] or 100)
    if match["century"]:
        number = int(match["century"])
        first = -100 * number if bce else 100 * (number - 1) + 1
        low, high = first + start, first + stop - 1
    elif match["decade"]:
        first = int(match["decade"])
        tenths = {33: (0, 4), 67: (3, 7), 100: (5, 9) if start else (0, 9)}.get(stop, (0, 9))
        low, high = first + tenths[0], first + tenths[1]
    else:
        low = high = -int(match["year"]) if bce else int(match["year"])
    if circa:
        low, high = low - CIRCA, high + CIRCA
    if match["side"] == "<":
        return _Point(None, high, circa)
    if match["side"] == ">":
        return _Point(low, None, circa)
    return _Point(low, high, circa)
