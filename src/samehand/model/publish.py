"""Publishing a model folder on the Hugging Face hub, with figures that the hub can read."""

import tempfile
from collections.abc import Mapping
from fnmatch import fnmatch
from pathlib import Path
from shutil import copyfile
from typing import Any

from samehand.errors import ModelError
from samehand.files import read_json
from samehand.model.folder import ModelConfig, ModelFolder, open_model
from samehand.model.hub import KINDS, hub_client

CARD = "README.md"

_TAGS = ["art", "attribution", "verification", "metric-learning", "likelihood-ratio"]
_METRICS = {"auc": "AUC", "eer": "EER", "cllr": "Cllr"}


def publish_model(
    name: str | Path,
    repo: str,
    *,
    report: Path | None = None,
    private: bool = True,
    licence: str | None = None,
) -> str:
    """Publish a model folder; what lies in the repository beside it stays.

    Args:
        name: A path or a built-in name.
        repo: The repository, "owner/name"; made if there is none.
        report: The report.json of `samehand evaluate` on this model, whose figures the card shall
            state to the hub; None states what was measured on the calibration artists.
        private: Whether a repository that has to be made is private.
        licence: The model's licence, as the hub spells it; None states none.

    Returns:
        The address of the commit.

    Raises:
        MissingExtraError: The hub's client is not installed.
        ModelError: The model or the report cannot be used, or the hub refuses it.
    """
    folder = open_model(name)
    measured = None if report is None else _read_report(report, folder)
    with hub_client(repo) as hub, tempfile.TemporaryDirectory() as place:
        for path in sorted(folder.path.iterdir()):
            if path.is_file() and any(fnmatch(path.name, kind) for kind in KINDS):
                copyfile(path, Path(place) / path.name)
        card = Path(place) / CARD
        text = card.read_text(encoding="utf-8") if card.is_file() else f"# {folder.config.name}\n"
        card.write_text(hub_card(folder.config, text, measured, licence), encoding="utf-8")
        hub.create_repo(repo, private=private, exist_ok=True)
        done = hub.HfApi().upload_folder(
            repo_id=repo, folder_path=place, commit_message=f"Publish {folder.identity}"
        )
    return str(done.commit_url)


def hub_card(
    config: ModelConfig,
    card: str,
    report: Mapping[str, Any] | None = None,
    licence: str | None = None,
) -> str:
    """Return a model card with the header that the hub reads: a `model-index` of what was measured.

    Args:
        config: The model's configuration.
        card: The card as people read it; a header that it has already is replaced.
        report: What `samehand evaluate` wrote to report.json on this model, or None.
        licence: The model's licence, as the hub spells it, or None.

    Raises:
        MissingExtraError: The hub's client, which knows how the header is written, is not
            installed.
    """
    with hub_client(config.name) as hub:
        results = _of_report(config, report) if report else _of_calibration(config)
        header = hub.ModelCardData(
            license=licence,
            library_name="samehand",
            tags=_TAGS,
            model_name=config.name,
            eval_results=[hub.EvalResult(**result) for result in results],
        ).to_yaml()
    body = card.split("\n---\n", 1)[1] if card.startswith("---\n") else card
    return f"---\n{header.strip()}\n---\n\n{body.lstrip()}"


def _of_report(config: ModelConfig, report: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the figures of the model itself, stratum by stratum, as the hub names them."""
    protocol = report["protocol"]
    return [
        _result(metric, found["metrics"][metric], f"{protocol['name']}: {found['stratum']} pairs")
        | {"dataset_config": found["stratum"], "dataset_revision": protocol["content_hash"]}
        for found in report["results"]
        if found["system"] == config.name
        for metric in _METRICS
        if found["metrics"][metric] is not None
    ]


def _of_calibration(config: ModelConfig) -> list[dict[str, Any]]:
    rate = config.calibration.points["eer"].error_rate
    return [_result("eer", rate, f"{config.calibration.artists} calibration artists")]


def _result(metric: str, value: float, dataset: str) -> dict[str, Any]:
    return {
        "task_type": "image-feature-extraction",
        "task_name": "artist verification",
        "dataset_type": "paintings",
        "dataset_name": dataset,
        "metric_type": metric,
        "metric_name": _METRICS[metric],
        "metric_value": round(value, 4),
    }


def _read_report(path: Path, folder: ModelFolder) -> Mapping[str, Any]:
    try:
        report = read_json(path.read_text(encoding="utf-8"))
        _of_report(folder.config, report)
        model = report["model"]
    except OSError as error:
        raise ModelError(f"cannot read {path}: {error.strerror}; name a report.json") from error
    except (ValueError, KeyError, TypeError) as error:
        raise ModelError(
            f"{path} is not a report.json of samehand evaluate; name the one in its --out folder"
        ) from error
    if model != folder.identity:
        raise ModelError(
            f"{path} has the figures of {model}, not of {folder.identity}; evaluate this one first"
        )
    return dict(report)
