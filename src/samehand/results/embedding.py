"""What embedding a collection came to."""

from dataclasses import dataclass

from samehand.results.answer import Answer


@dataclass(frozen=True, slots=True, repr=False)
class EmbedReport(Answer):
    """What `samehand embed` came to."""

    embedded: int
    """Pictures that were embedded now."""
    failed: dict[str, str]
    """Why a picture could not be embedded, by its name, now; it has a row that says so."""
    already: int
    """Pictures, or whole tar shards, whose rows were there before."""
    out: str
    """The folder of the rows: that of the encoder below the one that was named."""
    seconds: float
    """Wall time."""
