"""`samehand fetch`: a search in an open collection to a folder of images and a table of them.

The folder holds `images/`, `paintings.csv` and `.fetch/`, which remembers every answer, so that a
killed run resumes without asking for anything twice and a finished one asks only what changed.
"""

import csv
import hashlib
import json
import os
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, get_args

from samehand.catalogue import iiif
from samehand.catalogue.attribution import parse_attribution
from samehand.catalogue.dates import parse_date
from samehand.catalogue.http import (
    IMAGE_BYTES,
    Client,
    UnreachableError,
    parse_json,
    require_urllib3,
)
from samehand.catalogue.museums import MUSEUMS, aic, nga
from samehand.catalogue.offers import Offer
from samehand.errors import CatalogueError, OutputError
from samehand.files import atomic_path, output_error, read_json, write_text
from samehand.progress import track
from samehand.records import Collection as Collection

TABLE_NAME = "paintings.csv"
COLUMNS = (
    "path", "artist", "artist_id", "qualifier", "title", "date", "date_from", "date_to",
    "accession_number", "licence", "rights", "credit", "source",
)  # fmt: skip
"""`artist` keeps the collection's wording, qualifier included, for readers of one column."""

_SUFFIXES = {
    "image/jpeg": ".jpg",
    "image/png": ".png",
    "image/webp": ".webp",
    "image/tiff": ".tif",
}
_FOLDER = ".fetch"

_MOST_REPEATS = 20
"""A collection that says it has more, and gives the same page so often, would be asked for ever."""


@dataclass(slots=True)
class Fetched:
    """What became of a search.

    Attributes:
        paintings: How many works are in the table.
        closed: Works left out because their licence is not open.
        without_image: Works left out because the collection shows no image of them.
        failed: One sentence for each work whose image could not be had.
    """

    paintings: int = 0
    closed: int = 0
    without_image: int = 0
    failed: list[str] = field(default_factory=list)


def fetch(
    collection: Collection,
    words: str,
    out: str | os.PathLike[str],
    *,
    size: int = 1024,
    limit: int | None = None,
    any_rights: bool = False,
    client: Client | None = None,
    base: str | None = None,
) -> Fetched:
    """Fetch the paintings that a search finds, with what the collection says about each.

    Args:
        collection: Where to look.
        words: What to search for: words for a museum, an artist's name for the Rijksmuseum, a
            category for Commons, a folder of tables for the NGA (":" and words may follow), a file
            or address for IIIF.
        out: The folder to fill, made if need be; a search has one of its own.
        size: The longest side in pixels to ask for; collections that cannot scale send what they
            have.
        limit: Largest number of paintings.
        any_rights: Also works that are not openly licensed.
        client: How to ask; by default one request a second to each host.
        base: Scheme and host of the collection's interface, where it is another.

    Returns:
        What was fetched, and what was not.

    Raises:
        CatalogueError: The collection is unknown, gives no usable answer, or `out` holds another
            search.
        OutputError: `out` cannot be written.
        MissingExtraError: urllib3 is not installed.
    """
    if collection not in get_args(Collection):
        raise CatalogueError(
            f"{collection!r} is not a collection; choose one of {', '.join(get_args(Collection))}"
        )
    if size < 1 or (limit is not None and limit < 1):
        raise CatalogueError("size and limit must be at least 1")
    require_urllib3()
    folder = Path(out)
    client = client or Client()
    if collection == "aic":
        client = replace(client, headers={**client.headers, **aic.HEADERS})
    search = {"collection": collection, "words": words, "size": size, "base": base}
    memory = _open_memory(folder, search, client)
    report = Fetched()
    rows: list[dict[str, object]] = []
    keys: set[str] = set()
    found = _offers(collection, words, size, base, memory)
    for offer in track(found, "fetching paintings", total=limit):
        if offer.key in keys:
            continue
        keys.add(offer.key)
        if not any_rights and not offer.is_open:
            report.closed += 1
        elif offer.image is None:
            report.without_image += 1
        else:
            try:
                path = memory.image(offer.key, offer.image)
            except UnreachableError as error:
                report.failed.append(str(error))
                continue
            rows.append(_row(path, offer))
            if len(rows) == limit:
                break
    _write_table(folder / TABLE_NAME, rows)
    memory.finish()
    report.paintings = len(rows)
    return report


def _offers(
    collection: str, words: str, size: int, base: str | None, memory: "_Memory"
) -> Iterator[Offer]:
    if collection == "nga":
        where, _, sought = words.partition(":")
        yield from nga.offers(Path(where), sought.strip(), size)
        return
    try:
        if collection == "iiif":
            yield from iiif.offers(memory.json, words, size)
        else:
            reader, usual = MUSEUMS[collection]
            yield from reader(memory.json, words, size, (base or usual).rstrip("/"))
    except CatalogueError:
        # What a reader refuses must not be what a resumed run reads again.
        memory.forget_last()
        raise
    except (TypeError, ValueError, AttributeError, KeyError) as error:
        # An interface may change its shape; the readers assume the documented one.
        raise CatalogueError(
            f"{memory.forget_last() or words} answered in a shape that is not the documented one; "
            "update samehand, or try again later"
        ) from error


