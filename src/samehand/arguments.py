"""What a program hands over, checked before anything is done: one sentence for what cannot be.

@checked(prior=number, top=whole(1), where=conditions)
def search(self, probe, gallery, top=20, *, where=()): ...
"""

import inspect
import numbers
import os
from collections.abc import Callable, Iterable, Mapping
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import numpy as np

from samehand.errors import SamehandError
from samehand.files import is_text
from samehand.records import Floats

P = ParamSpec("P")
R = TypeVar("R")

Check = Callable[[str, Any], Any]
"""From a parameter's name and its value to the value that is used; raises SamehandError."""


def checked(**checks: Check) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Check some arguments of a function, by their names, before it is called.

    Args:
        checks: What each may be. A default that nobody gave is not looked at.
    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        signature = inspect.signature(function)
        assert checks.keys() <= signature.parameters.keys()

        @wraps(function)
        def call(*arguments: P.args, **options: P.kwargs) -> R:
            bound = signature.bind(*arguments, **options)
            for name, check in checks.items():
                if name in bound.arguments:
                    bound.arguments[name] = check(name, bound.arguments[name])
            return function(*bound.args, **bound.kwargs)

        return call

    return decorate


def number(name: str, value: Any) -> float:  # noqa: ANN401
    """Accept a number; NaN and infinity are left to whoever knows the range."""
    if isinstance(value, numbers.Real) and not isinstance(value, bool):
        try:
            return float(value)
        except OverflowError:
            pass
    raise _wrong(name, value, "a number, such as 0.5")


def whole(least: int = 0) -> Check:
    """Accept a whole number from `least` up to what fits into 32 bits; a larger one is that."""

    def check(name: str, value: Any) -> int:  # noqa: ANN401
        if not isinstance(value, numbers.Integral) or isinstance(value, bool):
            raise _wrong(name, value, "a whole number")
        if value < least:
            raise SamehandError(f"{name} must be at least {least}, not {_shown(value)}")
        return min(int(value), 2**31 - 1)

    return check


def flag(name: str, value: Any) -> bool:  # noqa: ANN401
    """Accept true or false, also as 1 or 0."""
    if isinstance(value, bool | int | np.bool_) and value in (0, 1):
        return bool(value)
    raise _wrong(name, value, "True or False")


def text(name: str, value: Any) -> str:  # noqa: ANN401
    """Accept a text that can be written down."""
    if isinstance(value, str) and is_text(value):
        return str(value)
    raise _wrong(name, value, "a text")


def path(name: str, value: Any) -> str | os.PathLike[str]:  # noqa: ANN401
    """Accept a name or a path that the system can look for."""
    if isinstance(value, str | os.PathLike):
        told = os.fspath(value)
        if isinstance(told, str) and told and "\0" not in told and _encodes_as_path(told):
            if any(len(os.fsencode(part)) > 255 for part in told.split(os.sep)):
                raise SamehandError(
                    f"{name} is too long, {_shown(told)}: a part of a path may have 255 bytes"
                )
            return value
    raise _wrong(name, value, "a name or a path")


def as_path(name: str, value: Any) -> Path:  # noqa: ANN401
    """Accept what `path` does, as a `Path`."""
    return Path(path(name, value))


def listed(kinds: tuple[type, ...], told: str) -> Check:
    """Accept one object of some kinds, or any number of them."""

    def check(name: str, value: Any) -> list[Any]:  # noqa: ANN401
        found = [value] if isinstance(value, kinds) else _members(value)
        if found is None or not all(isinstance(one, kinds) for one in found):
            raise _wrong(name, value, f"a list of {told}")
        for one in found:
            if isinstance(one, str | os.PathLike):
                path(name, one)
        return found

    return check


def vector(name: str, value: Any) -> Floats:  # noqa: ANN401
    """Accept numbers in a row, (D,), all finite."""
    try:
        row = np.asarray(value, np.float32)
    except (TypeError, ValueError, OverflowError):
        row = np.empty(0, np.float32)
    if row.ndim != 1 or row.size == 0 or not np.isfinite(row).all():
        raise _wrong(name, value, "an embedding, which is an array of finite numbers")
    return row


def conditions(name: str, value: Any) -> tuple[str, ...]:  # noqa: ANN401
    """Accept one condition, several, or None for none."""
    if value is None:
        return ()
    found = [value] if isinstance(value, str) else _members(value)
    if found is not None and all(isinstance(one, str) for one in found):
        return tuple(found)
    raise _wrong(name, value, 'a list of conditions, such as ["artist=Claude Monet"]')


def texts_by_name(name: str, value: Any) -> Mapping[str, str]:  # noqa: ANN401
    """Accept texts by names, as a dictionary holds them."""
    if isinstance(value, Mapping) and all(
        isinstance(one, str) for pair in value.items() for one in pair
    ):
        return value
    raise _wrong(name, value, 'texts by name, such as {"room": "12"}')


def function(name: str, value: Any) -> Callable[..., Any]:  # noqa: ANN401
    """Accept what can be called."""
    if callable(value):
        found: Callable[..., Any] = value
        return found
    raise _wrong(name, value, "a function")


def of_type(kind: type, told: str) -> Check:
    """Accept objects of a class, which a person knows as `told`."""

    def check(name: str, value: Any) -> Any:  # noqa: ANN401
        if isinstance(value, kind):
            return value
        raise _wrong(name, value, told)

    return check


def or_none(check: Check) -> Check:
    """Accept None, too."""
    return lambda name, value: None if value is None else check(name, value)


def _members(value: object) -> list[Any] | None:
    """Return what something holds, or None where that is no list of things."""
    if isinstance(value, Iterable) and not isinstance(value, str | bytes | Mapping | np.ndarray):
        return list(value)
    return None


def _wrong(name: str, value: object, wanted: str) -> SamehandError:
    return SamehandError(f"{name} must be {wanted}, not {_shown(value)}")


def _shown(value: object) -> str:
    """Return a value as it would be typed, if that is short, or what type it is of."""
    if value is None or isinstance(value, str | bytes | bool | float | complex):
        shown = ascii(value) if isinstance(value, str) and not value.isprintable() else repr(value)
        return shown if len(shown) <= 60 else f"{shown[:56]} ..."
    if isinstance(value, int):
        return str(value) if abs(value) < 10**20 else "an enormous number"
    return f"something of type {type(value).__name__}"


def _encodes_as_path(told: str) -> bool:
    try:
        os.fsencode(told)
    except UnicodeEncodeError:
        return False
    return True
