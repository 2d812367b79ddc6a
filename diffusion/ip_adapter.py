"""IP-Adapters: prompts that are pictures, which a U-Net attends to beside the text.

Ye et al. 2023 (arXiv:2308.06721). Where a picture acts on some blocks alone it gives only its style or only
its composition: Wang et al. 2024, InstantStyle (arXiv:2404.02733).
"""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import chain
from math import lcm
from types import MappingProxyType
from typing import Any, ClassVar, Literal, NamedTuple, TypeAlias

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from diffusion.ahead import sent
from diffusion.attention import attend
from diffusion.checkpoint import Part, WeightFile
from diffusion.clip_vision import ClipVision, see
from diffusion.errors import DiffusionError, FamilyMismatch, UnknownCheckpoint
from diffusion.family import Family
from diffusion.hooks import answering, reading
from diffusion.image_projection import Adapter, numbers, reads_patches
from diffusion.memory import Handle, Memory

STAGES = ("down_blocks", "up_blocks", "mid_block")
"""The order in which files count the cross attentions of a U-Net."""
KEYS = ".attn2.to_k.weight"
SEEN: Mapping[str, Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "sdxl": {
            "style transfer": ("up_blocks.0.attentions.1.",),
            "composition": ("down_blocks.2.attentions.1.",),
        },
        "sd15": {"style transfer": ("up_blocks.1.",), "composition": ("down_blocks.2.", "mid_block.")},
    }
)
"""By family, the blocks that see this of a picture: Wang et al. 2024, InstantStyle (arXiv:2404.02733).

For Stable Diffusion 1 as its authors' program has it; they call that experimental, and weaker than with SDXL.
"""
TAKEN = ("linear", "style transfer", "composition", "style and composition")
"""What can be taken of a picture; `linear` is all of it."""
Together: TypeAlias = Literal["concat", "add", "subtract", "average", "norm average"]


@dataclass(frozen=True, slots=True, weakref_slot=True, eq=False)
class IpAdapter:
    """The networks of an IP-Adapter. patches: it reads a picture patch by patch, not as a whole.

    encoder: the image encoder that it came with, if it was found with one.
    """

    network: Handle
    patches: bool
    encoder: ClipVision | None = None
    socket: ClassVar[str] = "IPADAPTER"


class Tokens(NamedTuple):
    """Pictures as tokens, float32 [1, tokens, context]: what is wanted and what is not, as many of each."""

    wanted: Tensor
    unwanted: Tensor


class Place(NamedTuple):
    """A cross attention of a U-Net by its name, and its number in an adapter's file."""

    name: str
    number: str


class Rows(NamedTuple):
    """What a forward is about: for each prompt whether it is unwanted, and the size of its latents."""

    unwanted: tuple[bool, ...]
    height: int
    width: int


