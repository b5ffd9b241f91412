import json
import shutil
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from safetensors.numpy import save_file

from samehand.errors import ModelError
from samehand.files import sha256_file
from samehand.model import folder as module
from samehand.model.background import served_digest
from samehand.model.folder import (
    COHORT,
    CONFIG,
    ENCODER,
    find_model,
    open_model,
    read_cohort,
    write_cohort,
    write_config,
)
from samehand.model.runtime import BACKBONE
from samehand.verification.verifier import SameHand


@pytest.fixture
def model(tiny_model: Path, tmp_path: Path) -> Path:
    """A copy that may be damaged."""
    return Path(shutil.copytree(tiny_model, tmp_path / "model"))


def edit(model: Path, change: Callable[[dict[str, Any]], object]) -> None:
    values = json.loads((model / CONFIG).read_text())
    change(values)
    (model / CONFIG).write_text(json.dumps(values))


def refusal(model: Path) -> str:
    with pytest.raises(ModelError) as caught:
        SameHand(model)
    message = str(caught.value)
    assert str(model) in message
    assert "\n" not in message
    return message


def test_what_is_written_is_read_back(model: Path):
    opened = open_model(model)
    before = (model / CONFIG).read_bytes()
    write_config(model, opened.config)
    assert (model / CONFIG).read_bytes() == before
    again = open_model(model)
    assert again.config == opened.config
    assert again.identity == opened.identity
    assert asdict(again.config)["views"] == ("whole", "mirror", "centre")


def test_a_cohort_is_stored_to_half_precision_and_read_at_unit_length(tmp_path: Path):
    rows = np.random.default_rng(0).normal(size=(9, 24))
    cohort = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    write_cohort(tmp_path, cohort)
    read = read_cohort(tmp_path)
    assert read.dtype == np.float32
    np.testing.assert_allclose(read, cohort, atol=1e-3)
    np.testing.assert_allclose(np.linalg.norm(read, axis=1), 1, atol=1e-6)


def test_the_identity_changes_with_anything_that_changes_answers(model: Path):
    before = open_model(model).identity
    assert before.startswith("tiny@")
    edit(model, lambda values: values["calibration"].update(slope=3.0))
    assert open_model(model).identity != before


def test_names_are_paths_or_built_in(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "BUILT_IN", tmp_path / "builtin")
    shutil.copytree(model, tmp_path / "builtin" / "lite")
    assert find_model(model) == model
    assert find_model(str(model)) == model
    assert find_model(None) == find_model("lite") == tmp_path / "builtin" / "lite"
    monkeypatch.chdir(tmp_path)
    assert find_model("model") == Path("model")
    for name in (tmp_path / "lite", "runs/lite", "../lite", "lite1", "", "x" * 300):
        with pytest.raises(ModelError, match="no model folder at .*built-in models: lite"):
            find_model(name)


def test_an_absolute_path_to_nothing_is_named(tmp_path: Path):
    with pytest.raises(ModelError, match=f"no model folder at {tmp_path / 'gone'} "):
        SameHand(tmp_path / "gone")


@pytest.mark.parametrize("name", [ENCODER, COHORT])
def test_a_missing_file_is_named(model: Path, name: str):
    (model / name).unlink()
    assert f"lacks {name}" in refusal(model)


