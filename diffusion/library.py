"""The models on this computer: found by name, opened once, loaded again when a file changes."""

import difflib
import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path, PurePosixPath
from typing import NamedTuple, TypeAlias, TypeVar

import torch
from torch import Tensor, nn

from diffusion.checkpoint import WeightFile
from diffusion.clip import alone
from diffusion.clip_vision import ClipVision
from diffusion.controlnet import ControlNet
from diffusion.errors import DiffusionError, MissingFile, UnknownCheckpoint
from diffusion.families import FAMILIES
from diffusion.gligen import Gligen, open_gligen
from diffusion.hypernetwork import Hypernetwork, open_hypernetwork
from diffusion.ip_adapter import IpAdapter, open_adapter
from diffusion.lora import Lora, read_lora
from diffusion.memory import Memory
from diffusion.model import Model, TextEncoder, Tower, Vae
from diffusion.opening import (
    Lone,
    open_beside,
    open_controlnet,
    open_model,
    open_own_vision,
    open_text,
    open_vae,
    open_vision,
)
from diffusion.pickled import SUFFIXES, converted, is_pickled
from diffusion.recognition import OWN_PREVIEW
from diffusion.style_model import StyleModel, open_style
from diffusion.taesd import SPACES, SUITED, Half, Side, joined, open_half, open_previewer
from diffusion.textual_inversion import find, vectors
from diffusion.tokens import ClipTokenizer
from diffusion.upscale import Upscaler, open_upscaler

log = logging.getLogger(__name__)

Folders: TypeAlias = Callable[[str], Sequence[Path]]
"""For a kind of file, such as `checkpoints`, the folders it may lie in, the first one first."""

WEIGHT_SUFFIXES = (".safetensors", ".sft", *SUFFIXES)
T = TypeVar("T")


class Checkpoint(NamedTuple):
    """The three values that one checkpoint file gives."""

    model: Model
    text_encoder: TextEncoder
    vae: Vae


