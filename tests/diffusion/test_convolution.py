import pytest
import torch
from torch import nn
from torch.nn.functional import conv2d

from diffusion.convolution import LEAST_WEIGHTS, Convolution, convolving, suits
from diffusion.networks import unet
from tests.diffusion.test_attention import SMALL

GENERATOR = torch.Generator().manual_seed(3)
WIDE = 700


@pytest.fixture(scope="module")
def wide():
    """A convolution with more weights than a small plane has cells."""
    module = nn.Conv2d(WIDE, WIDE, 3, padding=1)
    assert module.weight.numel() > LEAST_WEIGHTS
    module.weight.data = torch.randn(module.weight.shape, generator=GENERATOR) / 80
    return convolving(module.bfloat16().to(memory_format=torch.channels_last).requires_grad_(False))


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_small_planes_come_out_as_near_the_truth_as_by_the_librarys_kernel(wide, layout):
    planes = torch.randn(2, WIDE, 5, 7, generator=GENERATOR).bfloat16().to(memory_format=layout)
    truth = conv2d(planes.float(), wide.weight.float(), wide.bias.float(), padding=1)
    library = conv2d(planes, wide.weight, wide.bias, padding=1).float()
    assert suits(planes, wide.weight)
    ours = wide(planes)
    assert ours.dtype == torch.bfloat16
    assert (ours.float() - truth).pow(2).mean() < 1.5 * (library - truth).pow(2).mean()


def test_what_the_librarys_kernel_is_good_at_is_left_to_it(wide):
    small = torch.zeros(1, WIDE, 4, 4, dtype=torch.bfloat16)
    assert suits(small, wide.weight)
    assert not suits(small.float(), wide.weight.float())
    assert not suits(torch.zeros(1, WIDE, 32, 32, dtype=torch.bfloat16), wide.weight)
    assert not suits(small, wide.weight[:8])
    assert not suits(small, wide.weight.contiguous())


def test_only_convolutions_that_keep_the_size_of_planes_are_changed():
    with torch.device("meta"):
        module = unet(SMALL)
    changed = [name for name, part in module.named_modules() if isinstance(part, Convolution)]
    assert {"mid_block.resnets.0.conv1", "up_blocks.0.upsamplers.0.conv", "conv_in"} <= set(changed)
    assert not any("downsamplers" in name or "conv_shortcut" in name for name in changed)
