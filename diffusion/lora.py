"""LoRA files: read them, and give a model with their patches; weights are shared, nothing is changed.

What the tensors of each kind of LoRA do to a weight stands in `lycoris.py`.
"""

import logging
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import NamedTuple

import torch
from torch import Tensor

from diffusion.blocks import inverted, read_library_unet_shape, translated, unet_names, vector_names
from diffusion.checkpoint import Part, WeightFile
from diffusion.errors import BrokenFile, FamilyMismatch
from diffusion.lycoris import KINDS, Change, Sized, decomposed, plain
from diffusion.memory import Handle
from diffusion.model import Model, TextEncoder

log = logging.getLogger(__name__)

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
    (".lora_magnitude_vector.weight", "dora_scale"),
    (".lora_magnitude_vector.default.weight", "dora_scale"),
    (".lora_magnitude_vector", "dora_scale"),
    *((f".{factor}.weight", factor) for factor in ("a1", "a2", "b1", "b2")),
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
OF_TEXT = ("lora_te", "text_encoder")
"""How the names of modules of any text encoder start."""


@dataclass(frozen=True, slots=True)
class Group:
    """The tensors of a LoRA file that change one module, and their keys in the file, both by their role."""

    tensors: Mapping[str, Tensor]
    keys: Mapping[str, str]


@dataclass(frozen=True, slots=True, eq=False)
class Lora:
    """What a LoRA file holds: groups of tensors by the module they change, as the file spells it."""

    name: str
    groups: Mapping[str, Group]

    def on(self, network: Handle, tower: str | None) -> Callable[[float], "LoraPatch"] | None:
        """The patch on a network, by its strength; None if nothing of it has a place there.

        tower: which text encoder the network is; None is a diffusion model.
        Raises FamilyMismatch if it has a place, but another shape.
        """
        names = model_names(network) if tower is None else text_names(network.part, tower)
        found, homeless = changes(self, network, names)
        if found and tower is None:
            keys_of(self, homeless, without_text=True)
        return partial(LoraPatch, self.name, found) if found else None


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
    """A model and the text encoder that was given, with a LoRA, and the keys of the file that fit neither."""

    model: Model
    text_encoder: TextEncoder | None
    unmatched: tuple[str, ...]


def read_lora(file: WeightFile) -> Lora:
    """Sort a LoRA file's tensors by the module they change."""
    tensors: dict[str, dict[str, Tensor]] = {}
    keys: dict[str, dict[str, str]] = {}
    for key in file.header.entries:
        module, role = split_role(key)
        tensors.setdefault(module, {})[role] = file.tensor(key)
        keys.setdefault(module, {})[role] = key
    if not tensors:
        raise BrokenFile(f"{file.path.name} is empty: it changes nothing.", "Download the file again.")
    return Lora(file.path.name, {name: Group(tensors[name], keys[name]) for name in tensors})


def split_role(key: str) -> tuple[str, str]:
    """A key as the module it changes and the role of its tensor."""
    for ending, role in ROLES:
        if key.endswith(ending):
            return key.removesuffix(ending), role
    module, _, role = key.rpartition(".")
    return module, role


def with_lora(
    model: Model,
    text_encoder: TextEncoder | None,
    lora: Lora,
    strength_model: float = 1.0,
    strength_text: float = 1.0,
) -> WithLora:
    """A model and, if given, a text encoder with a LoRA on top of what they have.

    Raises FamilyMismatch if what it has for a model does not fit this one, or nothing fits anything; without
    strength it need not fit.
    """
    if not strength_model and not strength_text:
        return WithLora(model, text_encoder, ())
    on_model, homeless = changes(lora, model.network, model_names(model.network))
    on_text: dict[str, dict[str, Change]] = {}
    for tower in text_encoder.towers if text_encoder else ():
        name, network = tower.reading.name, tower.network
        on_text[name], others = changes(lora, network, text_names(network.part, name))
        homeless &= others
    for_model = [name for name in lora.groups if not name.startswith(OF_TEXT)]
    if not on_model and ((for_model and strength_model) or not any(on_text.values())):
        raise FamilyMismatch(
            f"{lora.name} does not fit {model.family.title}: "
            f"none of its {len(for_model or lora.groups)} parts has a place there.",
            "Choose a LoRA made for this family of models.",
        )
    unmatched = keys_of(lora, homeless, text_encoder is None)
    if on_model and strength_model:
        model = model.with_patches(LoraPatch(lora.name, on_model, strength_model))
    for name, found in on_text.items():
        if text_encoder and found and strength_text:
            text_encoder = text_encoder.with_patches(name, LoraPatch(lora.name, found, strength_text))
    return WithLora(model, text_encoder, unmatched)


