"""Corrections of guidance from the papers: each bounds, turns or spreads what a high scale overdoes.

A noise-like quantity is x - D: the noise a clean latent D leaves in the state x, times its level.
"""

from collections.abc import Callable
from dataclasses import replace
from math import sqrt

import torch
from torch import Tensor

from diffusion.filters import bell, convolved
from diffusion.guidance import TINY, Guess, Guidance, beside, linear, projected, within_image
from diffusion.perturbation import WITHOUT_SELF_ATTENTION, WhereItLooks, WithoutLayers
from diffusion.samplers.step import signal


def rescaled(multiplier: float) -> Callable[[Guess], Tensor]:
    """Guidance whose result is as spread as the wanted prediction, Lin et al. 2023 (arXiv:2305.08891), 3.4.

    Worked out on velocities of a variance-preserving process. multiplier: how much of it, 0 to 1.
    """

    def combine(guess: Guess) -> Tensor:
        level = sqrt(guess.sigma**2 + 1)
        scaled = guess.x / level**2

        def velocity(denoised: Tensor) -> Tensor:
            return (scaled - denoised) * (level / guess.sigma)

        wanted, unwanted = velocity(guess.wanted), velocity(guess.unwanted)
        guided = unwanted + guess.scale * (wanted - unwanted)
        axes = within_image(wanted)
        even = guided * (wanted.std(axes, keepdim=True) / guided.std(axes, keepdim=True))
        mixed = multiplier * even + (1 - multiplier) * guided
        return scaled - mixed * (guess.sigma / level)

    return combine


def optimised_scale(guess: Guess) -> Guess:
    """CFG-Zero*, Fan et al. 2025 (arXiv:2503.18886), equation 11: the unwanted as long as fits best."""
    wanted, unwanted = guess.x - guess.wanted, guess.x - guess.unwanted
    return replace(guess, unwanted=guess.x - projected(wanted, unwanted))


def tangentially_damped(guess: Guess) -> Guess:
    """TCFG, Kwon et al. 2025 (arXiv:2503.18137): of the unwanted, the direction both share most."""
    wanted, unwanted = guess.x - guess.wanted, guess.x - guess.unwanted
    both = torch.stack((wanted.flatten(1), unwanted.flatten(1)), 1)
    _, vectors = torch.linalg.eigh(both @ both.mT)
    shared = (vectors[:, :, -1:].mT @ both).view_as(unwanted)
    return replace(guess, unwanted=guess.x - projected(unwanted, shared))


def bounded_by_wanted(strength: float) -> Callable[[Guess, Tensor], Tensor]:
    """The result is in no cell longer than the wanted prediction, over channels; then times strength."""

    def finish(guess: Guess, denoised: Tensor) -> Tensor:
        allowed = length(guess.wanted, 1)
        found = length(denoised, 1)
        return denoised * (allowed / (found + TINY)).clamp(max=1.0) * strength

    return finish


def renormed(truncation: float, renorm: float) -> Callable[[Guess], Tensor]:
    """Lumina-Image 2.0, Qin et al. 2025 (arXiv:2503.21758), section 3.4: guidance with a limit to its length.

    truncation: from this noise level up there is no guidance. renorm: how much longer than the wanted
    prediction the guided one may be, noise-like; 0 is no limit.
    """

    def combine(guess: Guess) -> Tensor:
        if guess.sigma >= truncation:
            return guess.wanted
        guided, wanted = guess.x - linear(guess), guess.x - guess.wanted
        if renorm > 0:
            allowed = length(wanted, within_image(wanted)) * renorm
            guided = guided * (allowed / (length(guided, within_image(guided)) + TINY)).clamp(max=1.0)
        return guess.x - guided

    return combine


def adaptive_projection(eta: float, norm_threshold: float, momentum: float) -> Callable[[Guidance], Guidance]:
    """APG, Sadat et al. 2024 (arXiv:2410.02416), algorithm 1. Begins anew with each run: it has momentum.

    eta: how much of the change along the wanted prediction is kept. norm_threshold: the longest change per
    image; 0 is no limit.
    """

    def start(guidance: Guidance) -> Guidance:
        average: Tensor | None = None

        def combine(guess: Guess) -> Tensor:
            nonlocal average
            change = guess.wanted - guess.unwanted
            if momentum and average is not None:
                change = change + momentum * average
            average = change
            if norm_threshold > 0:
                found = length(change, within_image(change))
                change = change * (norm_threshold / (found + TINY)).clamp(max=1.0)
            along = projected(change, guess.wanted)
            return guess.wanted + (guess.scale - 1) * (change - along + eta * along)

        return replace(guidance, combine=combine)

    return start


def scaled_noise(factor: float) -> Callable[[Guess, Tensor], Tensor]:
    """Epsilon scaling, Ning et al. 2023 (arXiv:2308.15321), equation 14: the noise seen, over a factor."""

    def finish(guess: Guess, denoised: Tensor) -> Tensor:
        return guess.x - (guess.x - denoised) / factor

    return finish


def by_frequency(low: float, high: float, cutoff: int) -> Callable[[Guess], Guess]:
    """FreSca, Huang et al. 2025 (arXiv:2504.02154): coarse and fine parts of guidance, each with a factor.

    cutoff: the frequency, in waves per picture, from which on the factor is `high`.
    """

    def change(guess: Guess) -> Guess:
        waves = torch.fft.fft2(guess.wanted - guess.unwanted)
        height, width = waves.shape[-2:]
        rows = torch.fft.fftfreq(height, 1 / height, device=waves.device)
        columns = torch.fft.fftfreq(width, 1 / width, device=waves.device)
        coarse = (rows.abs() < cutoff)[:, None] & (columns.abs() < cutoff)[None, :]
        filtered = torch.fft.ifft2(waves * torch.where(coarse, low, high)).real
        return replace(guess, wanted=guess.unwanted + filtered)

    return change


