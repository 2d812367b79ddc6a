"""Networks that enlarge or clean pictures, of every architecture that the spandrel library knows."""

import importlib.util
import sys
from dataclasses import dataclass
from functools import partial
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn

from diffusion.checkpoint import OTHER_VERSION, Part, WeightFile
from diffusion.errors import BrokenFile, UnknownCheckpoint
from diffusion.memory import lacks_memory

WRAPPERS = ("params_ema.", "params-ema.", "params.", "model_state_dict.", "state_dict.")
"""What training programs put around the weights. Other prefixes the library takes off."""
WANT_TORCHVISION = ("LaMa", "RestoreFormer")
"""The architectures whose module cannot be imported without torchvision. They paint over holes and faces."""


class Enlarger(nn.Module):
    """A network as a function of planes [batch, 3, height, width], float32, values 0 to 1.

    scale: how many times as long it makes the sides. One made for grey pictures is given colour by colour.
    """

    def __init__(self, described: Any) -> None:
        super().__init__()
        self.network: nn.Module = described.model
        self.scale: int = described.scale
        self.described = described

    def forward(self, x: Tensor) -> Tensor:
        """Planes of the same kind, enlarged. What is too small for the network is padded meanwhile."""
        if self.described.input_channels != 1:
            return torch.as_tensor(self.described(x))
        return torch.cat([self.described(colour)[:, :1] for colour in torch.split(x, 1, 1)], 1)


def enlarger_part(file: WeightFile) -> Part:
    """The network in a file. Raises UnknownCheckpoint if the library knows none that has such weights."""
    header, spandrel = file.header, library()
    prefix = next((prefix for prefix in WRAPPERS if header.under(prefix)), "")
    sources = header.under(prefix)
    weights = {ours: file.tensor(key) for ours, key in sources.items()}
    names = spandrel.canonicalize_state_dict(weights)
    if not any(known.detect(names) for known in spandrel.MAIN_REGISTRY):
        raise unknown(file)
    return Part("upscaler", "upscaler", nn.Module, sources, prefix, load=partial(filled, weights))


def filled(weights: dict[str, Tensor], file: WeightFile) -> Enlarger:
    """The network with its weights. Raises BrokenFile if they do not fit together."""
    try:
        # A copy: the library takes some weights out of what it is given.
        described = library().ModelLoader().load_from_state_dict(dict(weights))
    except (RuntimeError, ValueError, LookupError, ArithmeticError, AssertionError) as error:
        if lacks_memory(error):
            raise
        said = str(error).strip().rpartition("\n")[2].strip().rstrip(".")
        reason = f": {said}" if said else ""
        raise BrokenFile(
            f"The upscaler in {file.path.name} cannot be built{reason}.", OTHER_VERSION
        ) from error
    if described.purpose == "Inpainting":
        raise unknown(file)
    return Enlarger(described)


def unknown(file: WeightFile) -> UnknownCheckpoint:
    """The error for a file that holds something else."""
    return UnknownCheckpoint(
        f"{file.path.name} is not an upscaler this program knows.",
        "Known are some forty kinds, such as ESRGAN, Real-ESRGAN, SwinIR, DAT, HAT, SPAN and OmniSR.",
    )


def library() -> Any:
    """The spandrel library. Where torchvision is missing, what wants it is left out.

    Two of the library's modules import torchvision, and with them the library. What stands in for them
    recognises nothing.
    """
    if importlib.util.find_spec("torchvision") is None:
        for name in WANT_TORCHVISION:
            place = f"spandrel.architectures.{name}"
            sys.modules.setdefault(place, stand_in(place, name))
    import spandrel

    return spandrel


def stand_in(place: str, name: str) -> ModuleType:
    """A module with an architecture that recognises nothing."""
    module = ModuleType(place)
    setattr(module, f"{name}Arch", lambda: Nothing(name))
    return module


@dataclass(frozen=True, slots=True)
class Nothing:
    """An architecture, as the library asks for it, that recognises no weights."""

    id: str

    def detect(self, weights: object) -> bool:  # noqa: ARG002
        """No."""
        return False
