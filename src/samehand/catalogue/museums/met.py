"""The Metropolitan Museum of Art: https://metmuseum.github.io/ (search v1.1, objects v1)."""

from collections.abc import Iterator
from urllib.parse import urlencode

from samehand.catalogue.offers import CC0, Ask, Offer, text_of


def offers(ask: Ask, words: str, size: int, base: str) -> Iterator[Offer]:
    """Yield the paintings of a search; see `offers.Museum`."""
    offset, limit = 0, 100
    while True:
        query = urlencode({"q": words, "hasImages": "true", "limit": limit, "offset": offset})
        answer = dict(ask(f"{base}/public/collection/v1.1/search?{query}"))
        numbers = [n for n in answer.get("objectIDs") or [] if isinstance(n, int)]
        for number in numbers:
            item = dict(ask(f"{base}/public/collection/v1/objects/{number}"))
            if item.get("classification") != "Paintings":
                continue
            # "Workshop of" comes as a prefix, "and Workshop" as a suffix.
            label = [item.get(f"artist{part}") for part in ("Prefix", "DisplayName", "Suffix")]
            full = text_of(item.get("primaryImage"))
            yield Offer(
                key=str(number),
                image=(text_of(item.get("primaryImageSmall")) if size <= 600 else None) or full,
                title=text_of(item.get("title")),
                artist=" ".join(filter(None, map(text_of, label))) or None,
                artist_id=_authority(item),
                date=text_of(item.get("objectDate")),
                licence=CC0 if item.get("isPublicDomain") is True else None,
                rights=text_of(item.get("rightsAndReproduction")),
                credit=text_of(item.get("creditLine")),
                source=text_of(item.get("objectURL")),
                accession_number=text_of(item.get("accessionNumber")),
            )
        offset += len(numbers)
        if not numbers or offset >= int(answer.get("total") or 0):
            return


def _authority(item: dict[str, object]) -> str | None:
    ulan = text_of(item.get("artistULAN_URL"))
    if ulan:
        return f"ulan:{ulan.rstrip('/').rsplit('/', 1)[-1]}"
    wikidata = text_of(item.get("artistWikidata_URL"))
    return wikidata.rstrip("/").rsplit("/", 1)[-1] if wikidata else None
