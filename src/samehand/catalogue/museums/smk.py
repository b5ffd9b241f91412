"""SMK, the National Gallery of Denmark: https://api.smk.dk/api/v1/docs/."""

from collections.abc import Iterator
from urllib.parse import urlencode

from samehand.catalogue.offers import CC0, Ask, Offer, dicts, text_of


def offers(ask: Ask, words: str, size: int, base: str) -> Iterator[Offer]:
    """Yield the paintings of a search; see `offers.Museum`."""
    offset, rows = 0, 100
    while True:
        query = urlencode(
            {
                "keys": words or "*",
                "filters": "[has_image:true],[object_names:maleri]",
                "offset": offset,
                "rows": rows,
            }
        )
        answer = dict(ask(f"{base}/api/v1/art/search?{query}"))
        found = dicts(answer.get("items", []))
        for item in found:
            number = text_of(item.get("object_number"))
            service = text_of(item.get("image_iiif_id"))
            rights = text_of(item.get("rights"))
            free = item.get("public_domain") is True
            yield Offer(
                key=number or str(item.get("id")),
                image=f"{service}/full/!{size},{size}/0/default.jpg"
                if service
                else text_of(item.get("image_thumbnail")),
                title=_first(item.get("titles"), "title"),
                artist=_first(item.get("production"), "creator"),
                date=_first(item.get("production_date"), "period"),
                licence=(rights if rights and "creativecommons" in rights else CC0)
                if free
                else rights,
                rights=rights,
                credit=_credit(item.get("credit_line")),
                source=f"https://open.smk.dk/artwork/image/{number}" if number else None,
                accession_number=number,
            )
        offset += len(found)
        if not found or offset >= int(answer.get("found") or 0):
            return


def _first(value: object, name: str) -> str | None:
    items = dicts(value or [])
    return text_of(items[0].get(name)) if items else None


def _credit(value: object) -> str | None:
    return text_of(value[0] if isinstance(value, list) and value else value)
