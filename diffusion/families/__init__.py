"""The model families, in the order in which a file is offered to them."""

from diffusion.families.sd2 import SD2
from diffusion.families.sd15 import SD15
from diffusion.families.sdxl import SDXL, SDXL_REFINER
from diffusion.family import Family

FAMILIES: tuple[Family, ...] = (SD15, SD2, SDXL_REFINER, SDXL)
