"""The Cleveland Museum of Art: https://openaccess-api.clevelandart.org/."""

from collections.abc import Iterator
from urllib.parse import urlencode

from samehand.catalogue.offers import CC0, Ask, Offer, dicts, text_of


def offers(ask: Ask, words: str, size: int, base: str) -> Iterator[Offer]:
    """Yield the paintings of a search; see `offers.Museum`."""
    skip, limit = 0, 100
    while True:
        query = urlencode(
            {"q": words, "type": "Painting", "has_image": 1, "limit": limit, "skip": skip}
        )
        answer = dict(ask(f"{base}/api/artworks/?{query}"))
        found = dicts(answer.get("data", []))
        for item in found:
            makers = dicts(item.get("creators", []))
            maker = makers[0] if makers else {}
            label = [text_of(maker.get("qualifier")), text_of(maker.get("description"))]
            images = item.get("images") or {}
            kind = "web" if size <= 900 else "print"
            chosen = images.get(kind) or images.get("web") or {}
            status = text_of(item.get("share_license_status"))
            yield Offer(
                key=str(item.get("id")),
                image=text_of(chosen.get("url")),
                title=text_of(item.get("title")),
                artist=" ".join(filter(None, label)) or None,
                date=text_of(item.get("creation_date")),
                licence=CC0 if status == "CC0" else status,
                rights=text_of(item.get("copyright")) or status,
                credit=text_of(item.get("creditline")),
                source=text_of(item.get("url")),
                accession_number=text_of(item.get("accession_number")),
            )
        skip += len(found)
        if not found or skip >= int(dict(answer.get("info") or {}).get("total") or 0):
            return
