"""GLIGEN: boxes with texts that say what should be where in a picture.

Li et al. 2023 (arXiv:2301.07093), section 4. In each transformer block of a U-Net, between its attention to
the picture and that to the prompt, a gate lets the picture attend to its boxes. Gates act at every noise
level; the paper can also close them after a part of the sampling.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from types import MappingProxyType
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from diffusion import networks
from diffusion.ahead import sent
from diffusion.blocks import translated, unet_names
from diffusion.checkpoint import Header, Part, WeightFile
from diffusion.errors import FamilyMismatch, UnknownCheckpoint
from diffusion.memory import Handle, Memory
from diffusion.parts import find_unet

MOST_BOXES = 30
"""So many the networks were trained with; where there are fewer, learnt vectors stand for the rest."""
POSITIONS, GATE = "position_net.", ".fuser."
MARK = f"{POSITIONS}null_positive_feature"


@dataclass(frozen=True, slots=True, eq=False)
class Gligen:
    """The networks of a GLIGEN file. positions: makes tokens of boxes and texts, always in float32.

    gates: one for each transformer block, by its name in the file with hyphens for dots.
    """

    positions: Handle
    gates: Handle
    socket: ClassVar[str] = "GLIGEN"

    @property
    def text_width(self) -> int:
        """In how many numbers it reads a text as a whole."""
        return self.positions.shape("null_positive_feature")[0]

    @property
    def blocks(self) -> list[str]:
        """The names of its gates."""
        ends = (name for name in self.gates.part.sources if name.endswith(".linear.weight"))
        return [name.removesuffix(".linear.weight") for name in ends]


@dataclass(frozen=True, slots=True, eq=False)
class TextBox:
    """What should be where: a rectangle in latent cells, and a text as a whole, float32 [1, width]."""

    height: int
    width: int
    y: int
    x: int
    text: Tensor

    def corners(self, height: int, width: int) -> tuple[float, float, float, float]:
        """Left, top, right and bottom as fractions of a picture of that many cells."""
        right, bottom = self.x + self.width, self.y + self.height
        return self.x / width, self.y / height, right / width, bottom / height


@dataclass(frozen=True, slots=True, eq=False)
class Grounding:
    """The boxes of a prompt, and the networks that read them.

    places: the transformer blocks of the run's U-Net by the names of the gates; a run fills them in.
    """

    gligen: Gligen
    boxes: tuple[TextBox, ...] = ()
    places: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True, eq=False)
class Grounded:
    """Boxes in one forward, which has as many rows for each prompt: a hook.

    height, width: of the whole picture, in latent cells. Boxes are places of it, also where a prompt acts in
    an area and the network sees only that.
    """

    prompts: Sequence[Grounding]
    height: int
    width: int

    @contextmanager
    def installed(self, module: nn.Module, sigma: float) -> Iterator[None]:  # noqa: ARG002
        """While this lasts, a network lets the picture attend to the boxes."""
        first = self.prompts[0]
        # Held together, so that neither drives the other out of memory.
        with (
            first.gligen.gates.resident() as gates,
            first.gligen.positions.resident() as positions,
            ExitStack() as stack,
        ):
            tokens = self.tokens(positions)
            for gate, place in first.places.items():
                stack.callback(gated(module.get_submodule(place), gates.get_submodule(gate), tokens))
            yield

    def tokens(self, positions: nn.Module) -> Tensor:
        """The boxes of each prompt as tokens, float32 [prompts, MOST_BOXES, width]."""
        device = next(positions.parameters()).device
        texts = torch.zeros(len(self.prompts), MOST_BOXES, self.prompts[0].gligen.text_width)
        corners, used = texts.new_zeros(*texts.shape[:2], 4), texts.new_zeros(texts.shape[:2])
        for row, prompt in enumerate(self.prompts):
            for place, box in enumerate(prompt.boxes):  # in place: made above
                corners[row, place] = torch.tensor(box.corners(self.height, self.width))
                texts[row, place], used[row, place] = box.text[0], 1
        made: Tensor = positions(*(sent(each, device) for each in (corners, used, texts)))
        return made


def gated(block: Any, gate: nn.Module, tokens: Tensor) -> Callable[[], None]:
    """From now on a transformer block of diffusers attends to tokens too; call what is returned to end that.

    The library's blocks call `fuser` between their attentions, when they are told of objects.
    """
    kind = next(gate.parameters())
    objects = tokens.to(kind.device, kind.dtype)

    def fused(states: Tensor, rows: Tensor) -> Tensor:
        answer: Tensor = gate(states.to(kind.dtype), rows)
        return answer.to(states.dtype)

    def told(_block: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> object:
        rows = objects.repeat_interleave(len(args[0]) // len(objects), 0)
        given = kwargs.get("cross_attention_kwargs") or {}
        return args, {**kwargs, "cross_attention_kwargs": {**given, "gligen": {"objs": rows}}}

    handle = block.register_forward_pre_hook(told, with_kwargs=True)
    block.fuser = fused

    def end() -> None:
        handle.remove()
        del block.fuser

    return end


def open_gligen(file: WeightFile, memory: Memory) -> Gligen:
    """The GLIGEN in a file. Raises UnknownCheckpoint if it is none, or reads something else than texts."""
    header = file.header
    positions = {key.removeprefix(POSITIONS): key for key in header.entries if key.startswith(POSITIONS)}
    gates: dict[str, str] = {}
    for key in header.entries:
        block, _, weight = key.partition(GATE)
        if weight:
            gates[f"{block.replace('.', '-')}.{weight}"] = key
    if not header.has(MARK) or not gates:
        raise UnknownCheckpoint(
            f"{file.path.name} is not a GLIGEN this program knows.",
            "Known are those for boxes with texts, for Stable Diffusion 1.",
        )
    widths = header.shape(MARK)[0], header.shape(f"{POSITIONS}linears.4.weight")[0]
    read = Part("GLIGEN", "network", partial(networks.box_projection, *widths), positions)
    built = Part("GLIGEN", "network", partial(built_gates, header, gates), gates)
    return Gligen(Handle(read, file, memory, torch.float32), Handle(built, file, memory))


def built_gates(header: Header, sources: Mapping[str, str]) -> nn.Module:
    """The gates of a file by their names, each with 8 heads unless the metadata knows better."""
    heads = header.number("gligen.num_heads", 8)
    shapes = {
        name.removesuffix(".linear.weight"): header.shape(key)
        for name, key in sources.items()
        if name.endswith(".linear.weight")
    }
    return nn.ModuleDict(
        {name: networks.box_gate(width, context, heads) for name, (width, context) in shapes.items()}
    )


def places(gligen: Gligen, network: Handle) -> dict[str, str]:
    """The transformer blocks of a U-Net that each gate belongs in.

    Raises FamilyMismatch if they were made for another kind of network.
    """
    unet, there = find_unet(network.file.header), network.part.sources
    names = unet_names(unet.shape) if unet and unet.shape else {}
    found: dict[str, str] = {}
    for gate in gligen.blocks:
        block = gate.replace("-", ".")
        found[gate] = place = translated(block, names) or block
        ends = f"{place}.attn2.to_q.weight", f"{place}.attn2.to_k.weight"
        wanted = gligen.gates.shape(f"{gate}.linear.weight")
        if any(end not in there for end in ends) or wanted != tuple(network.shape(end)[1] for end in ends):
            raise FamilyMismatch(
                f"{gligen.gates.file.path.name} does not fit into {network.file.path.name}: it has a gate "
                f"for a block {wanted[0]} wide that reads prompts {wanted[1]} wide, at {block}.",
                "Use a model of Stable Diffusion 1, for which GLIGEN was made.",
            )
    return found
