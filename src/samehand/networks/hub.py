"""Whether the Hugging Face hub can be reached: a machine without a network hears so in a moment."""

import functools
import os
import socket
import urllib.parse
import urllib.request

_SECONDS = 3.0
"""How long one attempt to connect may take."""


def local_only() -> bool:
    """Return whether only what was fetched before can be used, as the hub cannot be reached.

    huggingface_hub alone would try for half a minute, and print a line for every attempt.
    """
    from huggingface_hub import constants

    if constants.HF_HUB_OFFLINE:
        return True
    return not reachable(constants.ENDPOINT)


@functools.cache
def reachable(address: str) -> bool:
    """Return whether something listens at the host of an http or https address.

    Behind a proxy nothing is known, and True is returned. The answer is kept for the process.
    """
    parts = urllib.parse.urlsplit(address)
    host = parts.hostname or ""
    proxies = urllib.request.getproxies()
    if (parts.scheme in proxies or "all" in proxies) and not urllib.request.proxy_bypass(host):
        return True
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        socket.create_connection((host, port), _SECONDS).close()
    except OSError:
        return False
    return True


def fetch_problem(name: str) -> str:
    """Return why the weights called `name` cannot be had, and what to do."""
    if os.path.exists(name):
        return f"the folder {name} does not hold a vision model that transformers can load"
    if name.startswith((".", "/", "~")) or name.count("/") > 1:
        return (
            f"no folder {name}; name one with a vision model of transformers, or efficientnet-lite0"
        )
    if local_only():
        return (
            f"the weights {name} were never fetched, and the Hugging Face hub cannot be reached; "
            "connect once, set pretrained = false, or use efficientnet-lite0, which needs no hub"
        )
    return (
        f"no backbone {name} on the Hugging Face hub; use efficientnet-lite0, or the name or "
        "folder of a vision model of transformers"
    )
