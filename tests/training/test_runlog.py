import copy
import json
import resource

import pytest
import torch
from PIL import Image

from samehand.errors import OutputError, RecipeError
from samehand.training.recipe import Recipe
from samehand.training.runlog import RunFolder, draw_curves, load_tensors, save_tensors

CONFIG = {"recipe": {"name": "x", "views": ("whole",)}, "catalogue_sha256": "ab", "versions": {}}

TENSORS = {
    "weights": torch.arange(12.0).reshape(3, 4),
    "steps": torch.tensor(7),
    "flags": torch.tensor([True, False]),
    "half": torch.tensor([0.1, float("nan")], dtype=torch.float16),
}


def test_tensors_come_back_to_the_bit(tmp_path):
    facts = {"epoch": 3, "loss": 0.1 + 0.2, "best": None, "rows": [{"a": 1.0}]}
    save_tensors(tmp_path / "deep" / "a.safetensors", TENSORS, facts)
    tensors, found = load_tensors(tmp_path / "deep" / "a.safetensors")
    assert found == facts
    assert tensors.keys() == TENSORS.keys()
    for name, tensor in TENSORS.items():
        assert tensors[name].dtype == tensor.dtype
        assert torch.equal(tensors[name].nan_to_num(), tensor.nan_to_num())


def test_any_memory_layout_and_learned_tensors_can_be_saved(tmp_path):
    picture = torch.rand(2, 3, 4, 4, requires_grad=True)
    tensors = {
        "channels last": picture.to(memory_format=torch.channels_last),
        "turned": torch.rand(3, 4).T,
    }
    save_tensors(tmp_path / "a.safetensors", tensors, {})
    for name, tensor in load_tensors(tmp_path / "a.safetensors")[0].items():
        assert torch.equal(tensor, tensors[name])


@pytest.mark.parametrize("keep", [0, 5, 60, 0.5, 0.99])
def test_a_damaged_checkpoint_is_refused(tmp_path, keep):
    path = tmp_path / "a.safetensors"
    save_tensors(path, TENSORS, {"epoch": 1})
    whole = path.read_bytes()
    path.write_bytes(whole[: int(keep if keep == 0 or keep > 1 else keep * len(whole))])
    with pytest.raises(RecipeError, match=rf"^cannot read {path}") as caught:
        load_tensors(path)
    assert "\n" not in str(caught.value)


def test_a_file_without_facts_or_no_file_is_refused(tmp_path):
    from safetensors.torch import save_file

    save_file(TENSORS, tmp_path / "other.safetensors")
    for name in ("other.safetensors", "missing.safetensors"):
        with pytest.raises(RecipeError, match=f"cannot read .*{name}"):
            load_tensors(tmp_path / name)


def test_a_full_disk_leaves_the_last_checkpoint(tmp_path):
    path = tmp_path / "a.safetensors"
    save_tensors(path, TENSORS, {"epoch": 1})
    before = path.read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    # Python ignores SIGXFSZ, so that a write beyond the limit fails as on a full disk.
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        with pytest.raises(OutputError, match=f"cannot write {path}"):
            save_tensors(path, {"large": torch.rand(1000)}, {"epoch": 2})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_run_begins_and_is_recognised(tmp_path):
    run = RunFolder(tmp_path / "run")
    assert not run.start(CONFIG)
    assert run.config() == json.loads(json.dumps(CONFIG))
    # Without a checkpoint there is nothing to continue: it simply begins again.
    other = CONFIG | {"recipe": {"name": "y"}}
    assert not run.start(other)
    assert run.config() == other
    assert not run.start(CONFIG)
    save_tensors(run.checkpoint, TENSORS, {})
    assert run.start(CONFIG)
    # Newer packages may continue a run; what began it stays written.
    assert run.start(CONFIG | {"versions": {"torch": "9"}})
    assert run.config() == json.loads(json.dumps(CONFIG))


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"recipe": {"name": "y"}}, "another recipe;"),
        ({"catalogue_sha256": "cd"}, "another catalogue;"),
        ({"recipe": {}, "catalogue_sha256": "cd"}, "another recipe and catalogue;"),
    ],
)
def test_a_changed_run_is_refused(tmp_path, change, named):
    run = RunFolder(tmp_path)
    run.start(CONFIG)
    save_tensors(run.checkpoint, TENSORS, {})
    with pytest.raises(RecipeError, match=rf"^{tmp_path} holds a run with {named}"):
        run.start(CONFIG | change)
    assert run.config() == json.loads(json.dumps(CONFIG))


@pytest.mark.parametrize("content", [None, b"{", b"[]", b"7", b'{"format": 1}', b"\xff"])
def test_other_folders_are_no_run(tmp_path, content):
    if content is not None:
        (tmp_path / "config.json").write_bytes(content)
    with pytest.raises(RecipeError, match=rf"^{tmp_path} is not a run folder"):
        RunFolder(tmp_path).config()
    if content is not None:
        with pytest.raises(RecipeError, match="is not a run folder"):
            RunFolder(tmp_path).start(CONFIG)
        assert (tmp_path / "config.json").read_bytes() == content


def test_history_is_readable_and_drawn(tmp_path):
    history = [
        {"epoch": 1.0, "loss": 3.0, "validation_auc": 0.6, "seconds": 1.0},
        {"epoch": 2.0, "loss": 2.0, "validation_auc": 0.7, "seconds": 2.0},
    ]
    RunFolder(tmp_path).save_history(history)
    assert json.loads((tmp_path / "metrics.json").read_text()) == history
    with Image.open(tmp_path / "curves.png") as curves:
        curves.load()
        assert curves.format == "PNG"
        assert min(curves.size) > 200
        assert len(curves.convert("RGB").getcolors(2**24)) > 10
    assert {path.name for path in tmp_path.iterdir()} == {"metrics.json", "curves.png"}


def test_a_metric_that_was_not_always_measured_is_drawn(tmp_path):
    history = [
        {"epoch": 1.0, "loss": 3.0, "validation_auc": float("nan"), "seconds": 1.0},
        {"epoch": 2.0, "loss": 2.0, "validation_auc": 0.7, "seconds": 2.0},
    ]
    draw_curves(history, tmp_path / "curves.png")
    Image.open(tmp_path / "curves.png").verify()


def test_a_run_goes_on_though_recipes_gained_a_key_since(tmp_path):
    recipe = Recipe.model_validate({"name": "x", "stages": [{"epochs": 1}]}).model_dump(mode="json")
    older = copy.deepcopy(recipe)
    del older["optimiser"]["projection_rate"]
    run = RunFolder(tmp_path)
    run.start({"recipe": older, "catalogue_sha256": "ab"})
    run.checkpoint.write_bytes(b"")
    assert run.refuse_another(recipe, "ab")
    recipe["optimiser"]["projection_rate"] = 1e-3
    with pytest.raises(RecipeError, match="another recipe;"):
        run.refuse_another(recipe, "ab")
