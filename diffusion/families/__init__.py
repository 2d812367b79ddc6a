"""The model families, in the order in which a file is offered to them."""

from diffusion.families.sd15 import SD15
from diffusion.family import Family

FAMILIES: tuple[Family, ...] = (SD15,)
