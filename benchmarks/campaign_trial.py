"""One input that the campaign tried."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Trial:
    """One input that was tried.

    Attributes:
        name: What was done to what.
        data: The input itself.
        fault: What is wrong with the answer; empty where nothing is.
        answer: "decoded" or "refused".
    """

    name: str
    data: bytes
    fault: str
    answer: str
