"""The model families, in the order in which a file is offered to them."""

from diffusion.families.sd2 import SD2
from diffusion.families.sd15 import SD15
from diffusion.families.sdxl import SDXL, SDXL_REFINER
from diffusion.family import Family

FAMILIES: tuple[Family, ...] = (SD15, SD2, SDXL_REFINER, SDXL)


def title(name: str | None) -> str:
    """What a family is called, by its short name."""
    return next((family.title for family in FAMILIES if family.name == name), name or "an unknown model")
