"""How wide convolutions of small planes are computed, where the library's kernel is slow."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

MOST_CELLS = 512
"""In all planes of a batch; with more, the library's kernel is faster."""
LEAST_WEIGHTS = 1 << 22


class Convolution(nn.Conv2d):
    """A convolution by 3 x 3; in bfloat16 on a CPU, where weights outnumber cells, as one matrix product.

    The library lays such weights out anew at every call, which takes longer than to multiply by them.
    """

    def forward(self, planes: Tensor) -> Tensor:
        """From [batch, channel, height, width] to planes of the same size."""
        weight = self.weight
        if not suits(planes, weight):
            return super().forward(planes)
        batch, channels, height, width = planes.shape
        padded = F.pad(planes.permute(0, 2, 3, 1), (0, 0, 1, 1, 1, 1)).contiguous()
        image, row, cell, number = padded.stride()
        around = padded.as_strided(
            (batch, height, width, 3, 3, channels), (image, row, cell, row, cell, number)
        ).reshape(-1, 9 * channels)
        made = F.linear(around, weight.permute(0, 2, 3, 1).flatten(1), self.bias)
        return made.view(batch, height, width, -1).permute(0, 3, 1, 2)


def suits(planes: Tensor, weight: Tensor) -> bool:
    """Whether a matrix product is faster."""
    return (
        planes.device.type == "cpu"
        and planes.dtype == torch.bfloat16
        and len(planes) * planes.shape[-2] * planes.shape[-1] <= MOST_CELLS
        and weight.numel() >= LEAST_WEIGHTS
        and weight.is_contiguous(memory_format=torch.channels_last)
    )


def convolving(module: nn.Module) -> nn.Module:
    """The network, whose convolutions by 3 x 3 that keep the size of planes are computed as here."""
    for part in module.modules():
        if type(part) is nn.Conv2d and shape(part) == ((3, 3), (1, 1), (1, 1), (1, 1), 1, "zeros"):
            part.__class__ = Convolution
    return module


def shape(part: nn.Conv2d) -> tuple[Any, ...]:
    """Everything that says how a convolution goes over planes."""
    return part.kernel_size, part.stride, part.padding, part.dilation, part.groups, part.padding_mode
