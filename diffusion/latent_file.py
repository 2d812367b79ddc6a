"""Latents in files of their own: safetensors with the ending `.latent`, as the field has them."""

from collections.abc import Mapping
from pathlib import Path

import torch

from diffusion.checkpoint import WeightFile
from diffusion.errors import BrokenFile
from diffusion.saving import Described, write_tensors
from diffusion.values import Latent

SUFFIX = ".latent"
SAMPLES, MARK = "latent_tensor", "latent_format_version_0"
OLD_SCALE = 1 / 0.18215
"""Files without the mark hold latents in the space of Stable Diffusion 1."""


def write_latent(latent: Latent, path: Path, texts: Mapping[str, str]) -> None:
    """Write a latent's samples, with texts inside; masks and noise are not kept."""
    samples = latent.samples.float()
    parts = {SAMPLES: samples, MARK: samples.new_empty(0)}
    described = [Described(name, part.dtype, tuple(part.shape)) for name, part in parts.items()]
    write_tensors(path, described, parts.values(), texts)


def read_latent(path: Path) -> Latent:
    """The latent of a file. Raises BrokenFile if it holds none."""
    file = WeightFile(path)
    if not file.header.has(SAMPLES) or len(file.header.shape(SAMPLES)) < 4:
        raise BrokenFile(f"{path.name} holds no latent.", "Choose a file made by Save Latent.")
    samples = file.tensor(SAMPLES).to(torch.float32, copy=True)  # the file may change or go
    return Latent(samples if file.header.has(MARK) else samples * OLD_SCALE)
