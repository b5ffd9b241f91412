import pytest
import torch


@pytest.fixture(autouse=True, scope="module")
def _small_networks(one_thread):
    """Everything here trains or runs small networks."""


def save(network, folder):
    # A network fresh from its configuration has batch statistics of 0 and 1 and biases of 0,
    # which would hide what a test looks for.
    torch.manual_seed(0)
    for name, tensor in network.state_dict().items():
        if name.endswith("running_var"):
            tensor.uniform_(0.5, 2)
        elif tensor.is_floating_point():
            tensor.normal_(0, 0.3)
    network.save_pretrained(folder)
    return str(folder)


@pytest.fixture(scope="session")
def resnet(tmp_path_factory, _offline):
    from transformers import ResNetConfig, ResNetModel

    config = ResNetConfig(embedding_size=8, hidden_sizes=[8, 16], depths=[1, 1], layer_type="basic")
    return save(ResNetModel(config), tmp_path_factory.mktemp("nets") / "resnet")


@pytest.fixture(scope="session")
def vit(tmp_path_factory, _offline):
    from transformers import ViTConfig, ViTModel

    config = ViTConfig(
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        image_size=32,
        patch_size=8,
    )
    return save(ViTModel(config), tmp_path_factory.mktemp("nets") / "vit")


@pytest.fixture(scope="session")
def dinov2(tmp_path_factory, _offline):
    from transformers import Dinov2WithRegistersConfig, Dinov2WithRegistersModel

    config = Dinov2WithRegistersConfig(
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        mlp_ratio=2,
        image_size=32,
        patch_size=8,
        num_register_tokens=3,
    )
    return save(Dinov2WithRegistersModel(config), tmp_path_factory.mktemp("nets") / "dinov2")


@pytest.fixture(scope="session")
def saved():
    """Save a network with weights that hide nothing; see `save`."""
    return save


@pytest.fixture(scope="session")
def clip(tmp_path_factory, _offline):
    """The image tower of a small CLIP, as a folder of weights without settings."""
    from transformers import CLIPVisionConfig, CLIPVisionModel

    config = CLIPVisionConfig(
        hidden_size=16,
        num_hidden_layers=3,
        num_attention_heads=2,
        intermediate_size=32,
        image_size=32,
        patch_size=8,
    )
    return save(CLIPVisionModel(config), tmp_path_factory.mktemp("nets") / "clip")