class ModelLibrary:
    """Opens models by the names a person picked.

    Asking twice gives the same values, unless the file changed.
    """

    def __init__(
        self,
        folders: Folders | Mapping[str, Sequence[Path]],
        memory: Memory,
        converted: Path | None = None,
    ) -> None:
        """`converted` is the folder for what pickled files are converted to; without it they are refused."""
        self.folders, self.converted = folders, converted
        self.memory = memory
        self.processor = memory if memory.device.type == "cpu" else Memory("cpu", precision=memory.precision)
        self.tokenizer = ClipTokenizer()
        self.files: dict[Path, WeightFile] = {}
        self.made: dict[WeightFile, dict[object, object]] = {}

    def checkpoint(self, name: str) -> Checkpoint:
        """A model, its text encoder and its VAE.

        Raises UnknownCheckpoint if no family recognises the file.
        """
        return self.opened("checkpoints", name, Checkpoint, self.open_checkpoint)

    def diffusion_model(self, name: str, rounded: torch.dtype | None = None) -> Model:
        """A model from a file of its own. rounded: a smaller number format to bring its weights to.

        Raises UnknownCheckpoint if no family recognises the file.
        """
        return self.opened(
            "diffusion_models", name, Model, partial(self.open_model, rounded=rounded), rounded
        )

    def vae(self, name: str) -> Vae:
        """A VAE from a file of its own, or a TAESD by its name, from two files in the vae_approx folder.

        Raises UnknownCheckpoint if the file holds none, MissingFile if one of the two is not there.
        """
        return self.tiny_vae(name) if name in SPACES else self.opened("vae", name, Vae, open_vae)

    def clip_vision(self, name: str) -> ClipVision:
        """An image encoder from a file of its own. Raises UnknownCheckpoint if it holds none."""
        return self.opened("clip_vision", name, ClipVision, open_vision)

    def checkpoint_vision(self, name: str) -> ClipVision:
        """The image encoder of a checkpoint that follows pictures. Raises MissingPart if it has none."""
        return self.opened("checkpoints", name, ClipVision, open_own_vision)

    def text_encoder(
        self, names: Sequence[str], on_processor: bool = False, kind: str = "text_encoders"
    ) -> TextEncoder:
        """A text encoder from one file or more, in any order; which family reads them follows from them.

        on_processor: compute on the CPU, whatever the other networks compute on. kind: where they lie.
        Raises UnknownCheckpoint if a file holds none, or no family reads them together.
        """
        memory = self.processor if on_processor else self.memory
        found = [
            self.opened(kind, name, Lone, lambda file, _memory: open_text(file, memory), on_processor)
            for name in names
        ]
        networks = {each.name: each.network for each in found}
        for family in FAMILIES:
            if {reading.name for reading in family.readings} == networks.keys() and len(found) == len(
                networks
            ):
                towers = tuple(Tower(reading, networks[reading.name]) for reading in family.readings)
                return TextEncoder(family.name, towers, self.tokenizer, self.embedding)
        kinds = " and ".join(f"{name} is {each.name}" for name, each in zip(names, found, strict=True))
        raise UnknownCheckpoint(
            f"No model family reads these text encoders together: {kinds}.",
            "SDXL reads clip_l and clip_g; each of clip_l, clip_h and clip_g alone suits another family.",
        )

    def open_clip_h(self) -> str:
        """The first file that holds the text encoder of Stable Diffusion 2 alone; broken files hold nothing.

        Raises MissingFile if none does.
        """
        for name in self.names("text_encoders"):
            path = self.path("text_encoders", name)
            with suppress(DiffusionError):
                found = None if is_pickled(path) else alone(self.file(path).header)
                if found is not None and found.name == "clip_h":
                    return name
        raise MissingFile(
            "No readable file in the text_encoders folder is OpenCLIP-H, that of Stable Diffusion 2.",
            "Put it into models/text_encoders, as a safetensors file of its own.",
        )

    def lora(self, name: str) -> Lora:
        """A LoRA file, read."""
        return self.opened("loras", name, Lora, lambda file, _memory: read_lora(file))

    def controlnet(self, name: str) -> ControlNet:
        """A ControlNet. Raises UnknownCheckpoint if no family recognises the file."""
        return self.opened("controlnet", name, ControlNet, open_controlnet)

    def ip_adapter(self, name: str) -> IpAdapter:
        """An IP-Adapter. Raises UnknownCheckpoint if the file is of no known kind."""
        return self.opened("ipadapter", name, IpAdapter, open_adapter)

    def hypernetwork(self, name: str) -> Hypernetwork:
        """A hypernetwork. Raises UnknownCheckpoint if the file is of no known kind."""
        return self.opened("hypernetworks", name, Hypernetwork, open_hypernetwork)

    def gligen(self, name: str) -> Gligen:
        """Networks that read boxes. Raises UnknownCheckpoint if the file is of no known kind."""
        return self.opened("gligen", name, Gligen, open_gligen)

    def style_model(self, name: str) -> StyleModel:
        """A style adapter. Raises UnknownCheckpoint if the file is of no known kind."""
        return self.opened("style_models", name, StyleModel, open_style)

    def upscaler(self, name: str) -> Upscaler:
        """An upscaler. Raises UnknownCheckpoint if it is of no known kind."""
        return self.opened("upscale_models", name, Upscaler, open_upscaler)

    def embedding(self, name: str, encoder: str = "clip_l") -> Tensor | None:
        """The vectors [count, width] of a textual inversion for a text encoder, from the whole folder.

        None if there is none.
        """
        found = find(name, self.roots("embeddings")) if is_inside(name) else None
        return None if found is None else vectors(self.file(found), encoder)

    def names(self, kind: str) -> list[str]:
        """The files of a kind, by their names relative to the folder."""
        return sorted(
            {
                path.relative_to(root).as_posix()
                for root in self.roots(kind)
                for path in root.rglob("*")
                if path.suffix in WEIGHT_SUFFIXES and path.is_file()
            }
        )

    def path(self, kind: str, name: str) -> Path:
        """Where a file lies. Raises MissingFile, with the nearest names, if it is not in its folders."""
        plain = name.replace("\\", "/")
        if is_inside(plain):
            for root in self.roots(kind):
                if (root / plain).is_file():
                    return root / plain
        near = difflib.get_close_matches(plain, self.names(kind), n=3, cutoff=0.5)
        raise MissingFile(
            f"There is no file {name!r} in the {kind} folder.",
            f"Did you mean {' or '.join(near)}?"
            if near
            else f"Put the file into models/{kind}, or choose another.",
        )

    def roots(self, kind: str) -> Sequence[Path]:
        """The folders of a kind of file."""
        if isinstance(self.folders, Mapping):
            return self.folders.get(kind, ())
        return self.folders(kind)

    def file(self, path: Path) -> WeightFile:
        """An open file; opened again, and its old networks let go, if it changed since."""
        known = self.files.get(path)
        if known is None or known.is_stale():
            if known is not None:
                self.forget(known)
            source = converted(path, self.converted) if self.converted and is_pickled(path) else None
            self.files[path] = WeightFile(path, source)
        return self.files[path]

    def forget(self, file: WeightFile) -> None:
        """Let go of everything made from a file."""
        self.made.pop(file, None)
        for memory in {self.memory, self.processor}:
            for handle in [handle for handle in memory.held if handle.file is file]:
                memory.evict(handle)

    def opened(
        self,
        kind: str,
        name: str,
        wanted: type[T],
        make: Callable[[WeightFile, Memory], T],
        variant: object = None,
    ) -> T:
        """The value made from a file, made once for each variant."""
        file = self.file(self.path(kind, name))
        values = self.made.setdefault(file, {})
        value = values.get((wanted, variant))
        if not isinstance(value, wanted):
            value = values[wanted, variant] = make(file, self.memory)
        return value

    def open_model(self, file: WeightFile, memory: Memory, rounded: torch.dtype | None = None) -> Model:
        """The diffusion model of a file, with its tiny network for previews."""
        model = open_model(file, memory, rounded)
        has_own = OWN_PREVIEW in file.header.metadata
        tiny = f"{file.path.stem}_taesd" if has_own else SUITED.get(model.family.name, "")
        return replace(model, previewer=self.previewer(tiny))

    def previewer(self, tiny: str) -> nn.Module | None:
        """The decoder for previews of the TAESD of that name, if it is there and whole.

        A checkpoint whose VAE is its own has one of its own, called after it.
        """
        name = self.approximate(f"{tiny}_decoder")
        if name is None:
            return None
        try:
            return self.opened("vae_approx", name, nn.Module, open_previewer)
        except DiffusionError as error:
            log.warning("no previews by a tiny network: %s", error)
        return None

    def tiny_vae(self, tiny: str) -> Vae:
        """The VAE of the two files of a TAESD."""

        def half(side: Side) -> Half:
            name = self.approximate(f"{tiny}_{side}")
            if name is None:
                raise MissingFile(
                    f"There is no {tiny}_{side} in the vae_approx folder.",
                    f"Put {tiny}_encoder.safetensors and {tiny}_decoder.safetensors into models/vae_approx.",
                )
            return self.opened("vae_approx", name, Half, partial(open_half, side=side), side)

        return joined(half("encoder"), half("decoder"), SPACES[tiny])

    def approximate(self, stem: str) -> str | None:
        """The file in the vae_approx folder that is called so, whatever its ending."""
        names = self.names("vae_approx")
        return next((name for name in names if Path(name).name.startswith(f"{stem}.")), None)

    def open_checkpoint(self, file: WeightFile, memory: Memory) -> Checkpoint:
        """The values of a checkpoint file."""
        model = self.open_model(file, memory)
        towers, vae = open_beside(file, memory, model.family)
        return Checkpoint(model, TextEncoder(model.family.name, towers, self.tokenizer, self.embedding), vae)


def is_inside(name: str) -> bool:
    """Whether a name stays inside the folder it is looked up in."""
    path = PurePosixPath(name)
    return bool(path.parts) and not path.is_absolute() and ".." not in path.parts and "\0" not in name
