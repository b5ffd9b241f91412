"""Categories of Wikimedia Commons: https://commons.wikimedia.org/w/api.php."""

import html
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

from samehand.catalogue.offers import Ask, Offer, dicts, text_of

_QUERY = {
    "action": "query",
    "generator": "categorymembers",
    "gcmtype": "file",
    "gcmlimit": 50,
    "prop": "imageinfo",
    "iiprop": "url|extmetadata",
    "format": "json",
    "formatversion": 2,
    # Ask later while the servers lag, as the API's etiquette wishes.
    "maxlag": 5,
}


def offers(ask: Ask, words: str, size: int, base: str) -> Iterator[Offer]:
    """Yield the files of a category; see `offers.Museum`."""
    name = words if words.lower().startswith("category:") else f"Category:{words}"
    query = _QUERY | {"gcmtitle": name, "iiurlwidth": size}
    further: dict[str, Any] = {}
    while True:
        answer = dict(ask(f"{base}/w/api.php?{urlencode(query | further)}"))
        for page in dicts(dict(answer.get("query") or {}).get("pages") or []):
            for info in dicts(page.get("imageinfo") or [])[:1]:
                yield _offer(page, info)
        following = answer.get("continue")
        if not isinstance(following, dict) or following == further:
            return
        further = following


def _offer(page: dict[str, Any], info: dict[str, Any]) -> Offer:
    said = dict(info.get("extmetadata") or {})

    def plain(name: str) -> str | None:
        value = dict(said.get(name) or {}).get("value")
        text = html.unescape(re.sub(r"<[^>]*>", " ", value)) if isinstance(value, str) else ""
        return text_of(" ".join(text.split()))

    return Offer(
        key=str(page.get("pageid")),
        image=text_of(info.get("thumburl")) or text_of(info.get("url")),
        title=plain("ObjectName"),
        artist=plain("Artist"),
        date=plain("DateTimeOriginal"),
        licence=plain("LicenseUrl") or plain("LicenseShortName"),
        rights=plain("UsageTerms"),
        credit=plain("Credit"),
        source=text_of(info.get("descriptionurl")),
    )