@dataclass(frozen=True, slots=True, eq=False)
class PicturePrompt:
    """A picture that a U-Net attends to: where, how strongly, and in which part of the sampling.

    scales_keys: strength also says how much the tokens are looked for. mask: where the picture acts,
    [batch, height, width] at any size.
    """

    network: Handle
    tokens: Tokens
    places: tuple[Place, ...]
    strength: float = 1.0
    start: float = 0.0
    end: float = 1.0
    scales_keys: bool = False
    mask: Tensor | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Attending:
    """A picture prompt in one forward: a hook."""

    prompt: PicturePrompt
    rows: Rows

    @contextmanager
    def installed(self, module: nn.Module, sigma: float) -> Iterator[None]:  # noqa: ARG002
        """While this lasts, a network attends to the picture."""
        with self.prompt.network.resident() as adapter, ExitStack() as stack:
            first = next(adapter.parameters())
            tokens = sent(torch.cat(self.prompt.tokens), first.device, first.dtype)
            for place in self.prompt.places:
                part = adapter.get_submodule(f"ip_adapter.{place.number}")
                keys, values = (part.get_submodule(name)(tokens) for name in ("to_k_ip", "to_v_ip"))
                keys = keys * self.prompt.strength if self.prompt.scales_keys else keys
                self.attend_in(module.get_submodule(place.name), (keys, values), stack)
            yield

    def attend_in(self, attention: Any, pair: tuple[Tensor, Tensor], stack: ExitStack) -> None:
        """Let one cross attention look at the tokens' keys and values [2, tokens, channels] too."""
        queries: list[Tensor] = []

        def noted(query: Tensor) -> Tensor:
            queries.append(query)
            return query

        def added(merged: Tensor) -> Tensor:
            query = queries.pop()
            rows = sent(torch.tensor(self.index(len(query))), query.device)
            parts = (query, *(each.to(query)[rows] for each in pair))
            split = (part.reshape(*part.shape[:2], attention.heads, -1).transpose(1, 2) for part in parts)
            seen = attend(*split).transpose(1, 2).flatten(2) * self.prompt.strength
            if self.prompt.mask is not None:
                seen = seen * sent(self.share(query), seen.device, seen.dtype)
            return merged + seen

        stack.callback(answering(attention.to_q, noted))
        stack.callback(reading(attention.to_out[0], added))

    def index(self, count: int) -> list[int]:
        """For each row whether it is unwanted, 0 or 1."""
        return [int(each) for each in self.rows.unwanted for _ in range(count // len(self.rows.unwanted))]

    def share(self, query: Tensor) -> Tensor:
        """How much of the picture each cell gets [rows, cells, 1]."""
        assert self.prompt.mask is not None
        height, width = grid(self.rows.height, self.rows.width, query.shape[1])
        cells = interpolate(self.prompt.mask[:, None].float(), size=(height, width), mode="area").flatten(1)
        images = len(query) // len(self.rows.unwanted)
        return cells[[row % images % len(cells) for row in range(len(query))], :, None]


def grid(height: int, width: int, cells: int) -> tuple[int, int]:
    """The height and width of a U-Net's level with so many cells: the latents' halved, rounded up."""
    while height * width > cells:
        height, width = (height + 1) // 2, (width + 1) // 2
    if height * width != cells:
        raise DiffusionError(
            "The mask of an IP-Adapter has no place where the picture is made smaller inside the network.",
            "Leave out the mask, or the node that makes it smaller.",
        )
    return height, width


def open_adapter(file: WeightFile, memory: Memory) -> IpAdapter:
    """The IP-Adapter in a file. Raises UnknownCheckpoint if it is none, or of an unknown kind."""
    header, by_patch = file.header, reads_patches(file.header)
    if by_patch is None or not numbers(header):
        raise UnknownCheckpoint(
            f"{header.name} is not an IP-Adapter this program knows.",
            "Known are the plain ones, plus, plus-face and full-face for Stable Diffusion 1 and SDXL; "
            "those called FaceID need a program that recognises faces.",
        )
    sources = {key: key for key in header.entries if key.startswith(("image_proj.", "ip_adapter."))}
    part = Part("IP-Adapter", "network", partial(Adapter, header), sources)
    return IpAdapter(Handle(part, file, memory), by_patch)


def cross_attentions(network: Handle) -> list[str]:
    """The names of a U-Net's cross attentions, in the order in which adapters count them."""

    def order(name: str) -> tuple[int, ...]:
        stage, *rest = name.split(".")
        return STAGES.index(stage), *(int(part) for part in rest if part.isdigit())

    ends = (name for name in network.part.sources if name.endswith(KEYS))
    return sorted((name.removesuffix(".to_k.weight") for name in ends), key=order)


def places(adapter: IpAdapter, network: Handle, family: Family, taken: str) -> tuple[Place, ...]:
    """Where an adapter's parts belong in a U-Net, of those that take something of a picture.

    taken: one of TAKEN. Raises FamilyMismatch if the adapter is made for another kind of network.
    """
    name, header = adapter.network.file.path.name, adapter.network.file.header
    there, parts = cross_attentions(network), numbers(header)
    own = [header.shape(f"ip_adapter.{number}.to_k_ip.weight") for number in parts]
    wanted = [network.shape(f"{place}.to_k.weight") for place in there]
    if own != wanted:
        wide = " and ".join(map(str, sorted({shape[1] for shape in own})))
        raise FamilyMismatch(
            f"{name} has parts for {len(own)} attentions to prompts of width {wide}, "
            f"but {network.file.path.name} has {len(wanted)}"
            f"{f' of width {wanted[0][1]}' if wanted else ''}.",
            "Load an IP-Adapter made for the model's family.",
        )
    seen = SEEN.get(family.name, {})
    if taken != "linear" and not seen:
        raise FamilyMismatch(f"Which blocks of {family.title} give {taken!r} is unknown.", "Choose 'linear'.")
    starts = ("",) if taken == "linear" else seen.get(taken) or tuple(chain.from_iterable(seen.values()))
    return tuple(Place(*each) for each in zip(there, parts, strict=True) if each[0].startswith(starts))


@torch.no_grad()
def tokens(
    adapter: IpAdapter,
    encoder: ClipVision,
    image: Tensor,
    unwanted: Tensor | None = None,
    together: Together = "concat",
) -> Tokens:
    """What an adapter makes of pictures, Images [batch, height, width, 3].

    unwanted: pictures to keep away from; without them it is nothing at all, or for an adapter that reads
    patches a black picture. together: how several pictures become one set of tokens.
    """
    seen = states(adapter, encoder, image)
    if unwanted is not None:
        away = states(adapter, encoder, unwanted)
    elif adapter.patches:
        away = states(adapter, encoder, torch.zeros(1, encoder.side, encoder.side, 3))
    else:
        away = torch.zeros_like(seen[:1])
    with adapter.network.resident() as module:
        first = next(module.parameters())
        made = [
            module.get_submodule("image_proj")(joined(each, together).to(first.device, first.dtype))
            for each in (seen, away)
        ]
    one, other = (each.float().cpu().flatten(0, 1)[None] for each in made)
    length = lcm(one.shape[1], other.shape[1])  # attention to repeated tokens is the same
    return Tokens(*(each.repeat(1, length // each.shape[1], 1) for each in (one, other)))


def states(adapter: IpAdapter, encoder: ClipVision, image: Tensor) -> Tensor:
    """What an adapter reads of what an image encoder sees. Raises FamilyMismatch if it reads another's."""
    reads, tells = width_read(adapter), width_told(encoder, adapter.patches)
    if reads != tells:
        raise FamilyMismatch(
            f"{adapter.network.file.path.name} reads pictures in {reads} numbers, but the image encoder "
            f"{encoder.network.file.path.name} tells them in {tells}.",
            "Load the image encoder that the IP-Adapter was made with, such as OpenCLIP-H.",
        )
    seen = see(encoder, image)
    return seen.penultimate_hidden_states if adapter.patches else seen.image_embeds


def width_read(adapter: IpAdapter) -> int:
    """In how many numbers an adapter reads a picture or a patch."""
    header = adapter.network.file.header
    known = ("image_proj.proj_in.weight", "image_proj.proj.0.weight", "image_proj.proj.weight")
    return next(header.shape(key)[1] for key in known if header.has(key))


def width_told(encoder: ClipVision, patches: bool) -> int:
    """In how many numbers an image encoder tells a picture, or each of its patches; 0 if it does not."""
    inside = "vision_model.post_layernorm.weight" if patches else "visual_projection.weight"
    return encoder.network.shape(inside)[0] if inside in encoder.network.part.sources else 0


def joined(seen: Tensor, together: Together) -> Tensor:
    """Several pictures as what is made of them before they become tokens; one picture stays as it is."""
    if together == "concat" or len(seen) == 1:
        return seen
    if together == "add":
        return seen.sum(0, keepdim=True)
    if together == "subtract":
        return seen[:1] - seen[1:].mean(0, keepdim=True)
    if together == "norm average":
        seen = seen / seen.norm(dim=0, keepdim=True)
    return seen.mean(0, keepdim=True)
