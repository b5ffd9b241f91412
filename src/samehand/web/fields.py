"""Fields that a call does not know are refused: a misspelt one would leave its default in force."""

import difflib
from collections.abc import Mapping
from typing import Any

from fastapi import Request
from starlette.exceptions import HTTPException

_SHOWN = 80
"""Letters of a name that an answer repeats."""


async def only_known_fields(request: Request) -> None:
    """Refuse a form field or an address's parameter that the call does not have.

    Raises:
        HTTPException: 422, with the field that was probably meant or all that there are.
    """
    known = _known(request.app.openapi(), request)
    given = [*request.query_params]
    if request.headers.get("content-type", "").startswith(
        ("multipart/form-data", "application/x-www-form-urlencoded")
    ):
        given += [*await request.form()]  # parsed once for each request, so read again for nothing
    for name in given:
        if name not in known:
            shown = name[:_SHOWN] or "a field without a name"
            close = difflib.get_close_matches(shown, known, 1)
            there = f"the call has {', '.join(known)}" if known else "the call has no fields"
            raise HTTPException(
                422, f"{shown}: no such field; " + (f"did you mean {close[0]}?" if close else there)
            )


def _known(described: Mapping[str, Any], request: Request) -> list[str]:
    """Return the fields and parameters of the call that a request came to, by its description."""
    call = described["paths"][request.scope["route"].path][request.method.lower()]
    names = [parameter["name"] for parameter in call.get("parameters", ())]
    for content in call.get("requestBody", {}).get("content", {}).values():
        schema = content["schema"]
        if "$ref" in schema:
            schema = described["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        names += schema["properties"]
    return names
