"""A gallery as Linked Art (https://linked.art/api/1.0/): JSON-LD that museums' systems exchange.

An attribution with a qualifier, and each decision that stands, is an AttributeAssignment: somebody
said so, and when. Types without a number in the Getty's vocabulary have an identifier of our own.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from samehand.gallery.works import FIELDS, StoredWork
from samehand.records import Judgement
from samehand.results import DecidedWork, Decision, Decisions

Node = dict[str, Any]

CONTEXT = "https://linked.art/ns/v1/linked-art.json"

_AAT = "http://vocab.getty.edu/aat/"
_QUALIFIERS = {
    "attributed to": "300404269",
    "workshop of": "300404274",
    "circle of": "300404283",
    "follower of": "300404282",
    "after": "300404286",
}
_LABELS: dict[Judgement, str] = {
    "same": "made by the same hand",
    "different": "made by different hands",
    "unsure": "undecided whether made by the same hand",
}
_SHOWN = frozenset(
    {"accession_number", "artist_id", "qualifier", "attribution", "date_from", "date_to"}
)


def linked_art(name: str, works: Sequence[StoredWork], decided: Decisions) -> Node:
    """Return works and the decisions about them as one JSON-LD document.

    Args:
        name: The gallery's.
        works: Its works; copies of one file become one object.
        decided: Decisions; those are left out that do not stand, or whose works are elsewhere.
    """
    objects = {stored.sha256: _object(name, stored) for stored in reversed(works)}
    for one in decided.decisions:
        if one.stands and one.first.sha256 in objects:
            assigned = objects[one.first.sha256].setdefault("attributed_by", [])
            assigned.append(_assignment(one))
    order = dict.fromkeys(stored.sha256 for stored in works)
    return {"@context": CONTEXT, "@graph": [objects[digest] for digest in order]}


def _object(gallery: str, stored: StoredWork) -> Node:
    work, extra = stored.work, stored.work.extra
    title = work.title or Path(work.path).name
    names: list[Node] = [
        {"type": "Name", "content": title, "classified_as": [_aat("300404670", "Primary Name")]}
    ]
    if number := extra.get("accession_number"):
        kind = _aat("300312355", "Accession Number")
        names.append({"type": "Identifier", "content": number, "classified_as": [kind]})
    said = {one: getattr(work, one) for one in FIELDS if one not in ("artist", "title", "date")}
    said |= {column: text for column, text in extra.items() if column not in _SHOWN}
    shown = {
        "type": "VisualItem",
        "digitally_shown_by": [
            {
                "type": "DigitalObject",
                "access_point": [
                    {"id": Path(work.path).absolute().as_uri(), "type": "DigitalObject"}
                ],
            }
        ],
    }
    found: Node = {
        "id": _work(stored.sha256),
        "type": "HumanMadeObject",
        "_label": title,
        "classified_as": [
            _aat("300033618", "Painting") | {"classified_as": [_aat("300435443", "Type of Work")]}
        ],
        "identified_by": names,
        "referred_to_by": [
            {"type": "LinguisticObject", "content": text, "classified_as": [_own("column", column)]}
            for column, text in said.items()
            if text
        ],
        "representation": [shown],
        "member_of": [{"id": _id("gallery", gallery), "type": "Set", "_label": gallery}],
    }
    if work.artist or work.date:
        found["produced_by"] = _production(stored)
    return {key: value for key, value in found.items() if value}


def _production(stored: StoredWork) -> Node:
    work, extra = stored.work, stored.work.extra
    made: Node = {"type": "Production"}
    if work.date:
        span: Node = {"type": "TimeSpan", "_label": work.date}
        if first := extra.get("date_from"):
            span["begin_of_the_begin"] = f"{int(first):04}-01-01T00:00:00Z"
        if last := extra.get("date_to"):
            span["end_of_the_end"] = f"{int(last):04}-12-31T23:59:59Z"
        made["timespan"] = span
    if not work.artist:
        return made
    person = _person(work.artist, extra.get("artist_id"))
    qualifier = extra.get("qualifier")
    if qualifier is None:
        return made | {"carried_out_by": [person]}
    known = _QUALIFIERS.get(qualifier)
    kind = _aat(known, qualifier) if known else _own("qualifier", qualifier)
    return made | {
        "attributed_by": [
            {
                "type": "AttributeAssignment",
                "_label": extra.get("attribution") or f"{qualifier} {work.artist}",
                "classified_as": [kind],
                "assigned": [person],
                # Only who may have made it himself is assigned as who carried it out.
                "assigned_property": "carried_out_by"
                if qualifier == "attributed to"
                else "influenced_by",
            }
        ]
    }


def _assignment(one: Decision) -> Node:
    """Return a decision as an assignment of the second work to the first."""
    day = one.time[:19] + "Z"
    found: Node = {
        "type": "AttributeAssignment",
        "_label": f"{one.by or 'somebody'}: {_LABELS[one.label]}",
        "classified_as": [_own("decision", one.label) | {"_label": _LABELS[one.label]}],
        "identified_by": [{"type": "Identifier", "content": one.id}],
        "timespan": {"type": "TimeSpan", "begin_of_the_begin": day, "end_of_the_end": day},
        "assigned": [_reference(one.second)],
    }
    if one.by:
        person = {"id": _id("person", one.by), "type": "Person", "_label": one.by}
        found["carried_out_by"] = [person]
    told = [one.note] if one.note else []
    if one.llr is not None:
        told.append(f"log10 likelihood ratio {one.llr:+.2f}, model {one.model}")
    if one.disputed:
        told.append("Somebody else decided otherwise.")
    if told:
        found["referred_to_by"] = [{"type": "LinguisticObject", "content": text} for text in told]
    return found


def _reference(work: DecidedWork) -> Node:
    name = work.title or (Path(work.path).name if work.path else work.sha256[:12])
    return {"id": _work(work.sha256), "type": "HumanMadeObject", "_label": name}


def _person(name: str, identity: str | None) -> Node:
    kind, _, number = (identity or "").partition(":")
    if kind == "ulan" and number:
        address = f"http://vocab.getty.edu/ulan/{quote(number)}"
    elif kind.startswith("Q") and not number:
        address = f"http://www.wikidata.org/entity/{quote(kind)}"
    else:
        address = _id("person", name)
    return {"id": address, "type": "Person", "_label": name}


def _work(digest: str) -> str:
    return f"urn:x-samehand:work:{digest}"


def _id(kind: str, name: str) -> str:
    return f"urn:x-samehand:{kind}:{quote(name, safe='')}"


def _own(kind: str, name: str) -> Node:
    return {"id": _id(kind, name), "type": "Type", "_label": name}


def _aat(number: str, label: str) -> Node:
    return {"id": _AAT + number, "type": "Type", "_label": label}
