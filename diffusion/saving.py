"""Networks with their patches written to files of weights, one tensor after another."""

import json
import logging
import math
import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn

from diffusion.checkpoint import DTYPES, Part
from diffusion.clip_vision import ClipVision
from diffusion.errors import DiffusionError
from diffusion.memory import Handle, Patch, by_weight
from diffusion.model import Model, TextEncoder, Vae
from diffusion.noise_range import NoiseRange, continuous_edm, linear_betas
from diffusion.prediction import EPSILON, VELOCITY
from diffusion.taesd import DECODER, ENCODER, SCALE, SHIFT
from diffusion.values import NOTHING

log = logging.getLogger(__name__)

NETWORK, VAE, TEXT = "model.diffusion_model.", "first_stage_model.", ("cond_stage_model.", "conditioner.")
BESIDE = ("v_pred", "ztsnr", "edm_mean", "edm_std", "edm_vpred.", "noise_augmentor.", "cc_projection.")
"""What a checkpoint has beside its networks that says how its diffusion model is used."""
SAMPLING = ("v_pred", "ztsnr", "edm_vpred.")
"""Those of it that say what the model predicts and at which noise levels."""
VISION, OPEN_VISION = "clip_vision.", "cond_stage_model.model.visual."
"""What the names of an image encoder start with in a checkpoint, and where they are OpenCLIP's."""
OWN_TEXT = "text_model."
"""What a text encoder's names start with in a file of its own, but for OpenCLIP's."""
CODES = {dtype: code for code, dtype in DTYPES.items()}


class Saved(NamedTuple):
    """A network to write: its patches, and what the names of its tensors start with.

    numbers: tensors of one number each that are written after it. texts: what the metadata says anew.
    """

    network: Handle
    patches: tuple[Patch, ...]
    prefix: str
    numbers: Mapping[str, float] = NOTHING
    texts: Mapping[str, str] = NOTHING


def network_of(model: Model) -> Saved:
    """A diffusion model under the names it has in a checkpoint."""
    return Saved(model.network, model.patches, NETWORK)


def beside(model: Model) -> Saved:
    """What the checkpoint of a diffusion model has beside its networks, under the same names.

    What the model predicts and at which noise levels is told anew, if that is not as the file has it.
    """
    file = model.network.file
    was = model.family.sampling(file.header, file.tensor)
    is_told = was.prediction is model.prediction and are_same(was.noise, model.noise)
    kept = tuple(key for key in file.header.entries if key.startswith(BESIDE))
    if not is_told:
        kept = tuple(key for key in kept if not key.startswith(SAMPLING))
    part = Part("marks", "network", nn.Identity, {}, surplus=kept)
    told = (NOTHING, NOTHING) if is_told else marks(model)
    return Saved(Handle(part, file, model.network.memory), (), "", *told)


def marks(model: Model) -> tuple[Mapping[str, float], Mapping[str, str]]:
    """What tells in a checkpoint how its diffusion model is sampled: numbers, and texts of the metadata.

    Told in the log if there is no way to say it, as with what predicts the clean latent.
    """
    noise, family = model.noise, model.family
    is_velocity, low, high = model.prediction is VELOCITY, noise.sigma_min, noise.sigma_max
    if is_velocity and family.name == "sdxl" and are_same(noise, continuous_edm(low, high)):
        return {"edm_vpred.sigma_min": low, "edm_vpred.sigma_max": high}, {}
    for zero_terminal in (False, True):
        found = linear_betas(*family.betas, zero_terminal=zero_terminal)
        if (is_velocity or model.prediction is EPSILON) and are_same(noise, found):
            said = {"v_pred": is_velocity, "ztsnr": zero_terminal}
            kind = "v_prediction" if is_velocity else "epsilon"
            return {name: 1.0 for name, is_so in said.items() if is_so}, {"prediction_type": kind}
    log.warning(
        "a checkpoint has no way to say that its model predicts %s at these noise levels: "
        "say it again after loading it",
        model.prediction.name,
    )
    return {}, {}


def are_same(one: NoiseRange, other: NoiseRange) -> bool:
    """Whether two ranges have the same levels, to rounding, and tell a network the same time for them."""
    return (
        len(one.table) == len(other.table)
        and torch.allclose(one.table, other.table, rtol=1e-4)
        and math.isclose(one.timestep(1.0), other.timestep(1.0), abs_tol=1e-4)
    )


def vae_of(vae: Vae, prefix: str = "") -> list[Saved]:
    """A VAE, under the names it has in a file of its own unless told otherwise.

    Raises DiffusionError if it is a TAESD and told otherwise: no checkpoint has one.
    """
    if vae.encoder is None or vae.space is None:
        return [Saved(vae.network, (), prefix)]
    if prefix:
        raise DiffusionError(
            "A TAESD has no place in a checkpoint.", "Connect another VAE, or keep this one with VAESave."
        )
    numbers = {SCALE: vae.space.scale, SHIFT: vae.space.shift}
    return [Saved(vae.encoder, (), ENCODER), Saved(vae.network, (), DECODER, numbers)]


