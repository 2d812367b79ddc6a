"""T2I-Adapters, Mou et al. 2023 (arXiv:2302.08453): small networks that steer from inside the encoder."""

from collections.abc import Iterator
from functools import partial
from typing import NamedTuple

from diffusion import networks
from diffusion.blocks import Shapes, counted
from diffusion.checkpoint import Header, Part

FULL_BLOCKS = 2
"""The residual blocks of one level of a full adapter; original names count them through all levels."""


class Adapter(NamedTuple):
    """The network of a file, how many channels its hint has, and the family it steers."""

    part: Part
    channels: int
    family: str


def adapter(header: Header) -> Adapter | None:
    """The T2I-Adapter in a file of original or library names; None if there is none."""
    under = header.under("adapter.") or header.under("")
    shapes = {name: header.shape(key) for name, key in under.items()}
    names = dict(library_names(shapes))
    found = {names[name]: under[name] for name in under if name in names}
    if "body.0.resnets.0.block1.weight" not in found:
        return None
    is_light = "conv_in.weight" not in found
    entry = header.shape(found["body.0.in_conv.weight" if is_light else "conv_in.weight"])[1]
    downscale = 16 if not is_light and entry % 256 == 0 else 8
    channels = entry // downscale**2
    last = "out_conv" if is_light else "resnets.0.block2"
    levels = range(counted(sized := {name: header.shape(key) for name, key in found.items()}, "body"))
    kind = "light_adapter" if is_light else "full_adapter_xl" if downscale == 16 else "full_adapter"
    outputs = [sized[f"body.{level}.{last}.weight"][0] for level in levels]
    config = {
        "in_channels": channels,
        "channels": outputs[:-1] if is_light else outputs,  # the library adds a light adapter's last level
        "num_res_blocks": counted(sized, "body.0.resnets"),
        "downscale_factor": downscale,
        "adapter_type": kind,
    }
    sources = {f"adapter.{name}": key for name, key in found.items()}
    part = Part("T2I-Adapter", "network", partial(networks.t2i_adapter, config), sources)
    return Adapter(part, channels, "sdxl" if downscale == 16 else "sd15")


def library_names(shapes: Shapes) -> Iterator[tuple[str, str]]:
    """The file's names, each with the library's."""
    is_library = "body.0.resnets.0.block1.weight" in shapes
    is_light = "conv_in.weight" not in shapes
    for name in shapes:
        head, _, rest = name.partition(".")
        if is_library or head != "body":
            yield name, name
        elif is_light:
            yield name, name.replace(".body.", ".resnets.", 1)
        else:
            number, _, inner = rest.partition(".")
            level, block = divmod(int(number), FULL_BLOCKS)
            place = inner if inner.startswith("in_conv") else f"resnets.{block}.{inner}"
            yield name, f"body.{level}.{place}"
