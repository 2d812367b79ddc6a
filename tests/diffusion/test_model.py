import pytest
import torch

from diffusion.controlnet import ControlNet
from diffusion.errors import OutOfMemory
from diffusion.model import Model, TextEncoder, Vae, blocks, checked, room, working_bytes
from tests import tiny

TOKENS = torch.randn(1, 77, tiny.WIDTH, generator=torch.Generator().manual_seed(2))
X = torch.randn(2, 4, 8, 8, generator=torch.Generator().manual_seed(3)) * 5


class Stop(BaseException):
    """What a check raises to end a forward."""


def reference(x: torch.Tensor, sigma: float, timestep: int, in_channels: int = 4) -> torch.Tensor:
    """The clean latent by the library's own network, epsilon prediction written out."""
    network = tiny.unet(in_channels=in_channels)
    fed = torch.cat((X / (sigma**2 + 1) ** 0.5, x), 1) if in_channels > 4 else x / (sigma**2 + 1) ** 0.5
    return X - sigma * network(fed, timestep, encoder_hidden_states=TOKENS.expand(2, -1, -1)).sample


@pytest.fixture
def model(checkpoint) -> Model:
    return checkpoint.model


def test_a_model_denoises_as_the_library_s_network_does(model):
    sigma = model.noise.sigmas[700]
    denoised = model.denoised(X, sigma, TOKENS.expand(2, -1, -1))
    assert torch.allclose(denoised, reference(X, sigma, 700), atol=1e-4)


def test_the_clean_latent_is_float32_whatever_the_network_computes_in(model):
    model.network.memory.precision = "bfloat16"
    assert model.denoised(X, 3.0, TOKENS.expand(2, -1, -1)).dtype == torch.float32


def test_bfloat16_is_close_to_float32(model, tiny_models):
    short = tiny.library(tiny_models).checkpoint(tiny.CHECKPOINT).model
    short.network.memory.precision = "bfloat16"
    one, other = (each.denoised(X, 1.0, TOKENS.expand(2, -1, -1)) for each in (model, short))
    assert (one - other).abs().max() < 0.1


def test_rows_of_a_batch_do_not_influence_each_other(model):
    both = model.denoised(X, 3.0, TOKENS.expand(2, -1, -1))
    assert torch.allclose(both[:1], model.denoised(X[:1], 3.0, TOKENS), atol=1e-5)


def test_a_check_is_called_between_the_blocks(model):
    calls = []
    model.denoised(X[:1], 3.0, TOKENS, check=lambda: calls.append(1))
    assert len(calls) > 10


def test_what_a_check_raises_ends_the_forward(model):
    def stop() -> None:
        raise Stop

    with pytest.raises(Stop):
        model.denoised(X[:1], 3.0, TOKENS, check=stop)


def test_no_hook_stays_on_the_network_after_a_stop(model):
    with model.network.resident() as module, pytest.raises(Stop), checked(blocks(module), lambda: None):
        raise Stop
    assert not any(part._forward_pre_hooks for part in module.modules())


def test_running_out_of_memory_is_told_with_what_to_lower(model):
    def full() -> None:
        raise torch.OutOfMemoryError

    with pytest.raises(OutOfMemory, match="2 pictures of 64 x 64 pixels at once. Lower the width"):
        model.denoised(X, 3.0, TOKENS.expand(2, -1, -1), check=full)


def test_a_picture_that_cannot_fit_is_refused_before_the_network_runs(model):
    huge, ran = torch.zeros(1, 4, 1, 1).expand(1, 4, 2**20, 2**20), []
    said = "to denoise a picture of 8388608 x 8388608 pixels: that needs .* GB, and .* GB are free"
    with (
        pytest.raises(OutOfMemory, match=said) as refused,
        model.network.resident() as module,
        room(huge, module, model.network.memory, 8),
    ):
        ran.append(module)
    assert (ran, refused.value.hint) == ([], "Lower the width, the height or the batch size.")


def test_the_memory_a_picture_needs_grows_with_its_cells(model):
    with model.network.resident() as module:
        one, four = (working_bytes(torch.zeros(1, 4, side, side), module) for side in (64, 128))
    assert (one > 0, four) == (True, 4 * one)


def test_an_inpainting_network_sees_the_mask_and_the_picture_unscaled(library):
    model = library.checkpoint(tiny.INPAINTING).model
    beside, sigma = torch.randn(2, 5, 8, 8), model.noise.sigmas[500]
    denoised = model.denoised(X, sigma, TOKENS.expand(2, -1, -1), concat=beside)
    assert torch.allclose(denoised, reference(beside, sigma, 500, in_channels=9), atol=1e-4)


def test_an_inpainting_network_without_a_mask_repaints_all_of_a_grey_picture(library):
    model = library.checkpoint(tiny.INPAINTING).model
    beside = torch.tensor([1.0, 0.8223, -0.6876, 0.6364, 0.1380]).view(1, 5, 1, 1).expand(2, 5, 8, 8)
    one, other = (model.denoised(X, 3.0, TOKENS.expand(2, -1, -1), concat=c) for c in (None, beside))
    assert torch.equal(one, other)


def test_pictures_of_odd_sizes_are_denoised(model):
    x = torch.randn(1, 4, 7, 9)
    assert model.denoised(x, 3.0, TOKENS).shape == x.shape


def test_a_patched_model_is_another_value(model):
    patched = model.with_patches()
    assert patched is not model and patched.network is model.network


def test_the_latent_goes_into_the_network_s_space_and_back(model):
    assert torch.allclose(model.latent_out(model.latent_in(X)), X, atol=1e-5)


def test_every_value_says_which_socket_it_fits():
    assert [kind.socket for kind in (Model, TextEncoder, Vae, ControlNet)] == [
        "MODEL",
        "CLIP",
        "VAE",
        "CONTROL_NET",
    ]