def keys_of(lora: Lora, homeless: set[str], without_text: bool) -> tuple[str, ...]:
    """Those keys that have no place, in order. Told in the log, for a LoRA works without them."""
    keys = tuple(
        key
        for name, group in lora.groups.items()
        if not (without_text and name.startswith(OF_TEXT))
        for key in group.keys.values()
        if key in homeless
    )
    if keys:
        log.warning("%s: %d keys fit nothing, such as %s", lora.name, len(keys), keys[0])
    return keys


def changes(lora: Lora, network: Handle, names: Mapping[str, str]) -> tuple[dict[str, Change], set[str]]:
    """What a LoRA does to each weight of a network, and the keys of the file that have no place in it."""
    found: dict[str, Change] = {}
    homeless: set[str] = set()
    for name, group in lora.groups.items():
        wanted, unknown = changes_of(group) if name in names else ({}, group.keys.keys())
        homeless.update(group.keys[role] for role in unknown)
        for suffix, (change, sized) in wanted.items():
            weight = names[name] + suffix
            if weight in network.part.sources:
                require_fit(lora.name, name, sized, network, weight)
                found[weight] = change
    return found, homeless


def require_fit(lora: str, module: str, sized: Sized, network: Handle, weight: str) -> None:
    """A change must have as many rows and columns as the weight."""
    rows, *rest = network.shape(weight)
    columns = torch.Size(rest).numel()
    if sized.rows not in (None, rows) or sized.columns not in (None, columns):
        raise FamilyMismatch(
            f"{lora} does not fit {network.file.path.name}: {module} is {sized.rows or rows} x "
            f"{sized.columns or columns} in the LoRA, but {rows} x {columns} in the model.",
            "Choose a LoRA made for this family of models.",
        )


def changes_of(group: Group) -> tuple[dict[str, tuple[Change, Sized]], Collection[str]]:
    """What a group does to its module's `.weight` and `.bias`, and the roles of it that are unknown."""
    rest = dict(group.tensors)
    magnitude = rest.pop("dora_scale", None)
    found: dict[str, tuple[Change, Sized]] = {}
    for kind in KINDS:
        for suffix, sized in kind(rest):
            if magnitude is not None and suffix == ".weight":
                found[suffix] = decomposed(sized.delta, magnitude), sized
            else:
                found[suffix] = plain(sized), sized
    return found, rest.keys() - {"alpha"} if found else group.keys.keys()


def model_names(network: Handle) -> dict[str, str]:
    """How LoRA files spell a diffusion model's modules, each with the library's name of the module."""
    names: dict[str, str] = {}
    part, originals = network.part, original_names(network)
    for weight, key in part.sources.items():
        if not weight.endswith(".weight"):
            continue
        ours = weight.removesuffix(".weight")
        original = translated(ours, originals) or key.removeprefix(part.prefix).removesuffix(".weight")
        for spelling in library_spellings(ours):
            flat = spelling.replace(".", "_")
            for prefix in ("", "unet.", "transformer.", "base_model.model."):
                names[prefix + spelling] = ours
            for prefix in ("lora_unet_", "lycoris_", "lora_transformer_"):
                names[prefix + flat] = ours
        for known in (original, f"diffusion_model.{original}", f"model.diffusion_model.{original}"):
            names[known] = ours
        names[f"lora_unet_{original.replace('.', '_')}"] = ours
    return names


def original_names(network: Handle) -> dict[str, str]:
    """Library to original names of a U-Net's parts, whichever its file has."""
    shape = read_library_unet_shape({name: network.shape(name) for name in network.part.sources})
    tables = (
        (unet_names(shape), vector_names("add_embedding"), vector_names("class_embedding")) if shape else ()
    )
    return {ours: original for table in tables for ours, original in inverted(table).items()}


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
