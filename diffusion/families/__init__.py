"""The model families, in the order in which a file is offered to them."""

from diffusion.families.sd2 import LOTUS, SD2
from diffusion.families.sd15 import SD15, ZERO123
from diffusion.families.sd_x4 import SD_X4
from diffusion.families.sdxl import SDXL, SDXL_REFINER
from diffusion.family import Family

FAMILIES: tuple[Family, ...] = (SD15, SD2, SD_X4, LOTUS, SDXL_REFINER, SDXL, ZERO123)


def title(name: str | None) -> str:
    """What a family is called, by its short name."""
    return next((family.title for family in FAMILIES if family.name == name), name or "an unknown model")


def understands(family: Family, name: str | None) -> bool:
    """Whether a family reads prompts that were encoded for one of that name; None is unknown and passes.

    It does if both read the same text encoders in the same way.
    """
    others = [other.readings for other in FAMILIES if other.name == name]
    return name in (None, family.name) or family.readings in others