@pytest.mark.parametrize("name", [ENCODER, COHORT])
def test_one_altered_byte_is_noticed(model: Path, name: str):
    data = bytearray((model / name).read_bytes())
    data[len(data) // 2] ^= 1
    (model / name).write_bytes(data)
    assert f"{name} is not the file that {CONFIG} describes" in refusal(model)


@pytest.mark.parametrize("version", [0, 1, "2", None])
def test_another_format_is_refused(model: Path, version: object):
    edit(model, lambda values: values.update(format=version))
    assert f"has format {version}, this samehand reads format 2" in refusal(model)


@pytest.mark.parametrize("text", ["", "{", "[]", '"format"', "{}", "null", "\udce9", "7"])
def test_a_damaged_configuration_is_refused(model: Path, text: str):
    (model / CONFIG).write_bytes(text.encode("utf-8", "surrogateescape"))
    assert "is not a model configuration" in refusal(model)


def test_a_configuration_cut_short_is_refused(model: Path):
    whole = (model / CONFIG).read_bytes()
    for share in (0.1, 0.5, 0.95):
        (model / CONFIG).write_bytes(whole[: int(len(whole) * share)])
        refusal(model)


@pytest.mark.parametrize(
    "training", ["[" * 100_000 + "]" * 100_000, '"' + "x" * 2**24 + '"'], ids=["deep", "large"]
)
def test_a_configuration_that_no_export_writes_is_refused(model: Path, training: str):
    whole = (model / CONFIG).read_text()
    (model / CONFIG).write_text(whole.replace('"training": {', f'"training": {{"a": {training}, '))
    assert "no" in refusal(model)


def test_unknown_and_missing_keys_are_named(model: Path):
    edit(model, lambda values: values.update(colour="blue"))
    assert "colour" in refusal(model)
    edit(model, lambda values: (values.pop("colour"), values.pop("neighbours")))
    assert "neighbours" in refusal(model)


def test_unknown_and_missing_keys_of_the_calibration_are_named(model: Path):
    edit(model, lambda values: values["calibration"].update(colour="blue"))
    assert "colour" in refusal(model)
    edit(
        model,
        lambda values: (values["calibration"].pop("colour"), values["calibration"].pop("slope")),
    )
    assert "slope" in refusal(model)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("name", 7),
        ("size", "32"),
        ("size", 0),
        ("size", True),
        ("views", []),
        ("views", "whole"),
        ("views", ["whole", "upside-down"]),
        ("views", 3),
        ("views", ["whole", "whole"]),
        ("name", ""),
        ("name", "n" * 201),
        ("name", "\x1b[31mred"),
        ("name", "two\nlines"),
        ("name", "turned \u202e"),
        ("name", "half \ud800"),
        ("normalisation", "none of these"),
        ("neighbours", 8.0),
        ("neighbours", 61),
        ("strangeness_limit", "high"),
        ("strangeness_limit", True),
        ("strangeness_limit", [1.6]),
        ("strangeness_limit", float("nan")),
        ("strangeness_limit", float("inf")),
        ("one_style", "narrow"),
        ("one_style", []),
        ("fast", {}),
        ("calibration", None),
        ("files", []),
        ("files", {}),
        ("training", "long"),
    ],
)
def test_values_that_cannot_be_served_are_refused(model: Path, key: str, value: object):
    edit(model, lambda values: values.update({key: value}))
    refusal(model)


def test_parts_that_a_model_may_lack_may_be_null(model: Path):
    nothing = dict.fromkeys(("one_style", "fast", "attribution", "strangeness_limit"))
    edit(model, lambda values: values.update(nothing))
    config = open_model(model).config
    found = config.one_style, config.fast, config.attribution, config.novelty_limit
    assert found == (None,) * 4


def test_a_cohort_of_another_model_is_refused(model: Path):
    write_cohort(model, np.eye(60, dtype=np.float32)[:, :24] + np.eye(1, 24, dtype=np.float32))
    assert "its hash differs" in refusal(model)


def install_cohort(model: Path, tensors: dict[str, np.ndarray]) -> None:
    save_file(tensors, model / COHORT)
    edit(model, lambda values: values["files"].update({COHORT: sha256_file(model / COHORT)}))


def test_a_cohort_of_another_width_is_refused(model: Path):
    install_cohort(model, {"cohort": np.eye(60, dtype=np.float16)})
    assert "cohort of width 60 and an encoder of width 24" in refusal(model)


