import pytest
import torch
from safetensors.torch import save_file
from torch.nn.functional import interpolate

from diffusion.checkpoint import WeightFile
from diffusion.enlarger import Enlarger
from diffusion.errors import BrokenFile, UnknownCheckpoint
from diffusion.memory import Memory
from diffusion.upscale import open_upscaler
from tests import tiny

PICTURE = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(2))
NETWORKS = {
    "ESRGAN": (1, "ESRGAN", {"num_filters": 4, "num_blocks": 2, "scale": 1}),
    "Compact": (2, "Compact", {"num_feat": 4, "num_conv": 3, "upscale": 2}),
    "SPAN": (2, "SPAN", {"num_in_ch": 3, "num_out_ch": 3, "feature_channels": 8, "upscale": 2}),
    "PLKSR": (2, "RealPLKSR", {"dim": 16, "n_blocks": 1, "upscaling_factor": 2}),
    "RealCUGAN": (2, "UpCunet2x", {}),
    "OmniSR": (2, "OmniSR", {"num_feat": 16, "up_scale": 2}),
    "SAFMN": (2, "SAFMN", {"dim": 8, "n_blocks": 1, "upscaling_factor": 2}),
    "SwinIR": (
        2,
        "SwinIR",
        {"embed_dim": 12, "depths": [2], "num_heads": [2], "window_size": 8, "upscale": 2}
        | {"mlp_ratio": 2, "upsampler": "pixelshuffle"},
    ),
    "DAT": (2, "DAT", {"embed_dim": 16, "depth": [2], "num_heads": [2], "split_size": [8, 8], "upscale": 2}),
}
"""By the architecture: how much it enlarges, its class, and the options of a small one."""


@pytest.fixture
def opened(tmp_path):
    """Write weights to a file and open it as an upscaler."""

    def open_weights(tensors):
        save_file({key: value.contiguous() for key, value in tensors.items()}, tmp_path / "a.safetensors")
        return open_upscaler(WeightFile(tmp_path / "a.safetensors"), Memory())

    return open_weights


def answer(upscaler, picture=PICTURE) -> torch.Tensor:
    with upscaler.network.resident() as module:
        assert isinstance(module, Enlarger)
        return module(picture)


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_is_recognised_and_enlarges_as_its_library_does(opened, name):
    scale, kind, options = NETWORKS[name]
    module = tiny.randomised(5, lambda: getattr(tiny.enlarging(name), kind)(**options))
    made = answer(opened(module.state_dict()))
    assert made.shape == (1, 3, 64 * scale, 64 * scale)
    assert torch.allclose(made, module(PICTURE).clamp(0, 1), atol=1e-5)


@pytest.mark.parametrize("wrapper", ["params_ema.", "params.", "module.", "state_dict."])
def test_what_a_training_program_puts_around_the_weights_is_taken_off(opened, wrapper):
    module = tiny.rrdb(2)
    wrapped = opened({wrapper + key: value for key, value in module.state_dict().items()})
    assert torch.allclose(answer(wrapped), module(PICTURE).clamp(0, 1), atol=1e-6)


def test_a_network_that_takes_several_pixels_as_one_enlarges_by_less(opened):
    module = tiny.rrdb(2, shuffle=2)
    made = answer(opened(module.state_dict()))
    assert torch.allclose(made, module(PICTURE).clamp(0, 1), atol=1e-6) and made.shape[-1] == 128


def test_what_a_network_cannot_take_is_padded_meanwhile(opened):
    upscaler = opened(tiny.rrdb(2, shuffle=2).state_dict())
    assert answer(upscaler, torch.rand(1, 3, 7, 9)).shape == (1, 3, 14, 18)


def test_a_network_for_grey_pictures_is_given_colour_by_colour(opened):
    grey = tiny.rrdb(2, colours=1)
    made = answer(opened(grey.state_dict()))
    assert torch.allclose(made[:, 1:2], grey(PICTURE[:, 1:2]).clamp(0, 1), atol=1e-5)


def test_a_compact_network_without_weights_enlarges_to_nearest_pixels(opened):
    module = tiny.enlarging("Compact").Compact(num_feat=4, num_conv=3, upscale=2)
    weights = {key: torch.zeros_like(value) for key, value in module.state_dict().items()}
    assert torch.equal(answer(opened(weights)), interpolate(PICTURE, scale_factor=2, mode="nearest"))


def test_a_network_that_was_let_go_is_loaded_as_it_was(opened):
    scale, kind, options = NETWORKS["SwinIR"]
    options = options | {"upscale": 2 * scale, "upsampler": "nearest+conv", "start_unshuffle": 2}
    module = tiny.randomised(5, lambda: getattr(tiny.enlarging("SwinIR"), kind)(**options))
    weights = {key.replace("conv_first.", "conv_first.1."): each for key, each in module.state_dict().items()}
    upscaler = opened(weights)
    before = answer(upscaler)
    upscaler.network.memory.evict_idle()
    assert torch.equal(answer(upscaler), before)


def test_another_network_is_refused_in_a_sentence(opened):
    with pytest.raises(UnknownCheckpoint, match="not an upscaler this program knows"):
        opened({"conv_in.weight": torch.zeros(3, 3, 3, 3)})


def test_a_network_that_lacks_weights_is_refused_in_a_sentence(opened):
    weights = tiny.rrdb(2).state_dict()
    del weights["model.1.sub.0.RDB2.conv2.0.weight"]
    with pytest.raises(BrokenFile, match=r"a\.safetensors cannot be built: .*RDB2"):
        answer(opened(weights))


def test_a_network_that_the_library_gives_up_without_a_word_is_refused_in_a_sentence(opened):
    layers = {f"{part}_mean": ("weight", "bias") for part in ("sub", "add")}
    layers |= {f"head.0.{place}": ("weight", "bias") for place in ("0", "1.body.0", "1.body.2")}
    layers |= {f"head.0.2.body.{place}": ("weight",) for place in (0, 2)} | {"tail.0.1": ("weight", "bias")}
    inner = ("self_attn.in_proj_weight", "self_attn.out_proj.weight", "linear1.weight", "linear2.weight")
    crossed = ("multihead_attn.in_proj_weight", "multihead_attn.out_proj.weight")
    layers |= {"body.encoder.layers.0": inner, "body.decoder.layers.0": (*inner, *crossed)}
    weights = {f"{layer}.{each}": torch.zeros(3, 3) for layer, ends in layers.items() for each in ends}
    with pytest.raises(BrokenFile, match=r"a\.safetensors cannot be built\."):
        answer(opened(weights | {"sub_mean.bias": torch.zeros(3)}))
