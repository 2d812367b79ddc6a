"""LoRA files: read them, and give a model with their patches; weights are shared, nothing is changed.

Hu et al. 2021 (arXiv:2106.09685): W' = W + strength · scale · up · down. A kind of patch is one function.
"""

import logging
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple, TypeAlias

import torch
from torch import Tensor

from diffusion.checkpoint import Part, WeightFile
from diffusion.errors import BrokenFile, FamilyMismatch
from diffusion.memory import Handle
from diffusion.model import Model, TextEncoder

log = logging.getLogger(__name__)

Change: TypeAlias = Callable[[Tensor, float], Tensor]
"""From a float32 weight and a strength to the changed weight."""

ROLES = (
    (".lora_B.default.weight", "up"),
    (".lora_A.default.weight", "down"),
    (".lora_linear_layer.up.weight", "up"),
    (".lora_linear_layer.down.weight", "down"),
    (".lora.up.weight", "up"),
    (".lora.down.weight", "down"),
    ("_lora.up.weight", "up"),
    ("_lora.down.weight", "down"),
    (".lora_up.weight", "up"),
    (".lora_down.weight", "down"),
    (".lora_mid.weight", "mid"),
    (".lora_B.weight", "up"),
    (".lora_A.weight", "down"),
    (".lora_B", "up"),
    (".lora_A", "down"),
)
"""How a tensor's name ends, and what it is then. Other names end in a dot and the role itself."""


TEXT_SPELLINGS: Mapping[str, tuple[tuple[str, ...], str]] = MappingProxyType(
    {
        "clip_l": (("lora_te", "lora_te1"), "text_encoder"),
        "clip_g": (("lora_te2",), "text_encoder_2"),
        "clip_h": (("lora_te",), "text_encoder"),
    }
)
"""How LoRA files call each text encoder: with underscores, and with dots."""


@dataclass(frozen=True, slots=True)
class Group:
    """The tensors of a LoRA file that change one module, by their role, and their keys in the file."""

    tensors: Mapping[str, Tensor]
    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Lora:
    """What a LoRA file holds: groups of tensors by the module they change, as the file spells it."""

    name: str
    groups: Mapping[str, Group]


@dataclass(frozen=True, slots=True, eq=False)
class LoraPatch:
    """A LoRA on one network: what it does to each weight, and how strongly."""

    name: str
    changes: Mapping[str, Change]
    strength: float

    def names(self) -> Collection[str]:
        """The weights it changes."""
        return self.changes.keys()

    def applied(self, name: str, weight: Tensor) -> Tensor:
        """The changed weight."""
        return self.changes[name](weight, self.strength)


class WithLora(NamedTuple):
    """A model and its text encoder with a LoRA, and the keys of the file that fit neither."""

    model: Model
    text_encoder: TextEncoder
    unmatched: tuple[str, ...]


def read_lora(file: WeightFile) -> Lora:
    """Sort a LoRA file's tensors by the module they change."""
    tensors: dict[str, dict[str, Tensor]] = {}
    keys: dict[str, list[str]] = {}
    for key in file.header.entries:
        module, role = split_role(key)
        tensors.setdefault(module, {})[role] = file.tensor(key)
        keys.setdefault(module, []).append(key)
    if not tensors:
        raise BrokenFile(f"{file.path.name} is empty: it changes nothing.", "Download the file again.")
    return Lora(file.path.name, {name: Group(tensors[name], tuple(keys[name])) for name in tensors})


def split_role(key: str) -> tuple[str, str]:
    """A key as the module it changes and the role of its tensor."""
    for ending, role in ROLES:
        if key.endswith(ending):
            return key.removesuffix(ending), role
    module, _, role = key.rpartition(".")
    return module, role


def with_lora(
    model: Model,
    text_encoder: TextEncoder,
    lora: Lora,
    strength_model: float = 1.0,
    strength_text: float = 1.0,
) -> WithLora:
    """A model and a text encoder with a LoRA on top of what they have.

    Raises FamilyMismatch if it fits neither.
    """
    on_model, first = changes(lora, model.network, model_names(model.network.part))
    on_text: dict[str, dict[str, Change]] = {}
    homeless = first
    for tower in text_encoder.towers:
        name, network = tower.reading.name, tower.network
        on_text[name], others = changes(lora, network, text_names(network.part, name))
        homeless = homeless & others
    if not on_model and not any(on_text.values()):
        raise FamilyMismatch(
            f"{lora.name} does not fit {model.family.title}: "
            f"none of its {len(lora.groups)} parts has a place there.",
            "Choose a LoRA made for this family of models.",
        )
    unmatched = tuple(key for name in lora.groups if name in homeless for key in lora.groups[name].keys)
    if unmatched:
        log.warning("%s: %d keys fit nothing, such as %s", lora.name, len(unmatched), unmatched[0])
    if on_model and strength_model:
        model = model.with_patches(LoraPatch(lora.name, on_model, strength_model))
    for name, found in on_text.items():
        if found and strength_text:
            text_encoder = text_encoder.with_patches(name, LoraPatch(lora.name, found, strength_text))
    return WithLora(model, text_encoder, unmatched)


