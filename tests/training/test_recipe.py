from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from samehand.errors import RecipeError
from samehand.training.recipe import Recipe, load_recipe, read_recipe

RECIPES = sorted((Path(__file__).parents[2] / "recipes").glob("*.toml"))

LEAST = 'name = "x"\n[[stages]]\nepochs = 1\n'


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_every_shipped_recipe_loads(path):
    recipe = load_recipe(path)
    assert recipe.name == path.stem
    assert recipe.epochs >= 1 or recipe.discriminant
    # A run's config.json holds the recipe, and export reads it back.
    assert read_recipe(recipe.model_dump(mode="json")) == recipe


def test_there_are_recipes():
    assert "lite0" in {path.stem for path in RECIPES}


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("colour = 1\n" + LEAST, "colour"),
        (LEAST + "[model]\nbackbones = 1\n", "model.backbones"),
        (LEAST + "[augment]\nblur = 1\n", "augment.blur"),
        (LEAST + "[loss]\nmargins = 0.1\n", "loss.margins"),
        (LEAST + "[batch]\nsize = 8\n", "batch.size"),
        (LEAST + "[optimiser]\nrate = 1\n", "optimiser.rate"),
        (LEAST + "[serve]\nsides = 1\n", "serve.sides"),
        (LEAST + "sizes = 64\n", "stages.0.sizes"),
    ],
)
def test_unknown_keys_are_named(tmp_path, text, place):
    assert place in refusal(tmp_path, text)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("[[stages]]\nepochs = 1\n", "name"),
        ('name = "x"\n', "stages"),
        ('name = "x"\nstages = []\n', "stages"),
        ("seed = -1\n" + LEAST, "seed"),
        ("patience = -1\n" + LEAST, "patience"),
        ('per_epoch = "many"\n' + LEAST, "per_epoch"),
        (LEAST + "size = 16\n", "stages.0.size"),
        (LEAST + "[[stages]]\nepochs = 0\n", "stages.1.epochs"),
        (LEAST + '[model]\npooling = "max"\n', "model.pooling"),
        (LEAST + "[model]\nwidth = 0\n", "width"),
        (LEAST + "[model]\ndropout = 1.0\n", "dropout"),
        (LEAST + "[augment]\nsmallest_crop = 0.0\n", "smallest_crop"),
        (LEAST + "[augment]\nexposure = 1.5\n", "exposure"),
        (LEAST + '[loss]\nkind = "triplet"\n', "loss.kind"),
        (LEAST + "[loss]\nscale = 0.0\n", "loss.scale"),
        (LEAST + "[batch]\nartists = 1\n", "batch.artists"),
        (LEAST + "[batch]\nper_artist = 1\n", "batch.per_artist"),
        (LEAST + "[optimiser]\naverage = 1.0\n", "optimiser.average"),
        (LEAST + "[optimiser]\nwarmup = 1.0\n", "optimiser.warmup"),
        (LEAST + "[optimiser]\nhead_rate = nan\n", "optimiser.head_rate"),
        (LEAST + '[serve]\nviews = ["whole", "upside-down"]\n', "serve.views.1"),
        (LEAST + "[serve]\nviews = []\n", "serve.views"),
        (LEAST + '[serve]\nviews = ["centre", "whole"]\n', 'has to be "whole"'),
        (LEAST + '[serve]\nnormalisation = "z-norm"\n', "serve.normalisation"),
        (LEAST + "[serve]\nneighbours = 1\n", "serve.neighbours"),
    ],
)
def test_bad_values_are_named(tmp_path, text, place):
    assert place in refusal(tmp_path, text)


def test_files_that_are_no_recipe_are_named(tmp_path):
    assert "is not valid TOML" in refusal(tmp_path, "name = \n")
    assert "cannot read the recipe" in refusal(tmp_path, b'name = "\xff"\n')
    missing, folder = tmp_path / "missing.toml", tmp_path / "folder.toml"
    folder.mkdir()
    for path in (missing, folder):
        with pytest.raises(RecipeError, match=str(path)) as caught:
            load_recipe(path)
        assert "\n" not in str(caught.value)


def refusal(folder, content):
    """Write a recipe, and return the one sentence with which it is refused."""
    path = folder / "recipe.toml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(RecipeError) as caught:
        load_recipe(path)
    sentence = str(caught.value)
    assert str(path) in sentence
    assert "\n" not in sentence
    return sentence.replace(str(path), "")


@given(st.lists(st.tuples(st.integers(1, 5), st.integers(32, 300)), min_size=1, max_size=6))
def test_the_size_of_an_epoch_is_that_of_its_stage(stages):
    recipe = Recipe(name="x", stages=[{"epochs": n, "size": size} for n, size in stages])
    by_epoch = [size for epochs, size in stages for _ in range(epochs)]
    assert recipe.epochs == len(by_epoch)
    assert [recipe.size_at(epoch) for epoch in range(len(by_epoch))] == by_epoch


def test_a_recipe_cannot_be_changed():
    recipe = Recipe(name="x", stages=[{"epochs": 1}])
    with pytest.raises(ValidationError, match="frozen"):
        recipe.seed = 1
