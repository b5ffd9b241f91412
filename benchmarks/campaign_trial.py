"""One input that the campaign tried."""

import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass

from samehand.errors import SamehandError


@dataclass(frozen=True, slots=True)
class Trial:
    """One input that was tried.

    Attributes:
        name: What was done to what.
        data: The input itself.
        fault: What is wrong with the answer; empty where nothing is.
        answer: "decoded" or "refused".
        said: The sentence of a refusal.
    """

    name: str
    data: bytes
    fault: str
    answer: str
    said: str = ""


def tried(name: str, data: bytes, ask: Callable[[], object], seconds: float = 10.0) -> Trial:
    """Ask, and return what came of it; only a `SamehandError` with a sentence is no fault."""
    fault, answer, said, start = "", "read", "", time.perf_counter()
    try:
        ask()
    except SamehandError as error:
        answer, said = "refused", str(error)
        if not said:
            fault = "no sentence"
    except Exception as error:
        fault = "".join(traceback.format_exception_only(error)).strip()[:200]
    if not fault and time.perf_counter() - start > seconds:
        fault = f"took more than {seconds:g} s"
    return Trial(name, data, fault, answer, said)
