"""The Hugging Face hub, where models are fetched by name; `publish` puts them there.

Only the kinds of file that a model folder consists of travel: ONNX graphs, safetensors, JSON and
the card. Nothing is unpickled, and code that lies in a repository is never fetched.

Where things are kept and asked for is the hub's own business: `HF_HOME`, `HF_HUB_OFFLINE`,
`HF_TOKEN` and `HF_ENDPOINT` mean what they mean to every program that uses the hub.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from samehand.errors import MissingExtraError, ModelError

KINDS = ("*.onnx", "*.safetensors", "config.json", "README.md")
"""All that is ever fetched or published."""


def fetch_named(name: str) -> Path:
    """Return the folder that "owner/name" or "owner/name@revision" means; see `fetch_model`.

    Raises:
        MissingExtraError: The hub's client is not installed.
        ModelError: There is no such model, or it cannot be reached and was never fetched.
    """
    repo, _, revision = name.partition("@")
    return fetch_model(repo, revision or None)


def fetch_model(repo: str, revision: str | None = None) -> Path:
    """Fetch a model from the hub, as far as it is not in the hub's cache.

    Args:
        repo: The repository, "owner/name".
        revision: A branch, a tag or a commit; None for the main branch.

    Returns:
        Its folder in the cache, to be opened and checked as any other.

    Raises:
        MissingExtraError: The hub's client is not installed.
        ModelError: There is no such model, or it cannot be reached and was never fetched.
    """
    with hub_client(repo, revision) as hub:
        found = Path(hub.snapshot_download(repo, revision=revision, allow_patterns=list(KINDS)))
    if not (found / "config.json").is_file():
        raise ModelError(f"{repo} is not a model of samehand: it has no config.json")
    return found


@contextmanager
def hub_client(repo: str, revision: str | None = None) -> Iterator[Any]:
    """Yield the hub's client, whose failures become one sentence each.

    Args:
        repo: What is asked about, "owner/name".
        revision: Which state of it.

    Raises:
        MissingExtraError: The client is not installed.
        ModelError: The hub cannot be reached, or refuses.
    """
    try:
        import httpx2
        import huggingface_hub
        from huggingface_hub import errors
        from huggingface_hub.utils import disable_progress_bars  # type: ignore[attr-defined]
    except ImportError as error:
        raise MissingExtraError("the Hugging Face hub", "hub") from error
    if not sys.stderr.isatty():
        disable_progress_bars()
    at = f" at {revision}" if revision else ""
    try:
        yield huggingface_hub
    except errors.HFValidationError as error:
        raise ModelError(f"{repo!r} is not a repository; name one as owner/name") from error
    except errors.GatedRepoError as error:
        raise ModelError(
            f"{repo} asks for consent first; give it on its page, and log in with `hf auth login`"
        ) from error
    except errors.RevisionNotFoundError as error:
        raise ModelError(
            f"{repo} has no revision {revision}; name a branch, tag or commit"
        ) from error
    except errors.RepositoryNotFoundError as error:
        raise ModelError(
            f"the hub has no model {repo}, or it is private; check the name, or log in with "
            "`hf auth login`"
        ) from error
    except (errors.LocalEntryNotFoundError, errors.OfflineModeIsEnabled) as error:
        raise ModelError(
            f"{repo}{at} has not been fetched before and the hub cannot be reached; go online, or "
            "unset HF_HUB_OFFLINE"
        ) from error
    except (errors.HfHubHTTPError, httpx2.HTTPError) as error:
        reason = str(error).strip().splitlines()
        raise ModelError(
            f"the hub refused {repo}{at}: {reason[0] if reason else 'no reason given'}; log in "
            "with `hf auth login` if it asks for that, or try again later"
        ) from error