def _row(path: str, offer: Offer) -> dict[str, object]:
    date_from, date_to = parse_date(offer.date)
    said = asdict(offer)
    return {name: said.get(name) for name in COLUMNS} | {
        "path": path,
        "qualifier": parse_attribution(offer.artist).qualifier,
        "date_from": date_from,
        "date_to": date_to,
    }


def _write_table(target: Path, rows: list[dict[str, object]]) -> None:
    with atomic_path(target) as temporary, temporary.open("w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)


def _open_memory(folder: Path, search: dict[str, object], client: Client) -> "_Memory":
    state = folder / _FOLDER / "search.json"
    try:
        before = read_json(state.read_text(encoding="utf-8")) if state.is_file() else None
        (folder / "images").mkdir(parents=True, exist_ok=True)
        (folder / _FOLDER).mkdir(exist_ok=True)
    except OSError as error:
        raise output_error(folder, error) from error
    except ValueError as error:
        raise OutputError(
            f"cannot read {state}; remove {folder / _FOLDER} to start again"
        ) from error
    if before is not None and before != search:
        raise CatalogueError(f"{folder} holds another search; choose another folder for --out")
    if before is None:
        write_text(state, json.dumps(search))
    return _Memory(folder, client, (folder / _FOLDER / "finished").exists())


@dataclass(slots=True)
class _Memory:
    """Answers kept on disk: used as they are by a resumed run, revalidated after a finished one."""

    folder: Path
    client: Client
    finished: bool
    _fresh: set[str] = field(default_factory=set)
    _last: str | None = None
    _addresses: dict[bytes, set[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        # From here until `finish` a run is under way, which another may have to resume.
        (self.folder / _FOLDER / "finished").unlink(missing_ok=True)

    def json(self, address: str) -> Any:  # noqa: ANN401
        """Return an address's JSON, from disk where an earlier run had it."""
        self._last = address
        body = self.folder / _FOLDER / f"{_digest(address)}.json"
        tag = body.with_suffix(".etag")
        known = body.is_file()
        if known and (not self.finished or address in self._fresh):
            return self._read(body.read_bytes(), address)
        etag = tag.read_text(encoding="utf-8") if known and tag.is_file() else None
        answer = self.client.get(address, accept="application/ld+json, application/json", etag=etag)
        self._fresh.add(address)
        if answer.unchanged and known:
            return self._read(body.read_bytes(), address)
        value = self._read(answer.body, address)
        tag.unlink(missing_ok=True)
        with atomic_path(body) as temporary:
            temporary.write_bytes(answer.body)
        if answer.etag:
            write_text(tag, answer.etag)
        return value

    def _read(self, body: bytes, address: str) -> Any:  # noqa: ANN401
        """Return the JSON of an answer, unless address after address gives one and the same."""
        same = self._addresses.setdefault(hashlib.sha256(body).digest(), set())
        same.add(address)
        if len(same) > _MOST_REPEATS:
            raise UnreachableError(
                f"{address} answers the same page after page; try again later, or use other words"
            )
        return parse_json(body, address)

    def image(self, key: str, address: str) -> str:
        """Return the path, relative to the folder, of an image that is now on disk.

        Raises:
            UnreachableError: There is no usable image at the address.
        """
        # The digest keeps names apart that look alike once they are safe.
        name = f"{re.sub(r'[^A-Za-z0-9]+', '-', key)[-40:].strip('-')}-{_digest(address)[:12]}"
        for suffix in _SUFFIXES.values():
            if (self.folder / "images" / (name + suffix)).is_file():
                return f"images/{name}{suffix}"
        answer = self.client.get(address, most_bytes=IMAGE_BYTES, accept="image/*")
        if answer.content_type not in _SUFFIXES:
            raise UnreachableError(
                f"{address} answered with {answer.content_type or 'no type'} instead of an image"
            )
        if not answer.body:
            raise UnreachableError(f"{address} answered with nothing")
        suffix = _SUFFIXES[answer.content_type]
        with atomic_path(self.folder / "images" / (name + suffix)) as temporary:
            temporary.write_bytes(answer.body)
        return f"images/{name}{suffix}"

    def forget_last(self) -> str | None:
        """Drop the latest answer, lest a resumed run read a bad one again; return its address."""
        if self._last is not None:
            (self.folder / _FOLDER / f"{_digest(self._last)}.json").unlink(missing_ok=True)
        return self._last

    def finish(self) -> None:
        """Remember that the search came to its end."""
        write_text(self.folder / _FOLDER / "finished", "")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]
