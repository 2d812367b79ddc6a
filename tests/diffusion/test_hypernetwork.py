from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from diffusion.errors import FamilyMismatch, UnknownCheckpoint
from diffusion.hypernetwork import Hypernetwork, require_effect
from diffusion.library import ModelLibrary
from diffusion.memory import Memory
from tests import tiny

RANDOM = torch.Generator().manual_seed(46)
X = torch.randn(1, 4, 8, 8, generator=RANDOM) * 3
TOKENS = torch.randn(1, 77, tiny.WIDTH, generator=RANDOM)
STATES = torch.randn(1, 5, tiny.WIDTH, generator=RANDOM)


def network(
    activation: type[nn.Module], *, norm: bool = False, ends: bool = False, width: int = tiny.WIDTH
) -> nn.Sequential:
    """A network as the web UI builds it: matrices, activations and norms in one row, counted through."""
    layers: list[nn.Module] = []
    for rows, columns in ((2 * width, width), (width, 2 * width)):
        layers.append(nn.Linear(columns, rows))
        if activation is not nn.Identity and (rows != width or ends):
            layers.append(activation())
        if norm:
            layers.append(nn.LayerNorm(rows))
    return tiny.randomised(47, lambda: nn.Sequential(*layers))


def pickled(*networks: nn.Sequential, **said: object) -> dict[object, object]:
    """What the web UI saves: for each width the weights of two networks, and what it says of them."""

    def state(module: nn.Module) -> dict[str, Tensor]:
        return {f"linear.{key}": value for key, value in module.state_dict().items()}

    return {each[0].in_features: (state(each), state(each)) for each in networks} | said


@pytest.fixture
def loaded(tmp_path) -> Callable[..., Hypernetwork]:
    """Pickle a hypernetwork and open it."""
    (tmp_path / "hypernetworks").mkdir()
    library = ModelLibrary(
        lambda kind: [tmp_path / kind], Memory("cpu", precision="float32"), tmp_path / "converted"
    )

    def load(value: object) -> Hypernetwork:
        torch.save(value, tmp_path / "hypernetworks" / "style.pt")
        return library.hypernetwork("style.pt")

    return load


def branch(hypernetwork: Hypernetwork, index: int = 0, width: int = tiny.WIDTH) -> Tensor:
    with hypernetwork.network.resident() as module:
        return module.get_submodule(f"{width}.{index}")(STATES)


@pytest.mark.parametrize(
    ("name", "activation"),
    [("linear", nn.Identity), ("relu", nn.ReLU), ("swish", nn.Hardswish), ("mish", nn.Mish)],
)
@pytest.mark.parametrize("norm", [False, True])
@pytest.mark.parametrize("ends", [False, True])
def test_a_pickled_network_computes_what_was_trained(loaded, name, activation, norm, ends):
    module = network(activation, norm=norm, ends=ends)
    said = {"activation_func": name, "is_layer_norm": norm, "activate_output": ends}
    assert torch.allclose(branch(loaded(pickled(module, **said))), module(STATES), atol=1e-5)


def test_a_file_that_says_nothing_has_matrices_one_after_another(loaded):
    module = network(nn.Identity)
    assert torch.allclose(branch(loaded(pickled(module))), module(STATES), atol=1e-5)


def test_the_first_files_called_their_layers_otherwise(loaded):
    module = network(nn.Identity)
    state = {f"linear{int(key[0]) + 1}{key[1:]}": value for key, value in module.state_dict().items()}
    made = loaded({tiny.WIDTH: (state, state)})
    assert torch.allclose(branch(made), module(STATES), atol=1e-5)


@pytest.mark.parametrize("strength", [1.0, -0.5])
def test_keys_and_values_are_read_from_changed_states(loaded, library, strength):
    model = library.checkpoint(tiny.CHECKPOINT).model
    module = network(nn.ReLU)
    made = replace(loaded(pickled(module, activation_func="relu", activate_output=False)), strength=strength)
    unet, sigma = tiny.unet(), model.noise.sigmas[600]
    for name, part in unet.named_modules():
        if name.endswith((".to_k", ".to_v")) and part.in_features == tiny.WIDTH:
            part.register_forward_pre_hook(lambda _part, args: (args[0] + strength * module(args[0]),))
    fed = X / (sigma**2 + 1) ** 0.5
    expected = X - sigma * unet(fed, 600, TOKENS).sample
    assert torch.allclose(model.with_hook(made).denoised(X, sigma, TOKENS), expected, atol=1e-4)


def test_a_network_is_left_as_it_was(loaded, library):
    model = library.checkpoint(tiny.CHECKPOINT).model
    before = model.denoised(X, 3.0, TOKENS)
    changed = model.with_hook(loaded(pickled(network(nn.Identity)))).denoised(X, 3.0, TOKENS)
    assert not torch.allclose(changed, before, atol=1e-3)
    assert torch.equal(model.denoised(X, 3.0, TOKENS), before)


def test_attention_of_another_width_is_not_changed(loaded, library):
    model = library.checkpoint(tiny.CHECKPOINT).model
    made = loaded(pickled(network(nn.Identity, width=5)))
    assert torch.equal(model.with_hook(made).denoised(X, 3.0, TOKENS), model.denoised(X, 3.0, TOKENS))
    with pytest.raises(
        FamilyMismatch, match="style.pt changes attention of the widths 5, but .* is 8, 16 wide"
    ):
        require_effect(made, model.network)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({"weight": torch.zeros(2)}, "style.pt is not a hypernetwork this program knows\\."),
        ({8: ({"linear.0.weight": torch.zeros(8, 8)},)}, "style.pt is not a hypernetwork"),
        (pickled(network(nn.Identity), activation_func="prelu"), "joined by 'prelu'"),
    ],
)
def test_what_is_not_understood_is_told_in_a_sentence(loaded, value, said):
    with pytest.raises(UnknownCheckpoint, match=said):
        loaded(value)


def test_a_hypernetwork_in_safetensors_is_read_too(loaded, tmp_path):
    module = network(nn.Identity)
    state = module.state_dict().items()
    tensors = {
        f"{tiny.WIDTH}.{index}.linear.{key}": value.clone() for index in (0, 1) for key, value in state
    }
    save_file(tensors, tmp_path / "hypernetworks" / "new.safetensors")
    made = tiny.library(tmp_path).hypernetwork("new.safetensors")
    assert torch.allclose(branch(made, 1), module(STATES), atol=1e-5)