def away_from_perturbed(scale: float) -> Callable[[Guess, Tensor], Tensor]:
    """Perturbed-attention guidance, Ahn et al. 2024 (arXiv:2403.17377): away from what has no structure."""

    def finish(guess: Guess, denoised: Tensor) -> Tensor:
        if scale == 0 or guess.ask is None:
            return denoised
        return denoised + (guess.wanted - guess.ask(guess.x, WITHOUT_SELF_ATTENTION)) * scale

    return finish


def away_from_shallow(
    layers: WithoutLayers, scale: float, first: float, last: float, rescaling: float = 0.0
) -> Callable[[Guess, Tensor], Tensor]:
    """Skip-layer guidance, Hyung et al. 2024 (arXiv:2411.18664): away from what is seen without some layers.

    first, last: between these noise levels. rescaling: how much the result is brought to the spread of the
    wanted prediction; 1 is all the way.
    """

    def finish(guess: Guess, denoised: Tensor) -> Tensor:
        if scale == 0 or guess.ask is None or not last <= guess.sigma <= first:
            return denoised
        guided = denoised + (guess.wanted - guess.ask(guess.x, layers)) * scale
        even = guess.wanted.std() / guided.std()
        return guided * (rescaling * even + (1 - rescaling))

    return finish


def unwanted_is_shallow(layers: WithoutLayers, first: float, last: float) -> Callable[[Guess], Guess]:
    """Between these noise levels, the unwanted is what a network without some layers sees of it."""

    def change(guess: Guess) -> Guess:
        if guess.unwanted is guess.wanted or guess.ask is None or not last <= guess.sigma <= first:
            return guess
        return replace(guess, unwanted=guess.ask(guess.x, layers, unwanted=True))

    return change


BLUR_RADIUS = 4
"""How far a blur of what the network looks at reaches, in cells."""


def away_from_blurred(scale: float, blur: float) -> Callable[[Guess, Tensor], Tensor]:
    """Self-attention guidance, Hong et al. 2023 (arXiv:2210.00939), on top of other guidance.

    Away from what is seen where all that the network looks at is blurred, by a bell curve of that width in
    cells. Both questions are about the unwanted, which is not drawn to a prompt.
    """

    def finish(guess: Guess, denoised: Tensor) -> Tensor:
        if scale == 0 or blur == 0 or guess.ask is None:
            return denoised
        where = WhereItLooks()
        guess.ask(guess.x, where, unwanted=True)
        seen = guess.unwanted
        soft = convolved(seen.movedim(1, -1), bell(BLUR_RADIUS, blur / BLUR_RADIUS)).movedim(-1, 1)
        hidden = torch.lerp(seen, soft, where.looks_at(seen))
        worse = guess.ask(hidden + (guess.x - seen), unwanted=True)
        return denoised + (hidden - worse) * scale

    return finish


def perpendicular_to(place: int, negative_scale: float) -> Callable[[Guess], Tensor]:
    """Perp-Neg, Armandpour et al. 2023 (arXiv:2304.04968); the empty description is the place-th other."""

    def combine(guess: Guess) -> Tensor:
        return beside(guess.wanted, guess.others[place], guess.unwanted, guess.scale, negative_scale)

    return combine


def rescaled_score(k: float, spread: float, flow: bool) -> Callable[[Guess, Tensor], Tensor]:
    """Temporal score rescaling, Xu et al. 2025 (arXiv:2510.01184).

    For data that lie around many centres with a spread, the result is right for spreads divided by sqrt(k):
    above 1 pictures are plainer, below 1 they have more detail. spread: in the network's space.
    """

    def finish(guess: Guess, denoised: Tensor) -> Tensor:
        alpha = signal(guess.sigma, flow)
        if alpha == 0:
            return denoised
        detail = (alpha * spread / guess.sigma) ** 2
        ratio = (detail + 1) / (detail / k + 1)
        return (guess.x + (alpha * denoised - guess.x) * ratio) / alpha

    return finish


def changed_difference(change: Callable[[Tensor], Tensor]) -> Callable[[Guess], Guess]:
    """What the wanted has beyond the unwanted is changed; without an unwanted, the wanted itself."""

    def changed(guess: Guess) -> Guess:
        if guess.unwanted is guess.wanted:
            alone = change(guess.wanted)
            return replace(guess, wanted=alone, unwanted=alone)
        return replace(guess, wanted=guess.unwanted + change(guess.wanted - guess.unwanted))

    return changed


def over_frames(lowest: float, back_again: bool = False) -> Callable[[Guess], Tensor]:
    """Guidance that grows over the frames of a video, Blattmann et al. 2023 (arXiv:2311.15127), appendix D.

    From `lowest` to the scale, and back to `lowest` if `back_again`. Frames lie along the batch.
    """

    def combine(guess: Guess) -> Tensor:
        part = torch.linspace(0, 1, len(guess.x), device=guess.x.device)
        part = 1 - (2 * part - 1).abs() if back_again else part
        scale = (lowest + part * (guess.scale - lowest)).view(-1, *[1] * (guess.x.ndim - 1))
        return guess.unwanted + (guess.wanted - guess.unwanted) * scale

    return combine


def length(values: Tensor, axes: int | tuple[int, ...]) -> Tensor:
    """The Euclidean norm over some axes, which are kept with one element."""
    norm: Tensor = torch.linalg.vector_norm(values, dim=axes, keepdim=True)
    return norm
