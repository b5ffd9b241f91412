"""IIIF Presentation 2 and 3: manifests and collections to the works that they show.

https://iiif.io/api/presentation/2.1/ and /3.0/; images through https://iiif.io/api/image/3.0/.
"""

import html
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from samehand.catalogue.offers import Ask, Offer, dicts, text_of
from samehand.errors import CatalogueError

_MOST_DEEP = 8
"""Collections within collections; deeper ones are hardly a collection of paintings."""

_LABELS = {
    "artist": r"artist|creator|maker|painter|author|attribution|künstler(?:in)?|urheber|artiste"
    r"|peintre|auteur|créateur|artista|autore|pittore|kunstenaar|vervaardiger|schilder|autor|pintor",
    "date": r"date|date created|created|dating|datum|datierung|entstehungszeit|création|datation"
    r"|data|datazione|datering|fecha|year",
    "credit": r"credit|credit line|creditline|source|mention obligatoire",
}


def offers(ask: Ask, location: str, size: int) -> Iterator[Offer]:
    """Yield one work a manifest: the image on its first canvas that has one.

    Args:
        ask: Gets the JSON of an address.
        location: The address or the file of a manifest or a collection.
        size: The longest side in pixels.

    Raises:
        CatalogueError: What lies there is neither.
    """
    yield from _read(ask, _load(ask, location), location, size, set(), 0)


def _load(ask: Ask, location: str) -> Any:  # noqa: ANN401
    if re.match(r"https?://", location):
        return ask(location)
    try:
        return json.loads(Path(location).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise CatalogueError(
            f"cannot read {location} as a IIIF manifest; check the file"
        ) from error


def _read(
    ask: Ask, node: object, location: str, size: int, seen: set[str], depth: int
) -> Iterator[Offer]:
    if not isinstance(node, dict) or _kind(node) not in {"Manifest", "Collection"}:
        raise CatalogueError(
            f"{location} is neither a manifest nor a collection of IIIF Presentation 2 or 3; "
            "check the address"
        )
    seen.add(_id(node) or location)
    if _kind(node) == "Manifest":
        yield _offer(node, location, size)
        return
    if depth >= _MOST_DEEP:
        raise CatalogueError(
            f"{location} lies more than {_MOST_DEEP} collections deep; start there"
        )
    lists = ("items", "members", "collections", "manifests")
    for child in [each for name in lists for each in dicts(node.get(name) or [])]:
        address = _id(child)
        if not address or address in seen or _kind(child) not in {"Manifest", "Collection"}:
            continue
        seen.add(address)
        whole = any(child.get(name) for name in (*lists, "sequences"))
        yield from _read(ask, child if whole else ask(address), address, size, seen, depth + 1)


def _offer(manifest: dict[str, Any], location: str, size: int) -> Offer:
    said: dict[str, str] = {}
    for pair in dicts(manifest.get("metadata") or []):
        label, value = _words(pair.get("label")), _words(pair.get("value"))
        for meaning, pattern in _LABELS.items():
            if label and value and re.fullmatch(pattern, label.strip(" :"), re.IGNORECASE):
                said.setdefault(meaning, value)
    required = manifest.get("requiredStatement")
    statement = _words(required.get("value")) if isinstance(required, dict) else None
    licence = manifest.get("rights") or manifest.get("license")
    pages = dicts(manifest.get("homepage") or manifest.get("related") or [])
    address = _id(manifest) or location
    return Offer(
        key=address,
        image=next(filter(None, (_image(canvas, size) for canvas in _canvases(manifest))), None),
        title=_words(manifest.get("label")),
        artist=said.get("artist"),
        date=said.get("date"),
        licence=text_of(licence[0] if isinstance(licence, list) and licence else licence),
        rights=statement or _words(manifest.get("attribution")),
        credit=said.get("credit") or statement or _words(manifest.get("attribution")),
        source=(_id(pages[0]) if pages else None) or address,
    )


def _canvases(manifest: dict[str, Any]) -> list[dict[str, Any]]:
    sequences = dicts(manifest.get("sequences") or [])
    if sequences:
        return dicts(sequences[0].get("canvases") or [])
    return dicts(manifest.get("items") or [])


def _image(canvas: dict[str, Any], size: int) -> str | None:
    """Return the address of a canvas's image at a size, or as it is where no service scales it."""
    bodies = [
        each for image in dicts(canvas.get("images") or []) for each in dicts(image.get("resource"))
    ]
    for page in dicts(canvas.get("items") or []):
        for annotation in dicts(page.get("items") or []):
            bodies += dicts(annotation.get("body"))
    # A choice between images lists them; the first is the one to show.
    bodies = [
        each
        for body in bodies
        for each in (dicts(body.get("items") or body.get("default") or []) or [body])
    ]
    for body in bodies:
        for service in dicts(body.get("service") or []):
            base, said = _id(service), f"{service.get('profile')} {service.get('type')}"
            if base and re.search(r"image", f"{said} {service.get('@context')}", re.IGNORECASE):
                if re.search(r"level0", said):
                    continue
                # Level 1 scales to a width only (Image API 2.1, 3.0: compliance).
                wanted = f"{size}," if "level1" in said else f"!{size},{size}"
                return f"{base.rstrip('/')}/full/{wanted}/0/default.jpg"
        if address := _id(body):
            return address
    return None


def _kind(node: dict[str, Any]) -> str:
    return str(node.get("type") or node.get("@type") or "").removeprefix("sc:")


def _id(node: dict[str, Any]) -> str | None:
    return text_of(node.get("id")) or text_of(node.get("@id"))


def _words(value: object) -> str | None:
    """Return a text in either version's form, the English one where there are several."""
    if isinstance(value, dict):
        chosen = value.get("en") or value.get("@value") or value.get("none")
        value = chosen or next(iter(value.values()), None)
    if isinstance(value, list):
        english = [each for each in dicts(value) if each.get("@language") == "en"]
        return _words((english or value)[0]) if value else None
    if not isinstance(value, str):
        return None
    return text_of(" ".join(html.unescape(re.sub(r"<[^>]*>", " ", value)).split()))
