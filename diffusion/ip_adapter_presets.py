"""IP-Adapters by what they are good for: the files that their authors published, found by their names."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import PurePosixPath
from types import MappingProxyType

from diffusion.clip_vision import ClipVision
from diffusion.errors import DiffusionError, FamilyMismatch, MissingFile
from diffusion.families import title
from diffusion.ip_adapter import IpAdapter, width_read, width_told
from diffusion.library import ModelLibrary

PRESETS: Mapping[str, Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "LIGHT - SD1.5 only (low strength)": {"sd15": ("ip-adapter_sd15_light_v11", "ip-adapter_sd15_light")},
        "STANDARD (medium strength)": {"sd15": ("ip-adapter_sd15",), "sdxl": ("ip-adapter_sdxl_vit-h",)},
        "VIT-G (medium strength)": {"sd15": ("ip-adapter_sd15_vit-g",), "sdxl": ("ip-adapter_sdxl",)},
        "PLUS (high strength)": {
            "sd15": ("ip-adapter-plus_sd15",),
            "sdxl": ("ip-adapter-plus_sdxl_vit-h",),
        },
        "PLUS FACE (portraits)": {
            "sd15": ("ip-adapter-plus-face_sd15",),
            "sdxl": ("ip-adapter-plus-face_sdxl_vit-h",),
        },
        "FULL FACE - SD1.5 only (portraits stronger)": {"sd15": ("ip-adapter-full-face_sd15",)},
    }
)
"""For each preset and family the names of its file in small letters, without the ending; the best first."""


def preset_adapter(library: ModelLibrary, preset: str, family: str) -> IpAdapter:
    """The IP-Adapter of a preset for a family, with an image encoder that it can read.

    Raises FamilyMismatch if there is none for the family, MissingFile if a file is not there.
    """
    stems = PRESETS[preset].get(family)
    if stems is None:
        raise FamilyMismatch(
            f"There is no IP-Adapter {preset!r} for {title(family)}.", "Choose another preset, or model."
        )
    there = {PurePosixPath(name).stem.lower(): name for name in library.names("ipadapter")}
    name = next((there[stem] for stem in stems if stem in there), None)
    if name is None:
        raise MissingFile(
            f"The preset {preset!r} is the file {stems[0]}.safetensors, "
            "which is not in the ipadapter folder.",
            "Put it into models/ipadapter, or use IPAdapter Model Loader.",
        )
    adapter = library.ip_adapter(name)
    return replace(adapter, encoder=fitting_encoder(library, adapter))


def fitting_encoder(library: ModelLibrary, adapter: IpAdapter) -> ClipVision:
    """The first image encoder in its folder that an adapter can read. Raises MissingFile if there is none."""
    wanted = width_read(adapter)
    for name in library.names("clip_vision"):
        with suppress(DiffusionError):  # what else lies in the folder is passed over
            encoder = library.clip_vision(name)
            if width_told(encoder, adapter.patches) == wanted:
                return encoder
    raise MissingFile(
        f"No image encoder in the clip_vision folder tells pictures in {wanted} numbers, as "
        f"{adapter.network.file.path.name} reads them.",
        "Put OpenCLIP-H, or for VIT-G presets OpenCLIP-bigG, into models/clip_vision.",
    )
