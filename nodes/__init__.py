"""The author's API, and the built-in nodes.

A node is a plain function with a mark: `from nodes import Image, node`; `nodes/custom/example` shows how. The
built-in nodes are the modules of this package; they may import `graph` and `diffusion`, never each other.
Start reading with `string.py`. Importing `nodes` imports none of them: `catalog_modules()` does.
"""

import importlib
import pkgutil
from types import ModuleType

from diffusion.controlnet import ControlNet
from diffusion.model import Model, TextEncoder, Vae
from diffusion.values import Audio, Conditioning, Image, Latent, Mask, Sigmas, Video
from graph.define import implementation_of, node, spec_of
from graph.errors import WorkflowError
from graph.lazy import Lazy
from graph.services import Files, Inputs, Outputs, Progress, quiet
from graph.widgets import (
    Color,
    Fields,
    FileIn,
    Name,
    OneOf,
    Range,
    Rolls,
    Row,
    Seed,
    Shown,
    Socket,
    Text,
    Toggle,
    Variant,
    Webcam,
)

__all__ = [
    "Audio",
    "Color",
    "Conditioning",
    "ControlNet",
    "Fields",
    "FileIn",
    "Files",
    "Image",
    "Inputs",
    "Latent",
    "Lazy",
    "Mask",
    "Model",
    "Name",
    "OneOf",
    "Outputs",
    "Progress",
    "Range",
    "Rolls",
    "Row",
    "Seed",
    "Shown",
    "Sigmas",
    "Socket",
    "Text",
    "TextEncoder",
    "Toggle",
    "Vae",
    "Variant",
    "Video",
    "Webcam",
    "WorkflowError",
    "catalog_modules",
    "implementation_of",
    "node",
    "quiet",
    "spec_of",
]


def catalog_modules() -> tuple[ModuleType, ...]:
    """The modules of built-in nodes, imported; every module of this package is one."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__) if not module.ispkg)
    return tuple(importlib.import_module(f"{__name__}.{name}") for name in names)
