"""The Rijksmuseum's data services: https://data.rijksmuseum.nl/docs/.

A search gives identifiers; each resolves to Linked Art, whose object shows a visual item, which a
digital object shows, whose access point is the image (https://linked.art/model/digital/).
"""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

from samehand.catalogue.offers import Ask, Offer, dicts, text_of

_ATTRIBUTION = "http://vocab.getty.edu/aat/300435416"
_NUMBER = "http://vocab.getty.edu/aat/300312355"
_CREDIT = "http://vocab.getty.edu/aat/300026687"
_ENGLISH = "http://vocab.getty.edu/aat/300388277"


def offers(ask: Ask, words: str, size: int, base: str) -> Iterator[Offer]:
    """Yield the paintings of a creator; see `offers.Museum`."""
    query = {"type": "painting", "imageAvailable": "true"} | ({"creator": words} if words else {})
    page: str | None = f"{base}/search/collection?{urlencode(query)}"
    seen: set[str] = set()
    while page and page not in seen:
        seen.add(page)
        answer = dict(ask(page))
        for entry in dicts(answer.get("orderedItems", [])):
            if address := text_of(entry.get("id")):
                yield _offer(ask, address, size)
        following = answer.get("next")
        page = text_of(following.get("id") if isinstance(following, dict) else following)


def _offer(ask: Ask, address: str, size: int) -> Offer:
    item = dict(ask(address))
    made = dict(item.get("produced_by") or {})
    image, licence = _image(ask, item)
    return Offer(
        key=address.rstrip("/").rsplit("/", 1)[-1],
        image=image.replace("/full/max/", f"/full/!{size},{size}/") if image else None,
        title=_said(item.get("identified_by"), None),
        artist=_said(made.get("referred_to_by"), _ATTRIBUTION),
        date=_said(dict(made.get("timespan") or {}).get("identified_by"), None),
        licence=licence,
        rights=licence,
        credit=_said(item.get("referred_to_by"), _CREDIT),
        source=address,
        accession_number=_said(item.get("identified_by"), _NUMBER),
    )


def _image(ask: Ask, item: dict[str, Any]) -> tuple[str | None, str | None]:
    """Return the image's address and its licence's."""
    for shown in dicts(item.get("shows") or []):
        visual = dict(ask(str(shown.get("id"))))
        for digital in dicts(visual.get("digitally_shown_by") or []):
            picture = dict(ask(str(digital.get("id"))))
            points = dicts(picture.get("access_point") or [])
            if points:
                return text_of(points[0].get("id")), _licence(visual) or _licence(picture)
    return None, None


def _licence(node: dict[str, Any]) -> str | None:
    for right in dicts(node.get("subject_to") or []):
        for kind in dicts(right.get("classified_as") or []):
            if address := text_of(kind.get("id")):
                return address
    return None


def _said(nodes: object, kind: str | None) -> str | None:
    """Return the content of the first statement of a kind, the English one where there is one."""
    found = [
        node
        for node in dicts(nodes or [])
        if text_of(node.get("content"))
        and (
            node.get("type") == "Name"
            if kind is None
            else any(each.get("id") == kind for each in dicts(node.get("classified_as") or []))
        )
    ]
    found.sort(
        key=lambda node: all(
            each.get("id") != _ENGLISH for each in dicts(node.get("language") or [])
        )
    )
    return text_of(found[0]["content"]) if found else None
