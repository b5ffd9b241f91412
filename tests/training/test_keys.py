"""Keys of recipes: all of them, the one that was meant, and changes from the command line."""

import tomllib
from pathlib import Path

import pytest

from samehand.errors import RecipeError
from samehand.training.keys import change_key, closest_key, keys_of
from samehand.training.recipe import Recipe, SiameseRecipe, load_recipe

RECIPES = Path(__file__).parents[2] / "recipes"


def flat(values, before=""):
    """Every key of a table, those of inner tables and of tables in lists with dots."""
    for name, value in values.items():
        yield before + name
        inner = value if isinstance(value, list) else [value]
        for one in inner:
            if isinstance(one, dict):
                yield from flat(one, f"{before}{name}.")


@pytest.mark.parametrize("path", sorted(RECIPES.glob("*.toml")), ids=lambda path: path.stem)
def test_every_key_of_the_recipes_that_ship_is_listed(path: Path) -> None:
    values = tomllib.loads(path.read_text(encoding="utf-8"))
    kind = SiameseRecipe if values.get("kind") == "siamese" else Recipe
    assert set(flat(values)) <= {name for name, _ in keys_of(kind)}


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("optimizer.head_rate", "optimiser.head_rate"),
        ("model.widht", "model.width"),
        ("stages.0.epoch", "stages.0.epochs"),
        ("epochs", "stages.0.epochs"),
        ("head_rate", "optimiser.head_rate"),
        ("entirely_unlike", None),
    ],
)
def test_a_misspelt_key_is_guessed(written: str, meant: str | None) -> None:
    assert closest_key(written, Recipe) == meant


def test_the_sentence_about_a_misspelt_key_names_the_likely_one() -> None:
    with pytest.raises(RecipeError, match=r"optimiser\.headrate: .*did you mean optimiser\.head_"):
        load_recipe(RECIPES / "lite0.toml", ["optimiser.headrate=1"])


def test_changes_reach_the_recipe_and_leave_the_rest() -> None:
    plain = load_recipe(RECIPES / "lite0.toml")
    changed = load_recipe(
        RECIPES / "lite0.toml",
        ["optimiser.head_rate=1e-3", "stages.0.epochs=7", "name=a b", 'serve.views=["whole"]'],
    )
    assert isinstance(changed, Recipe)
    assert isinstance(plain, Recipe)
    assert changed.optimiser.head_rate == 1e-3
    assert [stage.epochs for stage in changed.stages] == [
        7,
        *(stage.epochs for stage in plain.stages[1:]),
    ]
    assert changed.name == "a b"
    assert changed.serve.views == ("whole",)
    assert changed.model == plain.model
    assert changed.optimiser.backbone_rate == plain.optimiser.backbone_rate


def test_one_changed_rate_leaves_the_rest_of_the_reports_optimiser() -> None:
    plain = load_recipe(RECIPES / "report-lite0-max.toml")
    changed = load_recipe(RECIPES / "report-lite0-max.toml", ["optimiser.head_rate=2e-3"])
    written = load_recipe(RECIPES / "report-resnet18-max.toml")
    assert isinstance(plain, SiameseRecipe)
    assert isinstance(changed, SiameseRecipe)
    assert isinstance(written, SiameseRecipe)
    assert plain.optimiser == written.optimiser
    assert changed.optimiser == plain.optimiser.model_copy(update={"head_rate": 2e-3})


def test_a_recipe_that_is_not_there_is_guessed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(RECIPES.parent)
    for wrong in ("report-lite0-max", "recipes/report-lite0-maxx.toml"):
        with pytest.raises(RecipeError, match=r"did you mean recipes/report-lite0-max\.toml\?"):
            load_recipe(wrong)
    with pytest.raises(RecipeError, match="see the folder recipes/"):
        load_recipe("mine.toml")


def test_a_change_makes_the_table_it_needs() -> None:
    values: dict[str, object] = {"name": "x"}
    change_key(values, "batch.artists = 5")
    assert values == {"name": "x", "batch": {"artists": 5}}


@pytest.mark.parametrize(
    "change", ["no equals", "=3", "stages.9.epochs=1", "stages.x=1", "name.x=1"]
)
def test_changes_that_lead_nowhere_are_refused_in_a_sentence(change: str) -> None:
    with pytest.raises(RecipeError, match=r"^--set .*(key=value|no place)"):
        change_key({"name": "x", "stages": [{"epochs": 1}]}, change)