def vision_of(encoder: ClipVision) -> Saved:
    """An image encoder under the names it has in a checkpoint that reads pictures instead of text."""
    return Saved(encoder.network, (), OPEN_VISION if is_open(encoder.network) else VISION)


def texts_of(encoder: TextEncoder) -> list[Saved]:
    """A text encoder under the names it has in a checkpoint.

    Raises DiffusionError if it does not come from one: names in files of their own are others.
    """
    for tower in encoder.towers:
        if not tower.network.part.prefix.startswith(TEXT):
            raise DiffusionError(
                f"The text encoder of {tower.network.file.path.name} does not come from a checkpoint.",
                "Connect one from Load Checkpoint.",
            )
    return [Saved(tower.network, tower.patches, tower.network.part.prefix) for tower in encoder.towers]


def alone(encoder: TextEncoder) -> dict[str, Saved]:
    """The towers of a text encoder by name, each under the names it has in a file of its own."""
    return {
        tower.reading.name: Saved(tower.network, tower.patches, "" if is_open(tower.network) else OWN_TEXT)
        for tower in encoder.towers
    }


def is_open(clip: Handle) -> bool:
    """Whether an encoder of texts or images lies in its file as OpenCLIP has it."""
    return any("transformer.resblocks." in key for key in clip.part.sources.values())


def write_weights(parts: Sequence[Saved], path: Path, texts: Mapping[str, str]) -> None:
    """Write networks to one safetensors file, in the formats they are stored in, with texts inside.

    What the settings in their files' metadata say is kept.
    """
    metadata = {key: text for part in parts for key, text in part.network.file.header.metadata.items()}
    metadata |= {key: text for part in parts for key, text in part.texts.items()}
    described = chain.from_iterable(map(descriptions, parts))
    write_tensors(path, described, chain.from_iterable(map(tensors, parts)), metadata | dict(texts))


class Described(NamedTuple):
    """What a file says of a tensor before it comes."""

    name: str
    dtype: torch.dtype
    shape: tuple[int, ...]


def write_tensors(
    path: Path, described: Iterable[Described], tensors: Iterable[Tensor], metadata: Mapping[str, str]
) -> None:
    """Write a safetensors file, one tensor after another; they come in the order they are described in."""
    header: dict[str, object] = {"__metadata__": dict(metadata)}
    place = 0
    for name, dtype, shape in described:
        size = math.prod(shape) * dtype.itemsize
        header[name] = {"dtype": CODES[dtype], "shape": shape, "data_offsets": (place, place + size)}
        place += size
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for tensor in tensors:
            file.write(tensor.cpu().contiguous().view(-1).view(torch.uint8).numpy().data)


def descriptions(part: Saved) -> Iterator[Described]:
    """What the new file says of each tensor."""
    old = part.network.part
    for key in keys(part):
        entry = part.network.file.header.entries[key]
        yield Described(renamed(key, old.prefix, part.prefix), entry.dtype, entry.shape)
    for name in part.numbers:
        yield Described(name, torch.float32, ())


def renamed(key: str, old: str, new: str) -> str:
    """A key under another prefix; a text encoder's projection lies beside what has the prefix."""
    if not key.startswith(old):
        old, new = old.removesuffix(OWN_TEXT), new.removesuffix(OWN_TEXT)
    return new + key.removeprefix(old)


def keys(part: Saved) -> list[str]:
    """The keys of the old file, each once."""
    old = part.network.part
    return list(dict.fromkeys((*old.sources.values(), *old.surplus)))


def tensors(part: Saved) -> Iterator[Tensor]:
    """The tensors of the new file, in the order of `keys`."""
    network, found = part.network, by_weight(part.patches)
    names: dict[str, list[str]] = {}
    for name, key in network.part.sources.items():
        names.setdefault(key, []).append(name)
    for key in keys(part):
        stored = network.file.tensor(key)
        inside = names.get(key, [])
        if any(name in found for name in inside):
            stored = patched(network, inside, found).to(stored.dtype).reshape(stored.shape)
        yield stored.reshape(-1)
    yield from map(torch.tensor, part.numbers.values())


def patched(network: Handle, names: list[str], patches: Mapping[str, list[Patch]]) -> Tensor:
    """A stored tensor from the weights it is made of, with their patches, in float32."""
    pieces = network.part.pieces
    made = []
    for name in sorted(names, key=lambda name: pieces[name].index if name in pieces else 0):
        weight = network.part.weight(network.file, name).float()
        for patch in patches.get(name, ()):
            weight = patch.applied(name, weight)
        made.append(weight.T if name in pieces and pieces[name].transposed else weight)
    return torch.cat(made)