@pytest.mark.parametrize("value", [0.0, np.nan, 2.0])
def test_a_cohort_that_is_not_of_unit_length_is_refused(model: Path, value: float):
    install_cohort(model, {"cohort": np.full((60, 24), value, np.float16)})
    assert "does not hold unit embeddings" in refusal(model)


def test_a_cohort_without_its_tensor_or_of_another_shape_is_refused(model: Path):
    install_cohort(model, {"something": np.eye(60, dtype=np.float16)})
    assert "cannot read" in refusal(model)
    install_cohort(model, {"cohort": np.ones(60, np.float16)})
    assert "cannot read" in refusal(model)


def with_outside_weights(model: Path, location: str, *, listed: bool) -> bytes:
    """Move the encoder's projection into a file that it finds at `location`; return its bytes."""
    graph = onnx.load(model / ENCODER)
    (tensor,) = [t for t in graph.graph.initializer if t.name == "projection"]
    data = onnx.numpy_helper.to_array(tensor).tobytes()
    onnx.external_data_helper.set_external_data(tensor, location, 0, len(data))
    tensor.ClearField("raw_data")
    onnx.save(graph, model / ENCODER)
    files = {ENCODER: sha256_file(model / ENCODER)}
    if listed:
        (model / BACKBONE).write_bytes(data)
        files[BACKBONE] = sha256_file(model / BACKBONE)
    edit(model, lambda values: values["files"].update(files))
    return data


def test_a_backbone_in_a_file_of_its_own_answers_as_before(model: Path, work_of):
    picture = work_of(3, 1)
    before = SameHand(model)
    with_outside_weights(model, BACKBONE, listed=True)
    after = SameHand(model)
    np.testing.assert_array_equal(after.embed([picture]), before.embed([picture]))
    assert after.embedder.config.digest != before.embedder.config.digest


def test_a_backbone_belongs_to_the_digest_of_embeddings_and_of_evidence(model: Path):
    with_outside_weights(model, BACKBONE, listed=True)
    one = open_model(model)
    (model / BACKBONE).write_bytes((model / BACKBONE).read_bytes()[::-1])
    edit(model, lambda values: values["files"].update({BACKBONE: sha256_file(model / BACKBONE)}))
    two = open_model(model)
    assert one.config.files[ENCODER] == two.config.files[ENCODER]
    assert one.embedder.digest != two.embedder.digest
    assert served_digest(one.config) != served_digest(two.config)


def test_a_backbone_is_checked_like_the_other_files(model: Path):
    data = with_outside_weights(model, BACKBONE, listed=True)
    (model / BACKBONE).write_bytes(b"\1" + data[1:])
    assert f"{BACKBONE} is not the file that {CONFIG} describes" in refusal(model)
    (model / BACKBONE).unlink()
    assert f"lacks {BACKBONE}" in refusal(model)


@pytest.mark.parametrize("listed", [False, True])
@pytest.mark.parametrize(
    "location", ["/etc/passwd", "../secret", f"./{BACKBONE}", COHORT, "*/_ORT_MEM_ADDR_/*", ""]
)
def test_a_graph_that_would_read_another_file_is_refused(
    model: Path, location: str, *, listed: bool
):
    (model.parent / "secret").write_bytes(bytes(100_000))
    with_outside_weights(model, location, listed=listed)
    message = refusal(model)
    assert f"{ENCODER} would read the file {ascii(location)}" in message
    assert "unless you trust" in message


def test_a_backbone_that_is_not_listed_is_not_read(model: Path):
    data = with_outside_weights(model, BACKBONE, listed=False)
    (model / BACKBONE).write_bytes(data)
    assert f"would read the file '{BACKBONE}'" in refusal(model)


def test_a_configuration_that_lists_a_file_of_another_folder_is_refused(model: Path):
    digest = sha256_file(model / COHORT)
    shutil.copy(model / COHORT, model.parent / COHORT)
    edit(model, lambda values: values["files"].update({f"../{COHORT}": digest}))
    assert "files" in refusal(model)
