"""The loop: from a latent, noise, a schedule and a sampler to a latent."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from math import isclose
from typing import Protocol

import torch
from torch import Tensor

from diffusion import noise
from diffusion.errors import DiffusionError
from diffusion.guidance import cfg, require_family
from diffusion.inpaint import Kept, mask_for, network_extra, repainting
from diffusion.model import Model, quiet
from diffusion.preview import preview
from diffusion.regions import Network, placed
from diffusion.samplers import SAMPLERS
from diffusion.samplers.step import Denoise, Step
from diffusion.values import Conditioning, Latent, Sigmas


class Watch(Protocol):
    """Told after each step, and between the network's blocks; whatever it raises ends the run."""

    def __call__(self, done: int, total: int, preview: object = None) -> None:
        """`preview` is a function without arguments that makes a small picture of where the run stands."""


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """Everything that decides a run. `adds_noise` is off for a run that goes on from a noisy latent."""

    model: Model
    positive: Conditioning
    negative: Conditioning
    latent: Latent
    sigmas: Sigmas
    sampler: str = "euler"
    cfg: float = 8.0
    seed: int = 0
    adds_noise: bool = True


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """A job made ready. `steps` computes one each time it is asked for the next, in the network's space."""

    job: Job
    total: int
    steps: Iterator[Step]

    def latent(self, x: Tensor) -> Latent:
        """What a state, usually that of the last step, is in the VAE's space."""
        job = self.job
        last = job.sigmas[-1]
        samples = job.model.latent_out(job.model.prediction.final(x, last)).cpu()
        if job.latent.noise_mask is not None and last == 0:
            # The last step lands on the kept part but for rounding; kept means exactly.
            kept = mask_for(job.latent.noise_mask, samples) == 0
            samples = torch.where(kept, fitted(job.latent, job.model).samples.to(samples), samples)
        return replace(job.latent, samples=samples)


def sample(job: Job, watch: Watch, keep: Callable[[Tensor], None] | None = None) -> Latent:
    """Run a job to its end. An empty schedule gives the latent back as it is.

    keep: given the clean latents that each step saw, in the VAE's space.
    Raises FamilyMismatch before any work, DiffusionError if the numbers break down.
    """
    require_family(job.model, job.positive, job.negative)
    if len(job.sigmas) < 2:
        return job.latent
    done = 0
    run = prepare(job, check=lambda: watch(done, total))
    total = run.total
    watch(0, total)
    x = None
    for done, step in enumerate(run.steps, start=1):  # noqa: B007  the check reads it
        x = sound(step.x, done, total)
        watch(done, total, preview(step.denoised, job.model.family))
        if keep is not None:
            keep(job.model.latent_out(step.denoised).cpu())
    assert x is not None
    return run.latent(x)


def prepare(job: Job, check: Callable[[], None] = quiet) -> Run:
    """Draw the noise, lay out the prompts and start the sampler, without a step yet."""
    model, sigmas = job.model, job.sigmas
    device = model.network.memory.device
    latent = fitted(job.latent, model)
    drawn = noise.initial_noise(latent, job.seed) if job.adds_noise else noise.no_noise(latent)
    clean = latent.samples.float().to(device)
    clean = model.latent_in(clean) if clean.any() else clean
    drawn = drawn.float().to(device)
    x = model.prediction.noised(drawn, clean, sigmas[0], is_max(sigmas[0], model.noise.sigma_max))
    denoise = guided(job, latent, clean, check)
    if latent.noise_mask is not None:
        own = SAMPLERS[job.sampler].own_mask_noise and job.adds_noise
        background = noise.mask_noise(clean, job.seed).to(device) if own else drawn
        denoise = repainting(denoise, model, Kept(mask_for(latent.noise_mask, clean), clean, background))
    source = noise.step_noise(x, job.seed)
    steps = SAMPLERS[job.sampler].start(denoise, x, sigmas, source, model.noise.is_flow)
    return Run(job, len(sigmas) - 1, steps)


def guided(job: Job, latent: Latent, clean: Tensor, check: Callable[[], None]) -> Denoise:
    """The model with its prompts and guidance inside."""
    network = Network(job.model, network_extra(job.model, latent, clean), check)
    positive, negative = placed(job.positive, job.negative, job.model.noise, clean)
    return cfg(network.predict, positive, negative, job.cfg)


def fitted(latent: Latent, model: Model) -> Latent:
    """The latent with the model's number of channels. Only an empty one is adapted; another is refused."""
    channels, wanted = latent.samples.shape[1], model.family.latent.channels
    if channels == wanted:
        return latent
    if latent.samples.any():
        raise DiffusionError(
            f"This latent has {channels} channels, but {model.family.title} works with {wanted}.",
            hint="Encode the picture with the VAE that belongs to the model.",
        )
    samples = latent.samples
    return replace(latent, samples=samples.new_zeros(len(samples), wanted, *samples.shape[2:]))


def is_max(sigma: float, highest: float) -> bool:
    """Whether a run starts from pure noise: at the model's highest level or above."""
    return sigma > highest or isclose(sigma, highest, rel_tol=1e-5)


def sound(x: Tensor, done: int, total: int) -> Tensor:
    """The state, if it is made of numbers."""
    if not x.isfinite().all():
        raise DiffusionError(
            f"The picture fell apart at step {done} of {total}: the network's output is not a number.",
            hint="Choose float32 precision, a lower cfg, or another checkpoint.",
        )
    return x