def changes(lora: Lora, network: Handle, names: Mapping[str, str]) -> tuple[dict[str, Change], set[str]]:
    """What a LoRA does to each weight of a network, and the modules of the file that have no place in it."""
    found: dict[str, Change] = {}
    homeless: set[str] = set()
    for name, group in lora.groups.items():
        wanted = changes_of(group) if name in names else None
        if not wanted:
            homeless.add(name)
            continue
        for suffix, (change, shape) in wanted.items():
            weight = names[name] + suffix
            if weight in network.part.sources:
                require_fit(lora.name, name, shape, network, weight)
                found[weight] = change
    return found, homeless


def require_fit(lora: str, module: str, shape: tuple[int, int], network: Handle, weight: str) -> None:
    """A change must have as many rows and columns as the weight."""
    rows, *rest = network.shape(weight)
    columns = torch.Size(rest).numel()
    if shape != (rows, columns):
        raise FamilyMismatch(
            f"{lora} does not fit {network.file.path.name}: {module} is {shape[0]} x {shape[1]} in the LoRA, "
            f"but {rows} x {columns} in the model.",
            "Choose a LoRA made for this family of models.",
        )


class Sized(NamedTuple):
    """A change, and the rows and columns of the weight it is for."""

    change: Change
    shape: tuple[int, int]


def changes_of(group: Group) -> dict[str, Sized]:
    """What a group does to its module's `.weight` and `.bias`.

    Nothing if any of its tensors is of an unknown kind.
    """
    rest = dict(group.tensors)
    found: dict[str, Sized] = {}
    for kind in KINDS:
        found.update(kind(rest))
    return {} if rest else found


def low_rank(tensors: dict[str, Tensor]) -> Iterator[tuple[str, Sized]]:
    """LoRA: the product of a narrow and a wide matrix, scaled by alpha / rank. Takes its tensors out."""
    if not {"up", "down"} <= tensors.keys():
        return
    up, down = tensors.pop("up"), tensors.pop("down")
    mid, alpha = tensors.pop("mid", None), tensors.pop("alpha", None)
    scale = 1.0 if alpha is None else float(alpha) / down.shape[0]

    def change(weight: Tensor, strength: float) -> Tensor:
        wide = down.float()
        if mid is not None:  # Tucker: the core holds the kernel
            wide = torch.einsum("rskl,si->rikl", mid.float(), wide.flatten(1))
        delta = up.float().flatten(1) @ wide.flatten(1)
        return weight + (strength * scale) * delta.reshape(weight.shape)

    kernel = 1 if mid is None else mid.shape[2:].numel()
    yield ".weight", Sized(change, (up.shape[0], down[0].numel() * kernel))


def difference(tensors: dict[str, Tensor]) -> Iterator[tuple[str, Sized]]:
    """Whole differences, added as they are. Takes its tensors out."""
    for role, suffix in (
        ("diff", ".weight"),
        ("diff_b", ".bias"),
        ("w_norm", ".weight"),
        ("b_norm", ".bias"),
    ):
        if (delta := tensors.pop(role, None)) is not None:
            yield suffix, Sized(adding(delta), (delta.shape[0], delta.shape[1:].numel()))


def adding(delta: Tensor) -> Change:
    """The change that adds a tensor."""
    return lambda weight, strength: weight + strength * delta.float().reshape(weight.shape)


KINDS = (low_rank, difference)


def model_names(part: Part) -> dict[str, str]:
    """How LoRA files spell a diffusion model's modules, each with the library's name of the module."""
    names: dict[str, str] = {}
    for weight, key in part.sources.items():
        if not weight.endswith(".weight"):
            continue
        ours = weight.removesuffix(".weight")
        original = key.removeprefix(part.prefix).removesuffix(".weight")
        for spelling in library_spellings(ours):
            flat = spelling.replace(".", "_")
            for known in (spelling, f"unet.{spelling}", f"base_model.model.{spelling}"):
                names[known] = ours
            names[f"lora_unet_{flat}"] = names[f"lycoris_{flat}"] = ours
        for known in (original, f"diffusion_model.{original}", f"model.diffusion_model.{original}"):
            names[known] = ours
        names[f"lora_unet_{original.replace('.', '_')}"] = ours
    return names


def library_spellings(module: str) -> Iterator[str]:
    """A module's name as the library has it now, and as it had it before."""
    parent, _, last = module.removesuffix(".0").rpartition(".")
    yield module
    if parent.endswith(("attn1", "attn2")) and last.startswith("to_"):
        yield f"{parent}.processor.{last}"
        if last == "to_out":
            yield f"{parent}.to_out"


def text_names(part: Part, encoder: str) -> dict[str, str]:
    """How LoRA files spell a text encoder's modules, each with the library's name of the module."""
    names: dict[str, str] = {}
    flats, place = TEXT_SPELLINGS[encoder]
    for weight in part.sources:
        ours = weight.removesuffix(".weight")
        if ours == weight:
            continue
        flat = ours.replace(".", "_")
        for prefix in flats:
            names[f"{prefix}_text_model_{flat}"] = ours
        for prefix in (f"{place}.text_model.", f"{place}.", "base_model.model.text_model."):
            names[prefix + ours] = ours
    return names
