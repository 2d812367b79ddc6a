"""Train a LoRA on the frozen base: a style that the base never saw.

Hu et al. 2021 (arXiv:2106.09685).
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageFilter
from safetensors.torch import save_file
from torch import Tensor, nn

from tools.bundled_models import diffusion_loss
from tools.bundled_models.networks import Base, half
from tools.bundled_models.shards import Stream
from tools.bundled_models.sprites import Sprite
from tools.bundled_models.train_base import small_text
from tools.bundled_models.training import Run

RANK = 8
OUTLINE = 6
"""The width of a sticker's white border, in pixels of its drawing."""


def sticker(sprite: Sprite) -> Sprite:
    """A drawing with a white border, as if cut out of paper."""
    picture = Image.fromarray(sprite.rgba)
    side = picture.width
    inner = picture.resize((side - 2 * OUTLINE,) * 2, Image.Resampling.LANCZOS)
    whole = Image.new("RGBA", picture.size)
    whole.paste(inner, (OUTLINE, OUTLINE))
    border = (
        whole.getchannel("A")
        .filter(ImageFilter.MaxFilter(2 * OUTLINE - 1))
        .filter(ImageFilter.GaussianBlur(1))
    )
    paper = Image.new("RGBA", picture.size, "white")
    paper.putalpha(border)
    return Sprite(sprite.noun, sprite.style, np.asarray(Image.alpha_composite(paper, whole)))


class LowRank(nn.Module):
    """What is added to one layer: first `down` to a few channels, then `up` from them. Starts at nothing."""

    def __init__(self, layer: nn.Linear | nn.Conv2d, rank: int) -> None:
        super().__init__()
        self.rank = rank
        if isinstance(layer, nn.Conv2d):
            self.down: nn.Module = nn.Conv2d(
                layer.in_channels, rank, layer.kernel_size, layer.stride, layer.padding, bias=False
            )
            self.up: nn.Module = nn.Conv2d(rank, layer.out_channels, 1, bias=False)
        else:
            self.down = nn.Linear(layer.in_features, rank, bias=False)
            self.up = nn.Linear(rank, layer.out_features, bias=False)
        nn.init.zeros_(self.up.weight)

    def forward(self, x: Tensor) -> Tensor:
        """What to add to the layer's output."""
        added: Tensor = self.up(self.down(x))
        return added


def layers(unet: nn.Module) -> dict[str, nn.Linear | nn.Conv2d]:
    """The layers that a LoRA changes: all of the transformer blocks and of the residual blocks."""
    return {
        name: module
        for name, module in unet.named_modules()
        if isinstance(module, nn.Linear | nn.Conv2d) and (".attentions." in name or ".resnets." in name)
    }


@contextmanager
def attached(unet: nn.Module, added: Mapping[str, LowRank]) -> Iterator[None]:
    """Within, each layer's output has what is added to it."""
    hooks = [
        layer.register_forward_hook(lambda _, given, made, change=added[name]: made + change(given[0]))
        for name, layer in layers(unet).items()
    ]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def train(
    base: Base,
    stream: Stream,
    state: Path,
    minutes: float,
    rate: float = 2e-3,
    batch: int = 24,
    report: Callable[[str], None] = print,
) -> dict[str, LowRank]:
    """Train for a number of minutes on shards of that style; gives back what each layer of the U-Net gets."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    text = small_text(base.text).to(device).requires_grad_(False)
    unet = base.unet.to(device).requires_grad_(False)
    share = diffusion_loss.alphas()
    added = {name: LowRank(layer, RANK).to(device) for name, layer in layers(unet).items()}

    def one_loss() -> Tensor:
        places = stream.batch(batch)
        latents, tokens = stream.shard.latents[places].float(), stream.shard.tokens[places].long()
        times, noise = diffusion_loss.spread_times(batch), torch.randn_like(latents)
        x = diffusion_loss.noised(latents, noise, times, share).to(device)
        with torch.autocast(device.type, torch.bfloat16):
            context = text(tokens.to(device)).last_hidden_state
            predicted = unet(x, times.to(device), context).sample
        return diffusion_loss.loss(predicted, noise.to(device), times.to(device), share.to(device))

    weights = [weight for change in added.values() for weight in change.parameters()]
    run = Run(weights, state, minutes, rate, average=0.99)
    with attached(unet, added):
        run.train(one_loss, report)
    run.use_averaged()
    base.unet.cpu().requires_grad_(True)
    return {name: change.cpu() for name, change in added.items()}


def save(added: dict[str, LowRank], path: Path, about: dict[str, str]) -> None:
    """Write a LoRA with kohya's key names, float16."""
    weights: dict[str, Tensor] = {}
    rank = 0
    for name, change in added.items():
        rank = change.rank
        key = "lora_unet_" + name.replace(".", "_")
        weights[f"{key}.lora_down.weight"] = half(change.down.weight)
        weights[f"{key}.lora_up.weight"] = half(change.up.weight)
        weights[f"{key}.alpha"] = torch.tensor(float(rank), dtype=torch.float16)
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(weights, path, metadata={"ss_network_dim": str(rank), "ss_network_alpha": str(rank)} | about)
