"""What may be believed: attribution labels, free text, and files that decode but are damaged."""

import re
import unicodedata

NOTHING = frozenset({"", "?", "-", "n/a", "na", "nan", "none", "null", "unknown"})

NOBODY = re.compile(
    r"""(an?\s+)?(unknown|anonymous|anonymus|anon\.?|unidentified)(\s.*)?
    | (artist|painter|maker|author|creator|photographer)\s+(unknown|unidentified|not\s+known)
    | (various|several|multiple|no|not\s+known)(\s+(artists?|painters?|makers?))?
    | [\w-]+(ish|ian|ean|ese|ine|utch|ench)\s+school\b.*
    """,
    re.IGNORECASE | re.VERBOSE,
)
"""Labels that name nobody: "unknown", "Anonymous Flemish master", "Venetian school"."""

HEDGE = r"""(
      (an?\s+|the\s+|in\s+the\s+|from\s+the\s+|by\s+an?\s+)?
      (circle|followers?|workshop|studio|atelier|school|style|manner|imitators?|cop(y|ies)|
       copyists?|pupils?|students?|assistants?|associates?|entourage)\s+(of|after)\b
    | after\b(?=\s)
    | cop(y|ies)\s+after\b
    | (attributed|attrib\.?|attr\.?|ascribed|given)\s+to\b
    | (possibly|probably|perhaps|presumably|attributed)\b
    )"""

UNCERTAIN = re.compile(
    rf"""{HEDGE}\s*\S.*
    | .*\S\s*[,;(\[]\s*(by\s+)?
        ({HEDGE}|attributed|attrib\.?|attr\.?|after|circle|follower|workshop|studio|school|copy)
        [^,;(]*
    | .*\S\s+(and|&|with)\s+(his\s+|her\s+)?(workshop|studio|circle|school|assistants?|pupils?)
    | .*\?\s*[)\]]?
    """,
    re.IGNORECASE | re.VERBOSE,
)
"""Labels that hedge: "after Rembrandt", "Rembrandt (workshop of)", "Rubens and studio"."""

NO_ARTIST = "no artist"


def clean_text(text: str | None) -> str | None:
    """Return `text` in Unicode NFC with single spaces, or None where it says nothing."""
    if text is None:
        return None
    tidy = " ".join(unicodedata.normalize("NFC", text).split())
    return None if tidy.lower() in NOTHING else tidy


def clean_date(text: str | None) -> str | None:
    """Return a date as written, without the ".0" that a table of floats gives to years."""
    tidy = clean_text(text)
    return None if tidy is None else re.sub(r"^(\d{1,4})\.0$", r"\1", tidy)


def judge_attribution(label: str | None) -> tuple[str | None, str | None]:
    """Return who made a painting and, where nobody can say, why it is excluded.

    Only labels that hedge or name nobody are refused. A hedge must be the phrase that cataloguers
    write ("circle of", "after ..."), so "Afterman" and "Circle Jones" are names.

    Args:
        label: The artist as catalogued.

    Returns:
        The artist and None, or None and the reason.
    """
    tidy = clean_text(label)
    if tidy is None or NOBODY.fullmatch(tidy):
        return None, NO_ARTIST
    if UNCERTAIN.fullmatch(tidy):
        return None, f"uncertain attribution: {tidy}"
    return tidy, None


def jpeg_is_cut(data: bytes) -> bool:
    """Return whether a JPEG lacks its end.

    Decoders fill what is missing with grey and raise nothing when the tail was overwritten rather
    than cut off, so the end marker is looked for after the first scan begins (ITU-T T.81, B.1.1.2
    and B.2: within a scan, 0xFF is followed by 0x00 or a restart marker, so that FF D9 can only be
    the end).

    Args:
        data: A file's bytes; what is not a JPEG stays whole.
    """
    if not data.startswith(b"\xff\xd8"):
        return False
    position = 2
    # Segments are stepped over by their lengths, since an embedded preview has an end of its own.
    while data[position : position + 1] == b"\xff" and data[position + 1 : position + 2] != b"\xda":
        fill = data[position + 1 : position + 2] == b"\xff"
        length = int.from_bytes(data[position + 2 : position + 4], "big")
        position += 1 if fill else 2 + length
    scan = data.find(b"\xff\xda", position)
    return scan < 0 or data.find(b"\xff\xd9", scan) < 0
