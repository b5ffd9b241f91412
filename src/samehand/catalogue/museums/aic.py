"""The Art Institute of Chicago: https://api.artic.edu/docs/."""

from collections.abc import Iterator
from urllib.parse import urlencode

from samehand.catalogue.http import USER_AGENT
from samehand.catalogue.offers import CC0, Ask, Offer, dicts, text_of

_FIELDS = (
    "id,title,artist_display,artist_title,date_display,is_public_domain,image_id,credit_line,"
    "copyright_notice,artwork_type_title,main_reference_number"
)
HEADERS = {"AIC-User-Agent": USER_AGENT}
"""The museum asks programs to name themselves here, for browsers cannot set User-Agent."""

_DEEPEST = 10_000
"""The interface refuses to page further into a search than this."""


def offers(ask: Ask, words: str, size: int, base: str) -> Iterator[Offer]:
    """Yield the paintings of a search; see `offers.Museum`."""
    page, limit = 1, 100
    while page * limit <= _DEEPEST:
        query = urlencode({"q": words, "fields": _FIELDS, "limit": limit, "page": page})
        answer = ask(f"{base}/api/v1/artworks/search?{query}")
        found = dicts(dict(answer).get("data", []))
        images = text_of(dict(answer).get("config", {}).get("iiif_url"))
        for item in found:
            if item.get("artwork_type_title") != "Painting":
                continue
            image_id = text_of(item.get("image_id"))
            # The first line of the display names the artist and his qualifier, the next his life.
            display = (text_of(item.get("artist_display")) or "").split("\n")[0]
            yield Offer(
                key=str(item.get("id")),
                image=f"{images}/{image_id}/full/!{size},{size}/0/default.jpg"
                if images and image_id
                else None,
                title=text_of(item.get("title")),
                artist=text_of(display) or text_of(item.get("artist_title")),
                date=text_of(item.get("date_display")),
                licence=CC0 if item.get("is_public_domain") is True else None,
                rights=text_of(item.get("copyright_notice")),
                credit=text_of(item.get("credit_line")),
                source=f"https://www.artic.edu/artworks/{item.get('id')}",
                accession_number=text_of(item.get("main_reference_number")),
            )
        if page >= int(dict(answer).get("pagination", {}).get("total_pages") or 0) or not found:
            return
        page += 1
