import pytest
import torch
from safetensors.torch import save_file
from torch.nn.functional import interpolate, pixel_unshuffle

from diffusion.checkpoint import WeightFile
from diffusion.errors import UnknownCheckpoint
from diffusion.esrgan import Compact, CompactShape, Rrdb, RrdbShape
from diffusion.memory import Memory
from diffusion.upscale import open_upscaler
from tests import tiny

PICTURE = torch.rand(1, 3, 8, 8, generator=torch.Generator().manual_seed(2))


@pytest.fixture
def opened(tmp_path):
    """Write weights to a file and open it as an upscaler."""

    def open_weights(tensors):
        save_file({key: value.contiguous() for key, value in tensors.items()}, tmp_path / "a.safetensors")
        return open_upscaler(WeightFile(tmp_path / "a.safetensors"), Memory())

    return open_weights


def answer(upscaler, picture=PICTURE) -> torch.Tensor:
    with upscaler.network.resident() as module:
        return module(picture)


@pytest.mark.parametrize("spelling", tiny.UPSCALER_SPELLINGS)
@pytest.mark.parametrize("doublings", [0, 1, 2])
def test_every_spelling_of_a_network_is_the_same_network(opened, spelling, doublings):
    module = tiny.rrdb(doublings)
    upscaler = opened(tiny.spelled(module, spelling))
    assert upscaler.scale == 2**doublings
    assert torch.equal(answer(upscaler), module(PICTURE))


@pytest.mark.parametrize("wrapper", ["params_ema.", "params.", "module.", "state_dict."])
def test_what_a_training_program_puts_around_the_weights_is_taken_off(opened, wrapper):
    tensors = tiny.spelled(tiny.rrdb(1), "new")
    assert opened({wrapper + key: value for key, value in tensors.items()}).scale == 2


def test_a_network_that_takes_several_pixels_as_one_enlarges_by_less(opened):
    module = tiny.rrdb(2, channels=12)
    upscaler = opened(tiny.spelled(module, "new"))
    assert upscaler.scale == 2
    assert answer(upscaler, torch.rand(1, 3, 7, 9)).shape == (1, 3, 14, 18)


def test_pixels_are_shuffled_into_channels_as_the_paper_does():
    module = tiny.rrdb(1, channels=12)
    plain = tiny.rrdb(1, channels=12)
    plain.shape = RrdbShape(3, 3, 4, 2, 2, 1)
    assert torch.equal(module(PICTURE), plain(pixel_unshuffle(PICTURE, 2)))


def test_a_network_without_weights_enlarges_to_nothing():
    module = Rrdb(RrdbShape(3, 3, 4, 2, 1, 2))
    for weight in module.parameters():
        torch.nn.init.zeros_(weight)
    assert torch.equal(module(PICTURE), torch.zeros(1, 3, 32, 32))


@pytest.mark.parametrize("scale", [1, 2, 4])
def test_a_compact_network_is_recognised_by_its_slopes(opened, scale):
    module = tiny.compact(scale)
    upscaler = opened(module.state_dict())
    assert upscaler.scale == scale
    assert torch.equal(answer(upscaler), module(PICTURE))


def test_a_compact_network_without_weights_enlarges_to_nearest_pixels():
    module = Compact(CompactShape(3, 4, 3, 2))
    for weight in module.parameters():
        torch.nn.init.zeros_(weight)
    assert torch.equal(module(PICTURE), interpolate(PICTURE, scale_factor=2, mode="nearest"))


def test_another_network_is_refused_in_a_sentence(opened):
    with pytest.raises(UnknownCheckpoint, match="not an upscaler this program knows"):
        opened({"conv_in.weight": torch.zeros(3, 3, 3, 3)})
