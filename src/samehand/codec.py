"""Frozen dataclasses to JSON and back, strictly: what was written is read back equal, or refused.

Understood are dataclasses, tuples, lists, dictionaries with text keys, `Literal`, `X | None`,
text, booleans, whole and finite numbers. Invariants of a dataclass are checked by its
`__post_init__`, which raises ValueError.
"""

from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from math import isfinite
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

Value = TypeVar("Value")


def encode(value: Any) -> Any:  # noqa: ANN401
    """Return a dataclass, or anything made of such, as JSON-ready values.

    Args:
        value: Dataclasses become objects, tuples become lists; all else stays as it is.
    """
    if is_dataclass(value):
        return {field.name: encode(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {key: encode(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [encode(inner) for inner in value]
    return value


def decode(kind: type[Value], values: object) -> Value:
    """Return the dataclass that `encode` made JSON-ready values of.

    Args:
        kind: The dataclass.
        values: What was read from JSON.

    Raises:
        ValueError: A key is missing or unknown, or a value is not what its field says; the
            message names the place, such as "points.eer.error_rate".
    """
    found: Value = _read(kind, values, "")
    return found


def _read(kind: Any, value: Any, place: str) -> Any:  # noqa: ANN401
    origin, arguments = get_origin(kind), get_args(kind)
    if is_dataclass(kind):
        return _dataclass(kind, value, place)
    if origin in (Union, UnionType):
        if value is None and NoneType in arguments:
            return None
        return _read(next(one for one in arguments if one is not NoneType), value, place)
    if origin is Literal:
        return _checked(value in arguments, value, f"one of {', '.join(arguments)}", place)
    if origin in (tuple, list):
        return _sequence(origin, arguments, value, place)
    if origin is dict:
        _checked(isinstance(value, dict), value, "an object", place)
        return {
            _read(arguments[0], key, _at(place, key)): _read(arguments[1], inner, _at(place, key))
            for key, inner in value.items()
        }
    return _scalar(kind, value, place)


def _dataclass(kind: Any, value: Any, place: str) -> Any:  # noqa: ANN401
    _checked(isinstance(value, dict), value, "an object", place)
    hints = _hints(kind)
    known = fields(kind)
    if unknown := sorted(set(value) - set(hints)):
        raise ValueError(f"{place or 'it'} has the unknown key {', '.join(unknown)}")
    needed = {one.name for one in known if one.default is one.default_factory is MISSING}
    if missing := sorted(needed - set(value)):
        raise ValueError(f"{place or 'it'} lacks {', '.join(missing)}")
    read = {
        name: _read(hint, value[name], _at(place, name))
        for name, hint in hints.items()
        if name in value
    }
    try:
        return kind(**read)
    except ValueError as error:
        raise ValueError(f"{place}: {error}" if place else str(error)) from error


def _sequence(origin: Any, arguments: Any, value: Any, place: str) -> Any:  # noqa: ANN401
    _checked(isinstance(value, list | tuple), value, "a list", place)
    if origin is list or arguments[-1] is Ellipsis:
        kinds = [arguments[0]] * len(value)
    else:
        kinds = list(arguments)
        _checked(len(value) == len(kinds), value, f"a list of {len(kinds)}", place)
    return origin(
        _read(kind, inner, _at(place, str(index)))
        for index, (kind, inner) in enumerate(zip(kinds, value, strict=True))
    )


def _scalar(kind: Any, value: Any, place: str) -> Any:  # noqa: ANN401
    if kind is Any:
        return value
    if kind is float:
        number = isinstance(value, int | float) and not isinstance(value, bool)
        _checked(number and isfinite(value), value, "a finite number", place)
        return float(value)
    names = {int: "a whole number", str: "text", bool: "true or false"}
    return _checked(type(value) is kind, value, names[kind], place)


def _checked(fits: bool, value: Any, wanted: str, place: str) -> Any:  # noqa: ANN401
    if not fits:
        shown = repr(value)
        shown = shown if len(shown) <= 60 else f"{shown[:57]}..."
        raise ValueError(f"{place or 'it'} should be {wanted}, not {shown}")
    return value


def _at(place: str, key: str) -> str:
    return f"{place}.{key}" if place else key


@cache
def _hints(kind: type) -> dict[str, Any]:
    names = {one.name for one in fields(kind)}
    return {name: hint for name, hint in get_type_hints(kind).items() if name in names}
