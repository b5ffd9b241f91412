import numpy as np
import onnxruntime
import pytest
import torch
from torch import nn

from samehand.networks.export_pair import export_map_encoder, export_pair_head
from samehand.networks.siamese import Siamese, SiameseConfig

LAYERS = ("backbone", "difference", "pooling", "dropout", "dense", "sigmoid")


@pytest.fixture(autouse=True, scope="module")
def _one_thread(one_thread):
    pass


def images(count, size, seed):
    return torch.rand(count, 3, size, size, generator=torch.Generator().manual_seed(seed))


def tiny(resnet, size=64, seed=0, **changes):
    torch.manual_seed(seed)
    return Siamese(SiameseConfig(**{"backbone": resnet, "dropout": 0.0} | changes), size, False)


@pytest.mark.parametrize(
    ("backbone", "head", "pooled"),
    [
        ("resnet18", "max", 512),
        ("resnet18", "flatten", 25_088),
        ("resnet34", "max", 512),
        ("vgg16", "flatten", 25_088),
    ],
)
def test_the_layers_have_the_shapes_of_the_report(backbone, head, pooled):
    torch.manual_seed(0)
    network = Siamese(SiameseConfig(backbone, head), 224, pretrained=False)
    shapes = {}
    for name in LAYERS:
        getattr(network, name).register_forward_hook(
            lambda _, __, output, name=name: shapes.update({name: tuple(output.shape)})
        )
    with torch.inference_mode():
        chance = network.eval().probability(images(1, 224, 0), images(1, 224, 1))
    assert shapes == {
        "backbone": (1, 512, 7, 7),
        "difference": (1, 512, 7, 7),
        "pooling": (1, pooled),
        "dropout": (1, pooled),
        "dense": (1, 1),
        "sigmoid": (1,),
    }
    assert chance.shape == (1,)
    assert 0 < chance.item() < 1


def test_the_layers_compute_what_the_report_says(resnet):
    network = tiny(resnet).eval()
    left, right = images(3, 64, 1), images(3, 64, 2)
    with torch.inference_mode():
        a, b = (network.backbone(side).numpy() for side in (left, right))
        found = network.probability(left, right).numpy()
    weight = network.dense.weight.detach().numpy()[0]
    bias = network.dense.bias.item()
    for row in range(3):
        pooled = [np.abs(a[row, c] - b[row, c]).max() for c in range(a.shape[1])]
        logit = sum(w * x for w, x in zip(weight, pooled, strict=True)) + bias
        assert found[row] == pytest.approx(1 / (1 + np.exp(-logit)), abs=1e-6)


@pytest.mark.parametrize("head", ["max", "flatten"])
@pytest.mark.parametrize("training", [False, True])
def test_swapping_the_inputs_changes_no_bit(resnet, head, training):
    network = tiny(resnet, head=head, train_backbone=True).train(training)
    left, right = images(5, 64, 1), images(5, 64, 2)
    with torch.no_grad():
        assert torch.equal(network(left, right), network(right, left))


def test_both_towers_share_their_weights(resnet):
    """The gradient of the shared weights is the sum of what each side alone would give."""
    network = tiny(resnet, train_backbone=True).eval()
    left, right = images(2, 64, 1), images(2, 64, 2)

    def gradients(detached):
        network.zero_grad()
        maps = [network.backbone(side) for side in (left, right)]
        maps = [m.detach() if side in detached else m for side, m in enumerate(maps)]
        network.compare(*maps).sum().backward()
        return [p.grad.clone() for p in network.backbone.parameters() if p.grad is not None]

    both, by_left, by_right = gradients(()), gradients((1,)), gradients((0,))
    assert len(both) == len(by_left) == len(by_right) == len(list(network.backbone.parameters()))
    assert any(g.abs().max() > 0 for g in by_left)
    for whole, one, other in zip(both, by_left, by_right, strict=True):
        torch.testing.assert_close(whole, one + other, rtol=1e-4, atol=1e-6)


def test_an_image_against_itself_has_only_the_bias(resnet):
    network = tiny(resnet).eval()
    one = images(1, 64, 1)
    with torch.inference_mode():
        assert network(one, one).item() == network.dense.bias.item()


def test_a_frozen_backbone_learns_nothing(resnet):
    network = tiny(resnet, train_backbone=False).train()
    before = {name: value.clone() for name, value in network.backbone.state_dict().items()}
    optimiser = torch.optim.Adam([p for p in network.parameters() if p.requires_grad], lr=0.1)
    network(images(4, 64, 1), images(4, 64, 2)).sum().backward()
    optimiser.step()
    assert {id(p) for g in optimiser.param_groups for p in g["params"]} == {
        id(p) for p in network.dense.parameters()
    }
    for name, value in network.backbone.state_dict().items():
        assert torch.equal(value, before[name]), name


def test_a_trained_backbone_learns_its_statistics(resnet):
    network = tiny(resnet, train_backbone=True).train()
    before = [m.running_mean.clone() for m in network.modules() if isinstance(m, nn.BatchNorm2d)]
    network(images(4, 64, 1), images(4, 64, 2))
    after = [m.running_mean for m in network.modules() if isinstance(m, nn.BatchNorm2d)]
    assert not any(torch.equal(a, b) for a, b in zip(before, after, strict=True))


@pytest.mark.parametrize("dropout", [-0.1, 1.0])
def test_a_dropout_of_no_sense_is_refused(dropout):
    with pytest.raises(ValueError, match="dropout"):
        SiameseConfig(dropout=dropout)


@pytest.mark.parametrize("head", ["max", pytest.param("flatten", marks=pytest.mark.slow)])
def test_the_exported_graphs_score_as_the_network_does(resnet, tmp_path, head):
    network = tiny(resnet, head=head).eval()
    export_map_encoder(network, tmp_path / "encoder.onnx")
    export_pair_head(network, tmp_path / "head.onnx")
    encoder, pair = (
        onnxruntime.InferenceSession(tmp_path / name) for name in ("encoder.onnx", "head.onnx")
    )
    left, right = images(7, 64, 1), images(7, 64, 2)
    a, b = (encoder.run(["embedding"], {"images": x.numpy()})[0] for x in (left, right))
    assert a.dtype == np.float16
    assert a.shape == (7, network.map_shape.numel())
    patches = encoder.run(["patches"], {"images": left.numpy()})[0]
    np.testing.assert_allclose(np.linalg.norm(patches, axis=2), 1, atol=1e-4)
    found = pair.run(["logit"], {"left": a, "right": b})[0]
    np.testing.assert_array_equal(found, pair.run(["logit"], {"left": b, "right": a})[0])
    with torch.inference_mode():
        expected = network(left, right).numpy()
    np.testing.assert_allclose(found, expected, atol=0.02)
