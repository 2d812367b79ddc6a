"""Train the VAE's decoder.

An encoder that is there, and so the space in which the U-Net works, stays as it is.
"""

from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, max_pool2d
from transformers import CLIPTextModel

from tools.bundled_models import diffusion_loss
from tools.bundled_models.networks import SCALE, Base
from tools.bundled_models.shards import Stream
from tools.bundled_models.train_base import small_text
from tools.bundled_models.training import Run

ROUGHNESS = 0.12
"""The most noise in latents while training, because a sampler's latents are never quite right."""
LATEST = 400
"""Up to this time latents are noised and guessed by the U-Net, so that its errors are seen."""
OBJECT_WEIGHT = 4.0
"""How much more a pixel of an object counts than one of a plain background."""


LOG_VARIANCE = -9.0
"""What a new encoder says of its own error: next to none."""


def edges(x: Tensor) -> tuple[Tensor, Tensor]:
    """Differences of neighbours, across and down."""
    return x[..., 1:] - x[..., :-1], x[..., 1:, :] - x[..., :-1, :]


def picture_loss(made: Tensor, wanted: Tensor, mask: Tensor) -> Tensor:
    """Absolute error of pixels and edges at two scales, of [n, 3, h, w]; mask [n, 1, h, w] in 0..1."""
    weight = 1 + (OBJECT_WEIGHT - 1) * max_pool2d(mask, 5, stride=1, padding=2)
    total = (weight * (made - wanted).abs()).mean()
    for scale in (1, 2):
        across, down = edges(made - wanted)
        total = total + 0.5 * (
            (weight[..., 1:] * across.abs()).mean() + (weight[..., 1:, :] * down.abs()).mean()
        )
        if scale == 1:
            made, wanted, weight = (avg_pool2d(x, 2) for x in (made, wanted, weight))
    return total


@torch.no_grad()
def as_sampled(base: Base, text: CLIPTextModel, latents: Tensor, tokens: Tensor) -> Tensor:
    """Latents with errors such as a sampler leaves: one half the U-Net's, the other noise."""
    count = len(latents)
    rough = latents + torch.randn_like(latents) * ROUGHNESS * torch.rand(
        count, 1, 1, 1, device=latents.device
    )
    share = diffusion_loss.alphas().to(latents.device)
    times = (torch.rand(count // 2) * LATEST).long().to(latents.device)
    noise = torch.randn_like(latents[: len(times)])
    x = diffusion_loss.noised(latents[: len(times)], noise, times, share)
    predicted = base.unet(x, times, text(tokens[: len(times)]).last_hidden_state).sample.float()
    kept = share[times].view(-1, 1, 1, 1)
    guess = (x - (1 - kept).sqrt() * predicted) / kept.sqrt()
    return torch.cat([guess, rough[len(times) :]])


def train(
    base: Base,
    stream: Stream,
    state: Path,
    minutes: float,
    rate: float = 8e-4,
    batch: int = 4,
    report: Callable[[str], None] = print,
    has_new_encoder: bool = False,
) -> None:
    """Train for a number of minutes on shards with images; the base then has the averaged decoder.

    A new encoder is trained beside it, to give the latents of the shards.
    """
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    decoder, entry = base.vae.decoder.to(device).train(), base.vae.post_quant_conv.to(device)
    base.vae.to(device)
    text = small_text(base.text).to(device)
    base.unet.to(device)

    def one_loss() -> Tensor:
        places = stream.batch(batch)
        exact = stream.shard.latents[places].float().to(device)
        tokens = stream.shard.tokens[places].long()
        wanted = stream.shard.images[places].permute(0, 3, 1, 2).float() / 127.5 - 1
        mask = stream.shard.masks[places][:, None].float() / 255
        with torch.autocast(device.type, torch.bfloat16):
            latents = as_sampled(base, text, exact, tokens.to(device))
            made = decoder(entry(latents / SCALE))
            loss = picture_loss(made.float(), wanted.to(device), mask.to(device))
            if has_new_encoder:
                found = base.vae.encode(wanted.to(device)).latent_dist
                loss = loss + (found.mean.float() * SCALE - exact).pow(2).mean()
                loss = loss + 1e-3 * (found.logvar.float() - LOG_VARIANCE).pow(2).mean()
        return loss

    encoder = [*base.vae.encoder.parameters(), *base.vae.quant_conv.parameters()] if has_new_encoder else []
    run = Run([*decoder.parameters(), *entry.parameters(), *encoder], state, minutes, rate, average=0.995)
    run.train(one_loss, report)
    run.use_averaged()
    base.vae.cpu().eval()
    base.unet.cpu()
