import numpy as np
import pytest
import torch

from samehand.errors import RecipeError
from samehand.networks.encoder import Encoder, EncoderConfig
from samehand.networks.ensemble import Ensemble
from samehand.networks.statistics import map_statistics


def member(seed: int, width: int = 6) -> Encoder:
    torch.manual_seed(seed)
    config = EncoderConfig("efficientnet-lite0", pooling="statistics", width=width)
    encoder = Encoder(config, pretrained=False).eval()
    with torch.no_grad():
        encoder.feature_mean.copy_(torch.rand(len(encoder.feature_mean)))
        encoder.feature_deviation.copy_(0.5 + torch.rand(len(encoder.feature_mean)))
    return encoder


@pytest.fixture(scope="module")
def members() -> list[Encoder]:
    return [member(0), member(1)]


@pytest.fixture(scope="module")
def ensemble(members: list[Encoder]) -> Ensemble:
    torch.manual_seed(2)
    return Ensemble(members).eval()


@pytest.fixture(scope="module")
def images() -> torch.Tensor:
    return torch.rand(3, 3, 64, 64, generator=torch.Generator().manual_seed(3))


@torch.inference_mode()
def test_embeddings_and_patches_are_projected_side_by_side(ensemble, members, images):
    embedding, patches, _ = ensemble.serve(images)
    parts = [encoder.serve(images) for encoder in members]
    for found, index in ((embedding, 0), (patches, 1)):
        beside = torch.cat([part[index] for part in parts], dim=-1)
        projected = beside @ ensemble.projection.weight.T + ensemble.projection.bias
        torch.testing.assert_close(found, projected / projected.norm(dim=-1, keepdim=True))
    torch.testing.assert_close(embedding, ensemble(images))


@torch.inference_mode()
def test_an_image_is_as_strange_as_its_members_standardised_features(ensemble, members, images):
    expected = np.zeros(3)
    for encoder in members:
        features = map_statistics(encoder.backbone.maps(images)).numpy()
        mean, deviation = encoder.feature_mean.numpy(), encoder.feature_deviation.numpy()
        for row in range(3):
            apart = [
                ((value - centre) / spread) ** 2
                for value, centre, spread in zip(features[row], mean, deviation, strict=True)
            ]
            expected[row] += sum(apart) / len(apart) / len(members)
    np.testing.assert_allclose(ensemble.serve(images)[2].numpy(), expected, rtol=1e-4)


def test_members_of_two_widths_cannot_be_joined(members):
    with pytest.raises(RecipeError, match="widths 5, 6 cannot be joined"):
        Ensemble([members[0], member(4, width=5)])


@torch.inference_mode()
def test_strangeness_sees_what_the_projection_forgets(images):
    encoder = member(0)
    plain, _, before = encoder.serve(images)
    shift = torch.randn(len(encoder.feature_mean), generator=torch.Generator().manual_seed(5))
    weight = encoder.projection.weight
    # What lies outside the rows of the projection changes no embedding.
    shift -= torch.linalg.pinv(weight) @ (weight @ shift)
    encoder.feature_mean -= 300 * shift * encoder.feature_deviation
    moved, _, after = encoder.serve(images)
    torch.testing.assert_close(moved, plain, atol=1e-3, rtol=1e-3)
    assert (after > 5 * before).all()
