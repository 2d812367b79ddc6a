"""The models on this computer: found by name, opened once, loaded again when a file changes."""

import difflib
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import NamedTuple, TypeAlias, TypeVar

import torch
from torch import Tensor, nn

from diffusion.blocks import counted
from diffusion.checkpoint import Header, Part, WeightFile
from diffusion.clip import alone
from diffusion.clip_vision import ClipVision, side_px, vision_part
from diffusion.control_lora import MARK, ControlLora
from diffusion.controlnet import ControlNet
from diffusion.errors import BrokenFile, DiffusionError, MissingFile, MissingPart, UnknownCheckpoint
from diffusion.families import FAMILIES
from diffusion.gligen import Gligen, open_gligen
from diffusion.hypernetwork import Hypernetwork, open_hypernetwork
from diffusion.ip_adapter import IpAdapter, open_adapter
from diffusion.lora import Lora, read_lora
from diffusion.memory import Handle, Memory
from diffusion.model import Model, TextEncoder, Tower, Vae
from diffusion.parts import vae_part
from diffusion.pickled import SUFFIXES, converted, is_pickled
from diffusion.recognition import OWN_PREVIEW, recognised, with_own_preview
from diffusion.style_model import StyleModel, open_style
from diffusion.t2i import adapter
from diffusion.taesd import (
    SPACES,
    SUITED,
    Half,
    Side,
    is_half,
    is_joined,
    joined,
    open_half,
    open_joined,
    open_previewer,
)
from diffusion.tokens import ClipTokenizer
from diffusion.unclip import following
from diffusion.upscale import Upscaler, open_upscaler

log = logging.getLogger(__name__)

Folders: TypeAlias = Callable[[str], Sequence[Path]]
"""For a kind of file, such as `checkpoints`, the folders it may lie in, the first one first."""

WEIGHT_SUFFIXES = (".safetensors", ".sft", *SUFFIXES)
LOADERS: Mapping[str, str] = MappingProxyType(
    {"diffusion model": "Load Diffusion Model", "text encoder": "Load CLIP", "VAE": "Load VAE"}
)
"""The node that loads a part from a file of its own."""
EMBEDDING_SUFFIXES = ("", ".safetensors", ".pt", ".bin")
T = TypeVar("T")


class Checkpoint(NamedTuple):
    """The three values that one checkpoint file gives."""

    model: Model
    text_encoder: TextEncoder
    vae: Vae


