import numpy as np
import pytest
import torch

from samehand.errors import RecipeError
from samehand.images.decode import decode_file
from samehand.images.views import render_views
from samehand.networks.discriminant import discriminants
from samehand.networks.encoder import Encoder, EncoderConfig
from samehand.networks.export import served
from samehand.training.discriminate import join, start_from_discriminants
from samehand.training.recipe import Recipe

SIZE = 64


@pytest.fixture(scope="module")
def paintings(tmp_path_factory, work_of):
    folder = tmp_path_factory.mktemp("paintings")
    paths, labels = [], []
    for artist in range(3):
        for work in range(4):
            paths.append(folder / f"{artist}-{work}.png")
            work_of(artist, work).resize((SIZE, SIZE)).save(paths[-1])
            labels.append(artist)
    return paths, np.array(labels)


def encoder(backbone: str = "efficientnet-lite0", frozen: int = 6) -> Encoder:
    config = EncoderConfig(backbone, "statistics", width=8, frozen_blocks=frozen)
    return Encoder(config, pretrained=False)


def pictures(paths):
    views = [render_views(decode_file(path).image, ("whole",), SIZE) for path in paths]
    return torch.from_numpy(np.concatenate(views))


def unit(rows):
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def test_training_starts_from_discriminants_of_standardised_features(paintings) -> None:
    paths, labels = paintings
    torch.manual_seed(0)
    network = encoder().eval()
    with torch.inference_mode():
        features = network.features(pictures(paths)).numpy()
    centres = start_from_discriminants(network, paths, labels, size=SIZE, ridge=2.0)
    standard = (features - features.mean(0)) / (features.std(0) + 1e-3)
    projection = discriminants(standard, labels, width=8, ridge=2.0)
    expected = unit(standard @ projection)
    with torch.inference_mode():
        found = network(pictures(paths)).numpy()
    np.testing.assert_allclose(found @ found.T, expected @ expected.T, atol=5e-3)
    for artist in range(3):
        np.testing.assert_allclose(centres[artist], found[labels == artist].mean(0), atol=5e-3)


def members_of(count, backbone, paths, labels):
    members = []
    for seed in range(count):
        torch.manual_seed(seed)
        members.append(encoder(backbone, frozen=0).eval())
        start_from_discriminants(members[-1], paths, labels, size=SIZE, ridge=2.0)
    return members


@pytest.mark.parametrize("count", [1, 2])
def test_joined_encoders_are_discriminants_of_what_they_say_together(
    paintings, resnet, count
) -> None:
    paths, labels = paintings
    members = members_of(count, resnet, paths, labels)
    with torch.inference_mode():
        before = np.concatenate([m(pictures(paths)).numpy() for m in members], axis=1)
    joined = join(members, paths, labels, size=SIZE, ridge=4.0)
    mean = before.mean(0)
    expected = unit((before - mean) @ discriminants(before - mean, labels, width=8, ridge=4.0))
    with torch.inference_mode():
        embedding, patches, strangeness = served(joined)(pictures(paths))
        alone = joined(pictures(paths))
    assert embedding.shape == (12, 8)
    assert patches.shape == (12, 64, 8)
    assert strangeness.shape == (12,)
    torch.testing.assert_close(embedding, alone)
    np.testing.assert_allclose(embedding @ embedding.T, expected @ expected.T, atol=5e-3)
    torch.testing.assert_close(patches.norm(dim=2), torch.ones(patches.shape[:2]))


def test_frozen_parts_stay_as_they_are() -> None:
    network = encoder().train()
    frozen = network.backbone.blocks()[:6]
    assert not any(p.requires_grad for block in frozen for p in block.parameters())
    assert all(p.requires_grad for p in network.backbone.blocks()[6].parameters())
    before = {name: value.clone() for name, value in network.named_buffers()}
    network(torch.rand(2, 3, SIZE, SIZE))
    for name, value in network.named_buffers():
        torch.testing.assert_close(value, before[name])


def test_more_frozen_blocks_than_there_are_are_refused() -> None:
    config = EncoderConfig("efficientnet-lite0", "statistics", frozen_blocks=99)
    with pytest.raises(RecipeError, match="frozen_blocks"):
        Encoder(config, pretrained=False)


def test_discriminants_need_statistics() -> None:
    with pytest.raises(ValueError, match="statistics"):
        Recipe.model_validate({"name": "x", "stages": [{"epochs": 1}], "discriminant": {}})
