import pytest
import torch
from torch.nn import functional as F

from samehand.networks.encoder import Encoder, EncoderConfig
from samehand.networks.export import served


def pictures(count=3, size=32, seed=0):
    return torch.rand(count, 3, size, size, generator=torch.Generator().manual_seed(seed))


def make(backbone, pooling="mean", width=5, dropout=0.0):
    """An encoder whose centring has learned something: no statistic is 0 or 1."""
    torch.manual_seed(1)
    encoder = Encoder(EncoderConfig(backbone, pooling, width, dropout)).eval()
    centre = encoder.centre
    with torch.no_grad():
        centre.running_mean.normal_()
        centre.running_var.uniform_(0.5, 2)
        centre.weight.uniform_(0.5, 2)
        if encoder.exponent is not None:
            encoder.exponent.fill_(2.5)
    return encoder


def project(encoder, vector):
    """Projection and centring of one feature vector, coordinate by coordinate."""
    out = []
    for row, mean, var, weight in zip(
        encoder.projection.weight,
        encoder.centre.running_mean,
        encoder.centre.running_var,
        encoder.centre.weight,
        strict=True,
    ):
        out.append(((row * vector).sum() - mean) / (var + encoder.centre.eps) ** 0.5 * weight)
    return torch.stack(out)


def gem(maps, exponent):
    """Generalised mean: the p-th root of the mean of p-th powers, a number at a time."""
    rows = []
    for image in maps:
        means = [
            sum(max(float(x), 1e-6) ** exponent for x in channel.flatten()) / channel.numel()
            for channel in image
        ]
        rows.append([mean ** (1 / exponent) for mean in means])
    return torch.tensor(rows)


@torch.inference_mode()
@pytest.mark.parametrize("pooling", ["mean", "gem"])
@pytest.mark.parametrize("kind", ["resnet", "dinov2"])
def test_embeddings_are_unit_length_and_alone_in_their_batch(pooling, kind, request):
    encoder = make(request.getfixturevalue(kind), pooling)
    images = pictures(4)
    embeddings = encoder(images)
    assert embeddings.shape == (4, 5)
    torch.testing.assert_close(embeddings.norm(dim=1), torch.ones(4))
    for image, embedding in zip(images, embeddings, strict=True):
        torch.testing.assert_close(encoder(image[None])[0], embedding)


@torch.inference_mode()
def test_mean_pooling_by_hand(resnet):
    encoder = make(resnet, "mean")
    maps = encoder.backbone(pictures())
    for embedding, image in zip(encoder(pictures()), maps, strict=True):
        mean = torch.stack([sum(channel.flatten()) / channel.numel() for channel in image])
        torch.testing.assert_close(embedding, F.normalize(project(encoder, mean), dim=0))


@torch.inference_mode()
def test_gem_pooling_by_hand(resnet):
    encoder = make(resnet, "gem")
    maps = encoder.backbone(pictures())
    assert maps.min() >= 0
    assert maps.max() > 0
    for embedding, pooled in zip(encoder(pictures()), gem(maps, 2.5), strict=True):
        expected = F.normalize(project(encoder, pooled), dim=0)
        torch.testing.assert_close(embedding, expected, rtol=1e-4, atol=1e-5)


@torch.inference_mode()
@pytest.mark.parametrize("exponent", [1.0, 60.0])
def test_gem_runs_from_the_mean_to_the_maximum(resnet, exponent):
    encoder = make(resnet, "gem")
    encoder.exponent.fill_(exponent)
    # A few units high and away from zero, as the clamp would raise what lies below.
    maps = 0.1 + torch.rand(2, 16, 4, 4, generator=torch.Generator().manual_seed(2))
    expected = maps.mean(dim=(2, 3)) if exponent == 1 else maps.amax(dim=(2, 3))
    torch.testing.assert_close(
        encoder._pool(maps), expected, rtol=1e-5 if exponent == 1 else 0.06, atol=1e-6
    )


def test_the_exponent_is_learned(resnet):
    encoder = make(resnet, "gem").train()
    # With no weights the squared length of a unit vector would not depend on the exponent.
    (encoder(pictures()) * torch.arange(5.0)).sum().backward()
    assert encoder.exponent.grad.abs() > 0
    assert make(resnet, "mean").exponent is None


@torch.inference_mode()
@pytest.mark.parametrize("pooling", ["mean", "gem"])
def test_patches_are_the_projected_cells_in_reading_order(resnet, pooling):
    encoder = make(resnet, pooling)
    images = pictures(2, 40)
    maps = encoder.backbone(images)
    embeddings, patches, _ = encoder.serve(images)
    rows, columns = maps.shape[2:]
    assert patches.shape == (2, rows * columns, 5)
    torch.testing.assert_close(embeddings, encoder(images))
    for image in range(2):
        for row in range(rows):
            for column in range(columns):
                expected = F.normalize(project(encoder, maps[image, :, row, column]), dim=0)
                found = patches[image, row * columns + column]
                torch.testing.assert_close(found, expected)


@torch.inference_mode()
def test_a_mean_pooled_embedding_is_the_mean_of_its_patches(resnet):
    encoder = make(resnet, "mean")
    maps = encoder.backbone(pictures())
    cells = encoder._project_cells(maps.flatten(2).transpose(1, 2))
    expected = F.normalize(cells.mean(dim=1), dim=1)
    torch.testing.assert_close(encoder(pictures()), expected)


def test_training_centres_each_coordinate_with_no_offset(resnet):
    encoder = make(resnet).train()
    raw = encoder.projection(encoder.backbone(pictures(6)).mean(dim=(2, 3)))
    centred = (raw - raw.mean(dim=0)) / (raw.var(dim=0, unbiased=False) + 1e-5).sqrt()
    expected = F.normalize(centred * encoder.centre.weight, dim=1)
    torch.testing.assert_close(encoder(pictures(6)), expected, rtol=1e-4, atol=1e-5)
    assert not encoder.centre.bias.requires_grad
    assert encoder.projection.bias is None


def test_dropout_acts_in_training_only(resnet):
    encoder = make(resnet, dropout=0.5)
    assert torch.equal(encoder(pictures()), encoder(pictures()))
    encoder.dropout.train()
    assert not torch.equal(encoder(pictures()), encoder(pictures()))


@torch.inference_mode()
def test_the_served_module_evaluates(resnet):
    encoder = make(resnet, dropout=0.5).train()
    embedding, patches, strangeness = served(encoder)(pictures())
    assert not encoder.training
    torch.testing.assert_close(embedding, encoder(pictures()))
    torch.testing.assert_close(patches, encoder.serve(pictures())[1])
    torch.testing.assert_close(strangeness, encoder.serve(pictures())[2])


@pytest.mark.parametrize("wrong", [{"width": 0}, {"dropout": 1.0}, {"dropout": -0.1}])
def test_settings_out_of_range_are_refused_by_name(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        EncoderConfig(**wrong)
