"""Repainting a part: noise masks, blending at every evaluation, what an encoder is shown under a mask."""

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import conv2d, interpolate, max_pool2d

from diffusion.ahead import sent
from diffusion.model import Model
from diffusion.noise import tiled
from diffusion.noise_range import NoiseRange
from diffusion.resize import resized
from diffusion.samplers.step import Guided, GuidedDenoise
from diffusion.vae import cropped
from diffusion.values import Conditioning, Image, Latent, Mask, Prompt, Sigmas


def as_noise_mask(mask: Tensor) -> Tensor:
    """A mask of any of its shapes as [batch, 1, height, width]."""
    plain = torch.as_tensor(mask).float()
    return plain.reshape(-1, 1, *plain.shape[-2:])


def mask_for(mask: Tensor, samples: Tensor) -> Tensor:
    """A noise mask [batch, 1, height, width] on the grid of a latent, one for each of its images."""
    fitted = interpolate(as_noise_mask(mask), size=samples.shape[-2:], mode="bilinear")
    return tiled(fitted, len(samples)).to(samples.device)


class Kept(NamedTuple):
    """What a mask protects: the clean latent, and the noise that belongs to it, in the network's space.

    mask_at: the mask at a noise level, where it is not the same at all of them.
    """

    mask: Tensor
    latent: Tensor
    noise: Tensor
    mask_at: Callable[[float], Tensor] | None = None


def repainting(denoise: GuidedDenoise, model: Model, kept: Kept) -> GuidedDenoise:
    """A denoiser that repaints only under the mask.

    At every evaluation the network sees the kept part as it would look at that noise level, and its answers
    there are replaced by the clean latent. A grey mask blends.
    """
    latent, noise = kept.latent, kept.noise

    def blended(x: Tensor, sigma: float) -> Guided:
        mask = kept.mask if kept.mask_at is None else kept.mask_at(sigma)
        background = model.prediction.noised(noise, latent, sigma, False)
        answers = denoise(x * mask + background * (1 - mask), sigma)
        return Guided(*(answer * mask + latent * (1 - mask) for answer in answers))

    return blended


def differential(
    mask: Tensor, levels: NoiseRange, sigmas: Sigmas, strength: float
) -> Callable[[float], Tensor]:
    """Differential diffusion, Levin & Fried 2023 (arXiv:2306.00950): grey says from when on, not how much.

    A cell is repainted while the part of the run that is left is at most its value in the mask.
    strength: below 1 the mask's own grey is mixed in.
    """
    first, last = levels.timestep(sigmas[0]), levels.timestep(max(sigmas[-1], levels.sigma_min))

    def mask_at(sigma: float) -> Tensor:
        left = (levels.timestep(sigma) - last) / (first - last) if first != last else 0.0
        return torch.lerp(mask, (mask >= left).to(mask), strength)

    return mask_at


def network_extra(model: Model, latent: Latent, clean: Tensor) -> Tensor | None:
    """What an inpainting network is given beside the state: the mask, rounded, and the clean latent.

    None for other networks, and where there is no mask (then `Model` fills in what says "repaint all").
    """
    if model.in_channels != 2 * clean.shape[1] + 1 or latent.noise_mask is None:
        return None
    return torch.cat((mask_for(latent.noise_mask, clean).round(), clean), 1)


