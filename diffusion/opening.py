"""What a file of weights gives: a model, text encoders, a VAE, a ControlNet, an image encoder."""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import NamedTuple

import torch
from torch import nn

from diffusion.blocks import counted
from diffusion.checkpoint import Header, Part, WeightFile
from diffusion.clip import alone
from diffusion.clip_vision import ClipVision, side_px, vision_part
from diffusion.control_lora import MARK, ControlLora
from diffusion.controlnet import ControlNet
from diffusion.errors import MissingPart, UnknownCheckpoint
from diffusion.families import FAMILIES
from diffusion.family import Family
from diffusion.memory import Handle, Memory
from diffusion.model import Model, Tower, Vae
from diffusion.parts import vae_part
from diffusion.recognition import recognised, with_own_preview
from diffusion.t2i import adapter
from diffusion.taesd import SPACES, is_half, is_joined, open_joined
from diffusion.unclip import following

LOADERS: Mapping[str, str] = MappingProxyType(
    {"diffusion model": "Load Diffusion Model", "text encoder": "Load CLIP", "VAE": "Load VAE"}
)
"""The node that loads a part from a file of its own."""


class Lone(NamedTuple):
    """A text encoder in a file of its own, and which it is."""

    name: str
    network: Handle


class Beside(NamedTuple):
    """What a checkpoint holds beside its model."""

    towers: tuple[Tower, ...]
    vae: Vae


def open_model(file: WeightFile, memory: Memory, rounded: torch.dtype | None = None) -> Model:
    """The diffusion model of a file. rounded: a smaller number format to bring its weights to.

    Raises UnknownCheckpoint if no family recognises the file.
    """
    family = with_own_preview(recognised(file.header), file.header)
    part = family.parts(file.header).network
    network = handle(file, memory, part and replace(part, rounded=rounded), "diffusion model")
    prediction, noise, own = family.sampling(file.header, file.tensor)
    told = family.augmentation and family.augmentation(file)
    channels = input_channels(network)
    return following(Model(family, noise, prediction, network, channels, latent=own, augmentation=told), file)


def open_beside(file: WeightFile, memory: Memory, family: Family) -> Beside:
    """The text encoder and the VAE of a checkpoint of a family."""
    parts = family.parts(file.header)
    towers = tuple(
        Tower(reading, handle(file, memory, part, "text encoder"))
        for reading, part in zip(family.readings, parts.texts, strict=True)
    )
    vae = handle(file, memory, parts.vae, "VAE")
    return Beside(towers, Vae(family.name, vae, family.latent.channels, family.latent.downscale))


def open_text(file: WeightFile, memory: Memory) -> Lone:
    """The text encoder of a file that holds nothing else. Raises UnknownCheckpoint if it holds none."""
    found = alone(file.header)
    if found is None:
        raise UnknownCheckpoint(
            f"{file.path.name} is not a text encoder this program knows.",
            "Known are CLIP-L, OpenCLIP-H and OpenCLIP-bigG.",
        )
    return Lone(found.name, Handle(found.part, file, memory))


def open_vision(file: WeightFile, memory: Memory) -> ClipVision:
    """The image encoder of a file. Raises UnknownCheckpoint if it holds none."""
    part = vision_part(file.header)
    if part is None:
        raise UnknownCheckpoint(
            f"{file.path.name} is not an image encoder this program knows.", "Known are those of CLIP."
        )
    return ClipVision(Handle(part, file, memory), side_px(file.header, part))


def open_own_vision(file: WeightFile, memory: Memory) -> ClipVision:
    """The image encoder of a checkpoint. Raises MissingPart if it has none."""
    if vision_part(file.header) is None:
        raise MissingPart(
            f"{file.path.name} has no image encoder inside.",
            "Choose one that reads pictures (unCLIP, Stable Zero123), or use Load Checkpoint.",
        )
    return open_vision(file, memory)


def open_vae(file: WeightFile, memory: Memory) -> Vae:
    """The VAE of a file. Raises UnknownCheckpoint if it holds none, MissingPart if it is half of one."""
    if is_joined(file.header):
        return open_joined(file, memory)
    part = vae_part(file.header)
    if part is None and is_half(file.header):
        raise MissingPart(
            f"{file.path.name} is one half of a TAESD.",
            f"Put encoder and decoder into models/vae_approx, and choose {' or '.join(SPACES)}.",
        )
    if part is None:
        raise UnknownCheckpoint(
            f"{file.path.name} is not a VAE this program knows.", "Known are TAESD and VAEs of the KL kind."
        )
    channels = part.shape(file.header, "decoder.conv_in.weight")[1]
    doublings = counted(part.sources, "decoder.up_blocks") - 1
    return Vae(None, Handle(part, file, memory), channels, 2**doublings)


def open_controlnet(file: WeightFile, memory: Memory) -> ControlNet:
    """The ControlNet, Control-LoRA or T2I-Adapter of a file. Raises UnknownCheckpoint if it holds none."""
    if file.header.has(MARK):
        return ControlNet(ControlLora(file, memory), None)
    if (found := adapter(file.header)) is not None:
        return ControlNet(Handle(found.part, file, memory), found.family, adapts=found.channels)
    for family in FAMILIES:
        part = family.control and family.control(file.header)
        if part is not None:
            averages = "shuffle" in file.path.name.lower()
            kinds = union_kinds(file.header, part)
            return ControlNet(Handle(part, file, memory), family.name, averages, kinds=kinds)
    tried = ", ".join(family.title for family in FAMILIES if family.control)
    raise UnknownCheckpoint(
        f"{file.path.name} is not a ControlNet this program knows.", f"Known are ControlNets for {tried}."
    )


def handle(file: WeightFile, memory: Memory, part: Part | None, title: str) -> Handle:
    """A handle on a part of a file; if it has no such part, one that says so when it is used."""
    return Handle(part or absent(file.path.name, title), file, memory)


def absent(name: str, title: str) -> Part:
    """A part that is not in the file; building it says so."""
    lack = MissingPart(
        f"{name} has no {title} inside.",
        f"Choose a complete version of this model, or load the {title} alone with {LOADERS[title]}.",
    )

    def refuse() -> nn.Module:
        raise lack

    return Part(title, "network", refuse, {}, lack=lack)


def union_kinds(header: Header, control: Part) -> int:
    """How many kinds of hints a ControlNet tells apart; 0 if it does not."""
    key = control.sources.get("task_embedding")
    return header.shape(key)[0] if key else 0


def input_channels(network: Handle) -> int:
    """How many channels a U-Net reads: 4, or more if it is made for inpainting."""
    key = network.part.sources.get("conv_in.weight")
    return network.file.header.shape(key)[1] if key else 4
