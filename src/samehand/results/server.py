"""What the web server says of itself."""

from dataclasses import dataclass

from samehand.results.answer import Answer


@dataclass(frozen=True, slots=True, repr=False)
class Health(Answer):
    """That the server answers, and with which model."""

    status: str
    """"ok"."""
    model: str
    """Name and hash of the model."""
    version: str
    """samehand's version."""


@dataclass(frozen=True, slots=True, repr=False)
class Problem(Answer):
    """Why there is no answer."""

    detail: str
    """One sentence."""
