"""TAESD: a tiny network that sees a picture in a latent, for previews (github.com/madebyollin/taesd).

A file numbers the layers of one chain; what has no weights is told by what stands around it.
"""

import re

import torch
from torch import Tensor, nn

from diffusion.blocks import Shapes
from diffusion.checkpoint import Part, WeightFile
from diffusion.errors import BrokenFile
from diffusion.memory import Handle, Memory, loaded

DECODERS = {
    "sd15": "taesd_decoder",
    "zero123": "taesd_decoder",
    "sd2": "taesd_decoder",
    "sdxl": "taesdxl_decoder",
    "sdxl_refiner": "taesdxl_decoder",
    "sd3": "taesd3_decoder",
    "flux": "taef1_decoder",
}
"""How the file for each family is called in the vae_approx folder."""
REACH = 3.0
"""Values of a latent beyond this are pressed together."""


class Pressed(nn.Module):
    """Presses values together beyond a reach."""

    def forward(self, x: Tensor) -> Tensor:
        """Values between -REACH and REACH."""
        return torch.tanh(x / REACH) * REACH


class Block(nn.Module):
    """Three convolutions, and the way around them."""

    def __init__(self, into: int, out: int) -> None:
        super().__init__()
        first, second, third = nn.Conv2d(into, out, 3, padding=1), conv(out, out), conv(out, out)
        self.conv = nn.Sequential(first, nn.ReLU(), second, nn.ReLU(), third)
        self.skip = nn.Conv2d(into, out, 1, bias=False) if into != out else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """Planes of the same height and width."""
        return torch.relu(torch.as_tensor(self.conv(x)) + torch.as_tensor(self.skip(x)))


def conv(into: int, out: int, bias: bool = True) -> nn.Conv2d:
    """A convolution that looks at the neighbours."""
    return nn.Conv2d(into, out, 3, padding=1, bias=bias)


def chain(shapes: Shapes) -> nn.Sequential:
    """The layers that the weights of a decoder are for."""
    numbers = [int(match[0]) for name in shapes if (match := re.match(r"\d+(?=\.)", name))]
    layers: list[nn.Module] = []
    for number in range(max(numbers, default=-1) + 1):
        if (block := shapes.get(f"{number}.conv.0.weight")) is not None:
            layers.append(Block(block[1], block[0]))
        elif (plain := shapes.get(f"{number}.weight")) is not None:
            layers.append(conv(plain[1], plain[0], f"{number}.bias" in shapes))
        else:
            layers.append({0: Pressed(), 2: nn.ReLU()}.get(number) or nn.Upsample(scale_factor=2))
    return nn.Sequential(*layers)


def open_decoder(file: WeightFile, memory: Memory) -> nn.Module:
    """The decoder in a file, on the device: from a latent in the network's space to colours from 0 to 1."""
    shapes = {name: entry.shape for name, entry in file.header.entries.items()}
    if len(shapes.get("1.weight", ())) != 4:
        raise BrokenFile(f"{file.path.name} is not a TAESD decoder.", "Remove it, or download it again.")
    part = Part("preview decoder", "upscaler", lambda: chain(shapes), {name: name for name in shapes})
    return loaded(Handle(part, file, memory), memory.device)
