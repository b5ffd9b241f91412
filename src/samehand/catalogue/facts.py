"""What a table's cells say of a work, in the words that galleries keep and filter by."""

from collections.abc import Mapping

from samehand.catalogue.attribution import state_attribution, tidy_artist_id
from samehand.catalogue.dates import state_years

FACTS = (
    "artist_id", "qualifier", "attribution", "date_from", "date_to", "accession_number"
)  # fmt: skip
"""What is kept beside artist, title and date; `attribution` is the artist as catalogued, where
`artist` and `qualifier` were read from it."""


def read_facts(labels: Mapping[str, str]) -> dict[str, str]:
    """Return labels with their attribution and date read.

    Args:
        labels: Cells by the names of `pictures.LABELS`, as written; nothing empty.

    Returns:
        The same, where "Workshop of Lucas Cranach" is the artist "Lucas Cranach" and the qualifier
        "workshop of", "Anonymous" no artist, and "c. 1870" the years 1865 to 1875. A qualifier
        that is not understood stays as written; a work is autograph where it has none.
    """
    known = dict(labels)
    read = state_attribution(labels.get("artist"), labels.get("qualifier"))
    date_from, date_to = state_years(
        labels.get("date"), labels.get("date_from"), labels.get("date_to")
    )
    written = labels.get("artist")
    facts = {
        "artist": read.artist,
        "artist_id": tidy_artist_id(labels.get("artist_id")),
        "qualifier": read.qualifier or read.unread,
        "date_from": None if date_from is None else str(date_from),
        "date_to": None if date_to is None else str(date_to),
    }
    if written is not None and read.artist != written:
        facts["attribution"] = written
    for name, value in facts.items():
        known.pop(name, None)
        if value is not None:
            known[name] = value
    return known


def is_autograph(labels: Mapping[str, str]) -> bool:
    """Return whether nothing in a work's labels says that another hand than its artist's made it.

    Args:
        labels: Cells by the names of `pictures.LABELS`, as written; nothing empty.
    """
    read = state_attribution(labels.get("artist"), labels.get("qualifier"))
    return read.qualifier is None and read.unread is None