def prompt_extra(model: Model, prompt: Prompt, x: Tensor, run: Tensor | None = None) -> Tensor | None:
    """What a network for inpainting or editing is given beside the state, as a prompt brings it.

    None if the prompt brings nothing the network has a place for. For inpainting it is the mask, rounded,
    and the picture; for editing (Brooks et al. 2023, arXiv:2211.09800) only the picture, in the VAE's space
    unless the family scales it.
    run: the `network_extra` of the run, whose mask a picture without one is given with.
    """
    if prompt.concat_latent is None:
        return None
    height, width = x.shape[-2:]
    picture = sent(prompt.concat_latent, x.device, x.dtype)
    if picture.shape[-2:] != x.shape[-2:]:
        picture = resized(picture, width, height, "bilinear", "center")
    picture = tiled(picture, len(x))
    room = model.in_channels - x.shape[1]
    if room == picture.shape[1]:
        return model.latent_in(picture) if model.family.scales_edits else picture
    given = prompt.concat_mask if prompt.concat_mask is not None or run is None else run[:, :1]
    if room != picture.shape[1] + 1 or given is None:
        return None
    mask = sent(as_noise_mask(given), x.device, x.dtype)
    if mask.shape[-2:] != x.shape[-2:]:
        mask = resized(mask, width, height, "bilinear", "center")
    return torch.cat((tiled(mask.round(), len(x)), model.latent_in(picture)), 1)


def with_picture(
    conditioning: Conditioning, picture: Tensor, mask: Tensor | None = None, noise: float = 0.0
) -> Conditioning:
    """A conditioning that shows a network for inpainting or editing a picture in the VAE's space.

    mask: what of it to repaint. noise: how noisy a network for upscaling sees it, 0 to 1.
    """
    return conditioning.each(
        lambda entry: replace(entry, concat_latent=picture, concat_mask=mask, concat_noise=noise)
    )


class Greyed(NamedTuple):
    """A picture with grey under the mask, and the mask grown, [batch, 1, height, width] in pixels.

    soft: the mask as it was given, on the same pixels.
    """

    image: Image
    mask: Tensor
    soft: Tensor


def greyed(image: Tensor, mask: Tensor, grow: int, factor: int = 8) -> Greyed:
    """What `VAEEncodeForInpaint` encodes, and the noise mask it gives.

    The mask is brought to the size of the picture and rounded. It grows by a square of `grow` pixels.
    """
    pixels = torch.as_tensor(image)
    fitted = interpolate(as_noise_mask(mask), size=pixels.shape[1:3], mode="bilinear")
    pixels = cropped(pixels, factor)
    soft = cropped(fitted.movedim(1, -1), factor).movedim(-1, 1)
    hard = soft.round()
    height, width = hard.shape[-2:]
    keep = 1 - tiled(hard, max(len(hard), len(pixels))).movedim(1, -1)
    grey = (pixels - 0.5) * keep[: len(pixels)] + 0.5
    return Greyed(Image(grey), _swollen(hard, grow)[:, :, :height, :width].round(), soft)


def _swollen(hard: Tensor, grow: int) -> Tensor:
    if grow == 0:
        return hard
    square = hard.new_ones(1, 1, grow, grow)
    return conv2d(hard, square, padding=grow // 2).clamp(0, 1)


def grown(mask: Tensor, pixels: int, tapered: bool = True) -> Mask:
    """A mask widened by some pixels, or narrowed if negative; in a diamond if tapered, else in a square."""
    planes = as_noise_mask(mask)
    sign = 1 if pixels >= 0 else -1
    planes = planes * sign
    for _ in range(min(abs(pixels), max(planes.shape[-2:]))):
        if tapered:
            tall = max_pool2d(planes, (3, 1), stride=1, padding=(1, 0))
            planes = torch.maximum(tall, max_pool2d(planes, (1, 3), stride=1, padding=(0, 1)))
        else:
            planes = max_pool2d(planes, 3, stride=1, padding=1)
    return Mask((planes * sign)[:, 0])


def feathered(mask: Tensor, left: int, top: int, right: int, bottom: int) -> Mask:
    """A mask that fades out towards its borders, linearly over so many pixels on each side."""
    planes = as_noise_mask(mask)[:, 0]
    height, width = planes.shape[-2:]
    across = _ramp(width, left) * _ramp(width, right).flip(0)
    down = _ramp(height, top) * _ramp(height, bottom).flip(0)
    return Mask(planes * (down[:, None] * across[None, :]).to(planes))


def _ramp(length: int, fade: int) -> Tensor:
    fade = min(fade, length)
    return ((torch.arange(length) + 1) / fade).clamp(max=1) if fade else torch.ones(length)