class Lone(NamedTuple):
    """A text encoder in a file of its own, and which it is."""

    name: str
    network: Handle


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
            "diffusion_models", name, Model, lambda file: self.open_model(file, rounded), rounded
        )

    def vae(self, name: str) -> Vae:
        """A VAE from a file of its own, or a TAESD by its name, from two files in the vae_approx folder.

        Raises UnknownCheckpoint if the file holds none, MissingFile if one of the two is not there.
        """
        return self.tiny_vae(name) if name in SPACES else self.opened("vae", name, Vae, self.open_vae)

    def clip_vision(self, name: str) -> ClipVision:
        """An image encoder from a file of its own. Raises UnknownCheckpoint if it holds none."""
        return self.opened("clip_vision", name, ClipVision, self.open_clip_vision)

    def checkpoint_vision(self, name: str) -> ClipVision:
        """The image encoder of a checkpoint that follows pictures. Raises MissingPart if it has none."""
        return self.opened("checkpoints", name, ClipVision, self.open_own_vision)

    def text_encoder(
        self, names: Sequence[str], on_processor: bool = False, kind: str = "text_encoders"
    ) -> TextEncoder:
        """A text encoder from one file or more, in any order; which family reads them follows from them.

        on_processor: compute on the CPU, whatever the other networks compute on. kind: where they lie.
        Raises UnknownCheckpoint if a file holds none, or no family reads them together.
        """
        memory = self.processor if on_processor else self.memory
        found = [
            self.opened(kind, name, Lone, lambda file: self.open_text(file, memory), on_processor)
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

    def lora(self, name: str) -> Lora:
        """A LoRA file, read."""
        return self.opened("loras", name, Lora, read_lora)

    def controlnet(self, name: str) -> ControlNet:
        """A ControlNet. Raises UnknownCheckpoint if no family recognises the file."""
        return self.opened("controlnet", name, ControlNet, self.open_controlnet)

    def ip_adapter(self, name: str) -> IpAdapter:
        """An IP-Adapter. Raises UnknownCheckpoint if the file is of no known kind."""
        return self.opened("ipadapter", name, IpAdapter, lambda file: open_adapter(file, self.memory))

    def hypernetwork(self, name: str) -> Hypernetwork:
        """A hypernetwork. Raises UnknownCheckpoint if the file is of no known kind."""
        return self.opened(
            "hypernetworks", name, Hypernetwork, lambda file: open_hypernetwork(file, self.memory)
        )

    def gligen(self, name: str) -> Gligen:
        """Networks that read boxes. Raises UnknownCheckpoint if the file is of no known kind."""
        return self.opened("gligen", name, Gligen, lambda file: open_gligen(file, self.memory))

    def style_model(self, name: str) -> StyleModel:
        """A style adapter. Raises UnknownCheckpoint if the file is of no known kind."""
        return self.opened("style_models", name, StyleModel, lambda file: open_style(file, self.memory))

    def upscaler(self, name: str) -> Upscaler:
        """An upscaler. Raises UnknownCheckpoint if it is of no known kind."""
        return self.opened("upscale_models", name, Upscaler, lambda file: open_upscaler(file, self.memory))

    def embedding(self, name: str, encoder: str = "clip_l") -> Tensor | None:
        """The vectors [count, width] of a textual inversion for a text encoder, from the whole folder.

        None if there is none.
        """
        if not name or not is_inside(name):
            return None
        for root in self.roots("embeddings"):
            for suffix in EMBEDDING_SUFFIXES:
                direct = root / (name + suffix)
                found = direct if direct.is_file() else next(root.rglob(escaped(name + suffix)), None)
                if found is not None and found.is_file():
                    return embedding_vectors(self.file(found), encoder)
        return None

    def names(self, kind: str) -> list[str]:
        """The files of a kind, by their names relative to the folder."""
        return sorted(
            {
                path.relative_to(root).as_posix()
                for root in self.roots(kind)
                for path in root.rglob("*")
                if path.suffix in WEIGHT_SUFFIXES
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
        self, kind: str, name: str, wanted: type[T], make: Callable[[WeightFile], T], variant: object = None
    ) -> T:
        """The value made from a file, made once for each variant."""
        file = self.file(self.path(kind, name))
        values = self.made.setdefault(file, {})
        value = values.get((wanted, variant))
        if not isinstance(value, wanted):
            value = values[wanted, variant] = make(file)
        return value

    def open_model(self, file: WeightFile, rounded: torch.dtype | None = None) -> Model:
        """The diffusion model of a file."""
        family = with_own_preview(recognised(file.header), file.header)
        part = family.parts(file.header).network
        network = self.handle(file, part and replace(part, rounded=rounded), "diffusion model")
        prediction, noise, own = family.sampling(file.header, file.tensor)
        has_own = OWN_PREVIEW in file.header.metadata
        tiny = f"{file.path.stem}_taesd" if has_own else SUITED.get(family.name, "")
        model = Model(family, noise, prediction, network, input_channels(network), latent=own)
        told = family.augmentation and family.augmentation(file)
        return following(replace(model, previewer=self.previewer(tiny), augmentation=told), file)

    def previewer(self, tiny: str) -> nn.Module | None:
        """The decoder for previews of the TAESD of that name, if it is there and whole.

        A checkpoint whose VAE is its own has one of its own, called after it.
        """
        name = self.approximate(f"{tiny}_decoder")
        if name is None:
            return None
        try:
            return self.opened("vae_approx", name, nn.Module, self.open_previewer)
        except DiffusionError as error:
            log.warning("no previews by a tiny network: %s", error)
        return None

    def open_previewer(self, file: WeightFile) -> nn.Module:
        """The decoder for previews of a file."""
        return open_previewer(file, self.memory)

    def tiny_vae(self, tiny: str) -> Vae:
        """The VAE of the two files of a TAESD."""

        def half(side: Side) -> Half:
            name = self.approximate(f"{tiny}_{side}")
            if name is None:
                raise MissingFile(
                    f"There is no {tiny}_{side} in the vae_approx folder.",
                    f"Put {tiny}_encoder.safetensors and {tiny}_decoder.safetensors into models/vae_approx.",
                )
            return self.opened(
                "vae_approx", name, Half, lambda file: open_half(file, self.memory, side), side
            )

        return joined(half("encoder"), half("decoder"), SPACES[tiny])

    def approximate(self, stem: str) -> str | None:
        """The file in the vae_approx folder that is called so, whatever its ending."""
        names = self.names("vae_approx")
        return next((name for name in names if Path(name).name.startswith(f"{stem}.")), None)

    def open_text(self, file: WeightFile, memory: Memory) -> "Lone":
        """The text encoder of a file that holds nothing else."""
        found = alone(file.header)
        if found is None:
            raise UnknownCheckpoint(
                f"{file.path.name} is not a text encoder this program knows.",
                "Known are CLIP-L, OpenCLIP-H and OpenCLIP-bigG.",
            )
        return Lone(found.name, Handle(found.part, file, memory))

    def open_clip_vision(self, file: WeightFile) -> ClipVision:
        """The image encoder of a file."""
        part = vision_part(file.header)
        if part is None:
            raise UnknownCheckpoint(
                f"{file.path.name} is not an image encoder this program knows.", "Known are those of CLIP."
            )
        return ClipVision(self.handle(file, part, "image encoder"), side_px(file.header, part))

    def open_own_vision(self, file: WeightFile) -> ClipVision:
        """The image encoder of a checkpoint."""
        if vision_part(file.header) is None:
            raise MissingPart(
                f"{file.path.name} has no image encoder inside.",
                "Choose one that reads pictures (unCLIP, Stable Zero123), or use Load Checkpoint.",
            )
        return self.open_clip_vision(file)

    def open_vae(self, file: WeightFile) -> Vae:
        """The VAE of a file."""
        if is_joined(file.header):
            return open_joined(file, self.memory)
        part = vae_part(file.header)
        if part is None and is_half(file.header):
            raise MissingPart(
                f"{file.path.name} is one half of a TAESD.",
                f"Put encoder and decoder into models/vae_approx, and choose {' or '.join(SPACES)}.",
            )
        if part is None:
            raise UnknownCheckpoint(
                f"{file.path.name} is not a VAE this program knows.", "Known are VAEs of the KL kind."
            )
        channels = part.shape(file.header, "decoder.conv_in.weight")[1]
        doublings = counted(part.sources, "decoder.up_blocks") - 1
        return Vae(None, self.handle(file, part, "VAE"), channels, 2**doublings)

    def open_checkpoint(self, file: WeightFile) -> Checkpoint:
        """The values of a checkpoint file."""
        model = self.open_model(file)
        family = model.family
        parts = family.parts(file.header)
        towers = tuple(
            Tower(reading, self.handle(file, part, "text encoder"))
            for reading, part in zip(family.readings, parts.texts, strict=True)
        )
        vae = self.handle(file, parts.vae, "VAE")
        latent = family.latent
        return Checkpoint(
            model,
            TextEncoder(family.name, towers, self.tokenizer, self.embedding),
            Vae(family.name, vae, latent.channels, latent.downscale),
        )

    def open_controlnet(self, file: WeightFile) -> ControlNet:
        """The value of a ControlNet file."""
        if file.header.has(MARK):
            return ControlNet(ControlLora(file, self.memory), None)
        if (found := adapter(file.header)) is not None:
            network = self.handle(file, found.part, "T2I-Adapter")
            return ControlNet(network, found.family, adapts=found.channels)
        for family in FAMILIES:
            part = family.control and family.control(file.header)
            if part is not None:
                averages = "shuffle" in file.path.name.lower()
                kinds = union_kinds(file.header, part)
                return ControlNet(self.handle(file, part, "ControlNet"), family.name, averages, kinds=kinds)
        tried = ", ".join(family.title for family in FAMILIES if family.control)
        raise UnknownCheckpoint(
            f"{file.path.name} is not a ControlNet this program knows.", f"Known are ControlNets for {tried}."
        )

    def handle(self, file: WeightFile, part: Part | None, title: str) -> Handle:
        """A handle on a part of a file; if it has no such part, one that says so when it is used."""
        return Handle(part or absent(file.path.name, title), file, self.memory)


def union_kinds(header: Header, control: Part) -> int:
    """How many kinds of hints a ControlNet tells apart; 0 if it does not."""
    key = control.sources.get("task_embedding")
    return header.shape(key)[0] if key else 0


def absent(name: str, title: str) -> Part:
    """A part that is not in the file; building it says so."""
    lack = MissingPart(
        f"{name} has no {title} inside.",
        f"Choose a complete version of this model, or load the {title} alone with {LOADERS[title]}.",
    )

    def refuse() -> nn.Module:
        raise lack

    return Part(title, "network", refuse, {}, lack=lack)


def input_channels(network: Handle) -> int:
    """How many channels a U-Net reads: 4, or more if it is made for inpainting."""
    key = network.part.sources.get("conv_in.weight")
    return network.file.header.shape(key)[1] if key else 4


def embedding_vectors(file: WeightFile, encoder: str) -> Tensor | None:
    """The vectors of a textual inversion file for a text encoder; those for any if it names none."""
    keys = list(file.header.entries)
    if not keys:
        raise BrokenFile(f"{file.path.name} holds no vectors.", "Download the file again.")
    bundled = [key for key in keys if key.startswith("bundle_emb.")]
    if bundled:
        own = [key for key in bundled if key.endswith((f".{encoder}", "string_to_param.*"))]
        return torch.cat([rows_of(file.tensor(key)) for key in own]) if own else None
    trained = [key for key in keys if key.startswith("string_to_param.")]
    key = next((name for name in (encoder, *trained, "*") if name in keys), keys[0])
    return rows_of(file.tensor(key))


def rows_of(vectors: Tensor) -> Tensor:
    """One vector or more as float32 rows [count, width]."""
    return vectors.float().reshape(-1, vectors.shape[-1])


def is_inside(name: str) -> bool:
    """Whether a name stays inside the folder it is looked up in."""
    path = PurePosixPath(name)
    return bool(path.parts) and not path.is_absolute() and ".." not in path.parts and "\0" not in name


def escaped(name: str) -> str:
    """A name whose special signs match only themselves in a pattern."""
    return "".join(f"[{char}]" if char in "*?[" else char for char in name)
