"""TAESD: a tiny VAE, whose decoder also makes previews (github.com/madebyollin/taesd).

Its latents are those of the diffusion model's own space. A file numbers the layers of one chain: convolutions
and blocks of three, again and again. Encoder and decoder are a file each, or lie in one.
"""

import re
from collections.abc import Mapping
from functools import partial
from itertools import pairwise
from types import MappingProxyType
from typing import Literal, NamedTuple, TypeAlias

import torch
from torch import nn

from diffusion.blocks import Shapes
from diffusion.checkpoint import DOWNLOAD_AGAIN, Header, WeightFile
from diffusion.errors import BrokenFile, UnknownCheckpoint
from diffusion.family import LatentFormat
from diffusion.memory import Handle, Memory, loaded
from diffusion.model import Vae
from diffusion.parts import part

Side: TypeAlias = Literal["encoder", "decoder"]

SPACES: Mapping[str, LatentFormat] = MappingProxyType(
    {
        "taesd": LatentFormat(4, 8, 0.18215),
        "taesdxl": LatentFormat(4, 8, 0.13025),
        "taesd3": LatentFormat(16, 8, 1.5305, 0.0609),
        "taef1": LatentFormat(16, 8, 0.3611, 0.1159),
    }
)
"""The spaces they are made for, by the names of their files up to `_encoder` or `_decoder`."""
SUITED: Mapping[str, str] = MappingProxyType(
    {
        "sd15": "taesd",
        "zero123": "taesd",
        "sd2": "taesd",
        "lotus": "taesd",
        "sdxl": "taesdxl",
        "sdxl_refiner": "taesdxl",
    }
)
"""Which of them suits a family."""
ENCODER, DECODER, SCALE, SHIFT = "taesd_encoder.", "taesd_decoder.", "vae_scale", "vae_shift"
"""In a file that holds both networks: what their weights start with, and the numbers of their space."""
BUFFERS = 4
"""Planes of all pixels at once for each channel while such a network works: 4.0 decoding, 4.1 encoding."""


class Half(NamedTuple):
    """The encoder or the decoder, and how many channels its latents have."""

    network: Handle
    channels: int
    downscale: int


def open_half(file: WeightFile, memory: Memory, side: Side, prefix: str = "") -> Half:
    """One of the two networks, whose keys start with a prefix. Raises BrokenFile if there is none."""
    shapes = {name: file.header.shape(key) for name, key in file.header.under(prefix).items()}
    plain = numbered(shapes, "weight")
    if len(plain) < 2:
        raise BrokenFile(f"{file.path.name} holds no TAESD {side}.", "Download it again, or use another.")
    blocks = numbered(shapes, "conv.0.weight")
    depths = tuple(sum(first < block < last for block in blocks) for first, last in pairwise(plain))
    width, into, *_ = shapes[f"{plain[0]}.weight"]
    out = shapes[f"{plain[-1]}.weight"][0]
    first = 1 if side == "decoder" else 0  # a decoder's file counts what presses the latents together, too
    names = {str(number): f"{side}.layers.{number - first}" for number in (*plain, *blocks)}
    build = partial(network, side, into, out, depths, width)
    found = part(f"TAESD {side}", build, file.header, prefix, names, "vae")
    channels = into if side == "decoder" else out
    return Half(Handle(found, file, memory), channels, 2 ** (len(depths) - 1))


def numbered(shapes: Shapes, name: str) -> list[int]:
    """The numbers of the layers that have a convolution of that name, in order."""
    found = (re.fullmatch(rf"(\d+)\.{re.escape(name)}", key) for key in shapes if len(shapes[key]) == 4)
    return sorted(int(match[1]) for match in found if match)


def network(side: Side, into: int, out: int, depths: tuple[int, ...], width: int) -> nn.Module:
    """One of the two networks, by its name, as a part. depths: how many blocks follow each convolution."""
    from diffusers.models.autoencoders.vae import DecoderTiny, EncoderTiny

    widths = (width,) * len(depths)
    if side == "encoder":
        return nn.ModuleDict({side: EncoderTiny(into, out, depths, widths, "relu")})
    return nn.ModuleDict({side: DecoderTiny(into, out, depths, widths, 2, "relu", "nearest")})


def open_previewer(file: WeightFile, memory: Memory) -> nn.Module:
    """The decoder in a file, on the device: from a latent in the network's space to colours from -1 to 1."""
    half = open_half(file, memory, "decoder").network.computing_in(torch.float32)
    return loaded(half, memory.device).get_submodule("decoder")


def joined(encoder: Half, decoder: Half, space: LatentFormat) -> Vae:
    """The VAE of two networks. Raises BrokenFile if they are not for latents of that space."""
    for half in (encoder, decoder):
        if (half.channels, half.downscale) != (space.channels, space.downscale):
            raise BrokenFile(
                f"{half.network.file.path.name} has latents of {half.channels} channels, 1/{half.downscale} "
                f"of the picture's size, but {space.channels} channels and 1/{space.downscale} are needed.",
                "Download it again, or use another.",
            )
    sizes = space.channels, space.downscale
    return Vae(None, decoder.network, *sizes, encoder=encoder.network, space=space, buffers=BUFFERS)


def open_joined(file: WeightFile, memory: Memory) -> Vae:
    """The VAE in a file that holds both networks. Raises BrokenFile if one is missing or does not fit."""
    encoder = open_half(file, memory, "encoder", ENCODER)
    decoder = open_half(file, memory, "decoder", DECODER)
    return joined(encoder, decoder, space_of(file, decoder))


def space_of(file: WeightFile, half: Half) -> LatentFormat:
    """The space that a file says it is for: by its numbers, else by how its name begins.

    Raises UnknownCheckpoint if it says nothing.
    """
    if file.header.has(SCALE):
        shift = number(file, SHIFT) if file.header.has(SHIFT) else 0.0
        return LatentFormat(half.channels, half.downscale, number(file, SCALE), shift)
    stem = file.path.name.lower()
    known = [name for name in SPACES if stem.startswith(name)]
    if not known:
        raise UnknownCheckpoint(
            f"{file.path.name} does not say which model's latents it is for.",
            f"Let its name begin with {', '.join(SPACES)}.",
        )
    return SPACES[max(known, key=len)]


def number(file: WeightFile, key: str) -> float:
    """A tensor that is one number, not 0 where it scales. Raises BrokenFile if it is not."""
    value = file.tensor(key).float()
    if value.numel() != 1 or not value.isfinite().all() or (key == SCALE and not value.any()):
        raise BrokenFile(f"{file.path.name} has a {key} that cannot be used.", DOWNLOAD_AGAIN)
    return float(value)


def is_joined(header: Header) -> bool:
    """Whether a file calls its weights as one does that holds both networks."""
    return header.has(f"{ENCODER}0.weight") or header.has(f"{DECODER}1.weight")


def is_half(header: Header) -> bool:
    """Whether a file holds one of the two networks alone."""
    return header.has("1.conv.0.weight") or header.has("3.conv.0.weight")
