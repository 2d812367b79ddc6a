"""Style adapters: what an image encoder saw becomes tokens that stand beside those of a prompt.

The style adapter of Mou et al. 2023, T2I-Adapter (arXiv:2302.08453). The modules are named as the weights in
the files are.
"""

from collections import OrderedDict
from dataclasses import dataclass, replace
from functools import partial
from typing import ClassVar

import torch
from torch import Tensor, nn

from diffusion.blocks import counted
from diffusion.checkpoint import Header, Part, WeightFile
from diffusion.clip_vision import Seen
from diffusion.errors import FamilyMismatch, UnknownCheckpoint
from diffusion.memory import Handle, Memory
from diffusion.values import Conditioning, Prompt

MARK = "style_embedding"


class QuickGelu(nn.Module):
    """The activation of CLIP as first released."""

    def forward(self, states: Tensor) -> Tensor:
        """Of any shape."""
        return states * torch.sigmoid(1.702 * states)


class Layer(nn.Module):
    """A layer of a transformer [batch, tokens, width]."""

    def __init__(self, width: int, heads: int, inner: int) -> None:
        super().__init__()
        self.attn = nn.MultiheadAttention(width, heads, batch_first=True)
        self.ln_1, self.ln_2 = nn.LayerNorm(width), nn.LayerNorm(width)
        parts = {"c_fc": nn.Linear(width, inner), "gelu": QuickGelu(), "c_proj": nn.Linear(inner, width)}
        self.mlp = nn.Sequential(OrderedDict(parts))

    def forward(self, states: Tensor) -> Tensor:
        """The states after the layer."""
        normed = self.ln_1(states)
        states = states + self.attn(normed, normed, normed, need_weights=False)[0]
        answer: Tensor = states + self.mlp(self.ln_2(states))
        return answer


class Styler(nn.Module):
    """Learnt vectors read the patches [batch, patches, width] in a transformer, and become the tokens."""

    def __init__(self, header: Header) -> None:
        super().__init__()
        _one, self.tokens, width = header.shape(MARK)
        inner = header.shape("transformer_layes.0.mlp.c_fc.weight")[0]
        heads = header.number("style.num_heads", 8)
        layers = (Layer(width, heads, inner) for _ in range(counted(header.entries, "transformer_layes")))
        self.style_embedding = nn.Parameter(torch.empty(1, self.tokens, width))
        self.transformer_layes = nn.Sequential(*layers)
        self.ln_pre, self.ln_post = nn.LayerNorm(width), nn.LayerNorm(width)
        self.proj = nn.Parameter(torch.empty(header.shape("proj")))

    def forward(self, patches: Tensor) -> Tensor:
        """The tokens [batch, tokens, context]."""
        read = torch.cat((patches, self.style_embedding.expand(len(patches), -1, -1)), 1)
        states = self.transformer_layes(self.ln_pre(read))
        answer: Tensor = self.ln_post(states[:, -self.tokens :]) @ self.proj
        return answer


@dataclass(frozen=True, slots=True, weakref_slot=True, eq=False)
class StyleModel:
    """The network of a style adapter."""

    network: Handle
    socket: ClassVar[str] = "STYLE_MODEL"


def open_style(file: WeightFile, memory: Memory) -> StyleModel:
    """The style adapter in a file. Raises UnknownCheckpoint if it is none."""
    if not file.header.has(MARK):
        raise UnknownCheckpoint(
            f"{file.path.name} is not a style model this program knows.",
            "Known is the style adapter for Stable Diffusion 1.",
        )
    sources = {key: key for key in file.header.entries}
    return StyleModel(
        Handle(Part("style model", "network", partial(Styler, file.header), sources), file, memory)
    )


@torch.no_grad()
def styled(conditioning: Conditioning, model: StyleModel, seen: Seen, strength: float = 1.0) -> Conditioning:
    """A conditioning with the tokens of pictures behind its own, multiplied by a strength.

    Raises FamilyMismatch if the image encoder or the prompt is another's.
    """
    with model.network.resident() as module:
        kind = next(module.parameters())
        name, width = model.network.file.path.name, module.get_parameter(MARK).shape[-1]
        patches = seen.last_hidden_state
        if patches.shape[-1] != width:
            raise FamilyMismatch(
                f"{name} reads patches of {width} numbers, but the image encoder tells {patches.shape[-1]}.",
                "Use the image encoder CLIP ViT-L.",
            )
        made = module(patches.to(kind.device, kind.dtype)).float().cpu().flatten(0, 1)[None] * strength

    def longer(entry: Prompt) -> Prompt:
        if entry.tokens.shape[-1] != made.shape[-1]:
            raise FamilyMismatch(
                f"{name} makes tokens of {made.shape[-1]} numbers, but those of the prompt have "
                f"{entry.tokens.shape[-1]}.",
                "Use a prompt of the family that the style model is made for.",
            )
        tokens = torch.cat((entry.tokens, made.expand(len(entry.tokens), -1, -1)), 1)
        return replace(entry, tokens=tokens)

    return conditioning.each(longer)
