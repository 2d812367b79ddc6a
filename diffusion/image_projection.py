"""The networks of IP-Adapters: from what an image encoder saw to tokens, and from tokens to keys and values.

Ye et al. 2023 (arXiv:2308.06721). The modules are named as the weights in the files are.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from diffusion.attention import attend
from diffusion.blocks import counted
from diffusion.checkpoint import Header

HEAD_CHANNELS = 64


class Projection(nn.Module):
    """A picture as a whole [batch, width] becomes a few tokens [batch, tokens, context]."""

    def __init__(self, width: int, context: int, tokens: int) -> None:
        super().__init__()
        self.tokens = tokens
        self.proj = nn.Linear(width, tokens * context)
        self.norm = nn.LayerNorm(context)

    def forward(self, seen: Tensor) -> Tensor:
        """The tokens."""
        tokens: Tensor = self.norm(self.proj(seen).unflatten(-1, (self.tokens, -1)))
        return tokens


class Perceptron(nn.Module):
    """Each patch [batch, patches, width] becomes a token [batch, patches, context]."""

    def __init__(self, width: int, inner: int, context: int) -> None:
        super().__init__()
        self.proj = nn.Sequential(
            nn.Linear(width, inner), nn.GELU(), nn.Linear(inner, context), nn.LayerNorm(context)
        )

    def forward(self, seen: Tensor) -> Tensor:
        """The tokens."""
        tokens: Tensor = self.proj(seen)
        return tokens


class Perceiver(nn.Module):
    """Attention of learnt vectors to patches and to themselves (Jaegle et al. 2021, arXiv:2103.03206)."""

    def __init__(self, width: int, inner: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.to_q = nn.Linear(width, inner, bias=False)
        self.to_kv = nn.Linear(width, 2 * inner, bias=False)
        self.to_out = nn.Linear(inner, width, bias=False)

    def forward(self, patches: Tensor, latents: Tensor) -> Tensor:
        """What is added to the latents [batch, tokens, width], from patches [batch, patches, width]."""
        latents = self.norm2(latents)
        read = torch.cat((self.norm1(patches), latents), 1)
        parts = (self.to_q(latents), *self.to_kv(read).chunk(2, -1))
        merged = attend(*(part.unflatten(-1, (-1, HEAD_CHANNELS)).transpose(1, 2) for part in parts))
        answer: Tensor = self.to_out(merged.transpose(1, 2).flatten(2))
        return answer


class Resampler(nn.Module):
    """Learnt vectors look at the patches [batch, patches, seen] layer by layer, and become the tokens."""

    def __init__(self, sizes: Mapping[str, int]) -> None:
        super().__init__()
        width, wide = sizes["width"], sizes["wide"]
        self.latents = nn.Parameter(torch.empty(1, sizes["tokens"], width))
        self.proj_in = nn.Linear(sizes["seen"], width)
        self.proj_out = nn.Linear(width, sizes["context"])
        self.norm_out = nn.LayerNorm(sizes["context"])
        self.layers = nn.ModuleList(
            nn.ModuleList(
                (
                    Perceiver(width, sizes["inner"]),
                    nn.Sequential(
                        nn.LayerNorm(width),
                        nn.Linear(width, wide, bias=False),
                        nn.GELU(),
                        nn.Linear(wide, width, bias=False),
                    ),
                )
            )
            for _ in range(sizes["layers"])
        )

    def forward(self, seen: Tensor) -> Tensor:
        """The tokens [batch, tokens, context]."""
        patches = self.proj_in(seen)
        latents = self.latents.expand(len(seen), -1, -1)
        for layer in self.layers:
            attention, change = layer.children()
            latents = latents + attention(patches, latents)
            latents = latents + change(latents)
        tokens: Tensor = self.norm_out(self.proj_out(latents))
        return tokens


class Attended(nn.Module):
    """The keys and values that one cross attention finds in the tokens."""

    def __init__(self, context: int, inner: int) -> None:
        super().__init__()
        self.to_k_ip = nn.Linear(context, inner, bias=False)
        self.to_v_ip = nn.Linear(context, inner, bias=False)


class Adapter(nn.Module):
    """An IP-Adapter: what makes tokens, and a part for each cross attention by its number in the file."""

    def __init__(self, header: Header) -> None:
        super().__init__()
        self.image_proj = projection(header)
        parts = {}
        for number in numbers(header):
            inner, context = header.shape(f"ip_adapter.{number}.to_k_ip.weight")
            parts[number] = Attended(context, inner)
        self.ip_adapter = nn.ModuleDict(parts)


def numbers(header: Header) -> list[str]:
    """The numbers that a file gives to cross attentions, in order."""
    keys = (key.split(".") for key in header.under("ip_adapter."))
    return sorted({number for number, *rest in keys if number.isdigit() and "to_k_ip" in rest}, key=int)


def reads_patches(header: Header) -> bool | None:
    """Whether an adapter reads a picture patch by patch, not as a whole; None if it is of no known kind."""
    if header.has("image_proj.proj.weight"):
        return False
    return True if header.has("image_proj.latents") or header.has("image_proj.proj.3.weight") else None


def projection(header: Header) -> nn.Module:
    """The network that makes the tokens, as the shapes of its weights tell it."""

    def shape(name: str) -> tuple[int, ...]:
        return header.shape(f"image_proj.{name}")

    if header.has("image_proj.proj.weight"):
        (rows, width), (context,) = shape("proj.weight"), shape("norm.weight")
        return Projection(width, context, rows // context)
    if header.has("image_proj.proj.3.weight"):
        inner, width = shape("proj.0.weight")
        return Perceptron(width, inner, shape("proj.2.weight")[0])
    sizes = {
        "tokens": shape("latents")[1],
        "width": shape("latents")[2],
        "seen": shape("proj_in.weight")[1],
        "context": shape("proj_out.weight")[0],
        "inner": shape("layers.0.0.to_q.weight")[0],
        "wide": shape("layers.0.1.1.weight")[0],
        "layers": counted(header.under("image_proj."), "layers"),
    }
    return Resampler(sizes)
