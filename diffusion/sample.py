"""The loop: from a latent, noise, a schedule and a sampler to a latent."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from math import isclose
from typing import ClassVar, NamedTuple, Protocol

import torch
from torch import Tensor

from diffusion import noise
from diffusion.ahead import computed
from diffusion.batching import Network
from diffusion.controlnet import ControlNet, network_on
from diffusion.errors import DiffusionError, FamilyMismatch
from diffusion.families import title, understands
from diffusion.gligen import places
from diffusion.grounding import grounded
from diffusion.guidance import Guide, Predict, cfg
from diffusion.inpaint import Kept, differential, mask_for, network_extra, repainting
from diffusion.model import Model, quiet
from diffusion.noise import RunNoise
from diffusion.preview import preview
from diffusion.regions import Regions, placed
from diffusion.reuse import denoising_less, predicting_less
from diffusion.samplers import SAMPLERS, Sampler
from diffusion.samplers.step import Guided, GuidedDenoise, Noise, SizedNoise, Step
from diffusion.values import Conditioning, Latent, Prompt, Sigmas
from diffusion.weight_hooks import WeightHook, hook_patches, united


class Watch(Protocol):
    """Told after each step, and between the network's blocks; whatever it raises ends the run."""

    def __call__(self, done: int, total: int, preview: object = None) -> None:
        """`preview` is a function without arguments that makes a small picture of where the run stands."""


@dataclass(frozen=True, slots=True, weakref_slot=True, eq=False)
class Guider:
    """A model, the prompts that guide it, and how: what a sampler asks.

    `guide` is given the wanted ones first. Raises FamilyMismatch if a prompt is of another family.
    """

    model: Model
    wanted: tuple[Conditioning, ...]
    unwanted: tuple[Conditioning, ...] = ()
    guide: Guide = cfg(1.0)
    socket: ClassVar[str] = "GUIDER"

    def __post_init__(self) -> None:
        require_family(self.model, *self.followed, *self.unwanted)

    @property
    def followed(self) -> tuple[Conditioning, ...]:
        """The wanted prompts, and those that the model's guidance asks for besides."""
        return (*self.wanted, *self.model.guidance.others)


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """Everything that decides a run."""

    guider: Guider
    latent: Latent
    sigmas: Sigmas
    sampler: Sampler = SAMPLERS["euler"]
    noise: RunNoise = RunNoise()

    @property
    def model(self) -> Model:
        """The model that is sampled."""
        return self.guider.model


class Result(NamedTuple):
    """The latent a run ended on, and the clean one it was last aiming at; they differ where noise is left."""

    latent: Latent
    denoised: Latent


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """A job made ready. `steps` computes one each time it is asked for the next, in the network's space.

    Several runs can be advanced in turn. x: where it starts.
    """

    job: Job
    x: Tensor
    steps: Iterator[Step]

    @property
    def total(self) -> int:
        """How many steps the schedule has."""
        return len(self.job.sigmas) - 1

    def done(self, count: int, step: Step) -> int:
        """How many steps of the schedule the run has gone, after so many of its own."""
        return count if step.done is None else round(step.done * self.total)

    def latent(self, x: Tensor) -> Latent:
        """What a state, usually that of the last step, is in the VAE's space."""
        last = self.job.sigmas[-1] or self.job.sampler.last
        return self.denoised(self.job.model.prediction.final(x, last))

    def denoised(self, denoised: Tensor) -> Latent:
        """What a step was aiming at, in the VAE's space."""
        return replace(self.job.latent, samples=self.job.model.latent_out(denoised).cpu())


def sample(job: Job, watch: Watch, keep: Callable[[Tensor], None] | None = None) -> Latent:
    """Run a job to its end: the latent it ends on. As `sample_both`."""
    return sample_both(job, watch, keep).latent


def sample_both(job: Job, watch: Watch, keep: Callable[[Tensor], None] | None = None) -> Result:
    """Run a job to its end. An empty schedule gives the latent back as it is; one level makes it as noisy.

    keep: given the clean latents that each step saw, in the VAE's space.
    Raises DiffusionError if the numbers break down.
    """
    if not job.sigmas:
        return Result(job.latent, job.latent)
    model, done = job.model, 0
    run = prepare(job, check=lambda: watch(done, total))
    if not (total := run.total):
        return Result(run.latent(run.x), run.latent(run.x))
    watch(0, total)
    step = Step(run.x, run.x)
    for count, (step, is_sound) in enumerate(computed(run.steps), start=1):  # noqa: B007  read after the loop
        done = run.done(count, step)
        if not is_sound:
            raise fell_apart(done, total)
        watch(done, total, preview(step.denoised, model))
        if keep is not None:
            keep(run.denoised(step.denoised).samples)
    return Result(run.latent(step.x), run.denoised(step.denoised))


def prepare(job: Job, check: Callable[[], None] = quiet) -> Run:
    """Draw the noise, lay out the prompts and start the sampler, without a step yet."""
    model, sigmas, sampler, seed = job.model, job.sigmas, job.sampler, job.noise.seed
    device = model.network.memory.device
    latent = fitted(job.latent, model)
    drawn = job.noise.drawn(latent).float().to(device)
    clean = latent.samples.float()
    clean = (model.latent_in(clean) if clean.any() else clean).to(device)
    x = model.prediction.noised(drawn, clean, sigmas[0], is_max(sigmas[0], model.noise.sigma_max))
    if len(sigmas) == 1:
        return Run(job, x, iter(()))
    if sampler.draws == "sized":
        require_no_mask(latent)
        denoise = fitting_anew(lambda state: guided(job, latent, state, check))
    else:
        denoise = guided(job, latent, clean, check)
    if latent.noise_mask is not None:
        background = noise.mask_noise(clean, seed).to(device) if sampler.own_mask_noise else drawn
        mask = mask_for(latent.noise_mask, clean)
        denoise = repainting(denoise, model, protected(job, mask, clean, background))
    source = noise_source(sampler, x, seed, sigmas)
    asked = denoise if sampler.guided else (lambda x, sigma: denoise(x, sigma).denoised)
    return Run(job, x, explained(sampler.start(asked, x, sigmas, source, model.noise), sigmas))


def protected(job: Job, mask: Tensor, clean: Tensor, background: Tensor) -> Kept:
    """What a run's mask protects, and at which noise levels."""
    model = job.model
    if model.differential == 0:
        return Kept(mask, clean, background)
    return Kept(mask, clean, background, differential(mask, model.noise, job.sigmas, model.differential))


def explained(steps: Iterator[Step], sigmas: Sigmas) -> Iterator[Step]:
    """The steps; where arithmetic breaks down because levels do not fall, that is told in a sentence."""
    try:
        yield from steps
    except (ArithmeticError, ValueError) as error:
        pair = next((pair for pair in pairwise(sigmas) if pair[1] >= pair[0]), None)
        if pair is None:
            raise
        raise DiffusionError(
            f"This sampler cannot go from noise level {pair[0]:.4g} to {pair[1]:.4g}.",
            "Use levels of which each is below the one before, or choose euler.",
        ) from error


def noised(model: Model, run_noise: RunNoise, sigmas: Sigmas, latent: Latent) -> Latent:
    """A clean latent as noisy as between the first and the last of some levels, or as one level alone."""
    if not sigmas:
        return latent
    level = abs(sigmas[0] - sigmas[-1]) if len(sigmas) > 1 else sigmas[0]
    latent = fitted(latent, model)
    clean = latent.samples.float()
    clean = model.latent_in(clean) if clean.any() else clean
    x = model.prediction.noised(run_noise.drawn(latent).float(), clean, level, False)
    return replace(latent, samples=model.latent_out(x))


def guided(job: Job, latent: Latent, clean: Tensor, check: Callable[[], None]) -> GuidedDenoise:
    """The model with its prompts and guidance inside."""
    guider, model = job.guider, job.model
    hooks = hooks_of(*guider.followed, *guider.unwanted)
    patches = hook_patches(hooks, model.network, title=model.family.title)
    network = Network(model, network_extra(model, latent, clean), check, patches)
    wanted, unwanted = (
        told(model, group, clean, job.noise.seed) for group in (guider.followed, guider.unwanted)
    )
    wanted, unwanted = grounded(model.network, wanted, unwanted)
    lists = placed(wanted, unwanted, model.noise, clean)
    first, end = len(guider.wanted), len(guider.followed)
    lists = (*lists[:first], *lists[end:], *lists[first:end])
    reuse, about = model.reuse, (model.prediction, model.noise)
    predict: Predict[Regions] = network.predict
    if reuse is not None and not reuse.guided:
        predict = predicting_less(reuse, predict, *about)
    denoise = guider.guide(predict, lists, model.guidance, job.sampler.guided)
    return denoising_less(reuse, denoise, *about) if reuse is not None and reuse.guided else denoise


def hooks_of(*conditionings: Conditioning) -> tuple[WeightHook, ...]:
    """The hooks of all their entries."""
    return united(*(entry.hooks for each in conditionings for entry in each.entries))


def fitting_anew(make: Callable[[Tensor], GuidedDenoise]) -> GuidedDenoise:
    """A denoiser that is made for the size of a state, and made anew when that changes."""
    made: GuidedDenoise | None = None
    size = torch.Size()

    def denoise(x: Tensor, sigma: float) -> Guided:
        nonlocal made, size
        if made is None or x.shape != size:
            made, size = make(x), x.shape
        return made(x, sigma)

    return denoise


def require_no_mask(latent: Latent) -> None:
    """Refuse a mask where the picture changes its size on the way."""
    if latent.noise_mask is not None:
        raise DiffusionError(
            "This sampler makes the picture larger as it goes, so it cannot keep a part of it as it is.",
            "Remove the noise mask, or choose another sampler.",
        )


def told(model: Model, group: Sequence[Conditioning], x: Tensor, seed: int) -> Sequence[Conditioning]:
    """The prompts as a network that reads pictures is told of theirs in a run on latents like x."""
    if (augmentation := model.augmentation) is None:
        return group

    def shown(prompt: Prompt) -> Prompt:
        return augmentation.told(prompt, x, seed)

    return [conditioning.each(shown) for conditioning in group]


def noise_source(sampler: Sampler, x: Tensor, seed: int, sigmas: Sigmas) -> Noise | SizedNoise:
    """Where a sampler's own draws come from. A Brownian path covers the schedule as it was given."""
    if sampler.draws == "brownian":
        return noise.brownian_noise(x, seed, sigmas, x.device)
    if sampler.draws == "brownian_cpu":
        return noise.brownian_noise(x, seed, sigmas, torch.device("cpu"))
    if sampler.draws == "sized":
        return noise.sized_noise(x, seed)
    return noise.step_noise(x, seed)


def require_family(model: Model, *conditionings: Conditioning) -> None:
    """Refuse a prompt, a control or boxes made for another model family. What says nothing passes."""
    for prompt in (prompt for conditioning in conditionings for prompt in conditioning.entries):
        if not understands(model.family, prompt.family):
            raise FamilyMismatch(
                f"This prompt was encoded for {title(prompt.family)}, but the model is {model.family.title}.",
                model.family.prompt_hint,
            )
        for control in prompt.controls:
            require_control(model, control.net)
        if prompt.grounding is not None:
            places(prompt.grounding.gligen, model.network)


def require_control(model: Model, net: ControlNet) -> None:
    """Refuse a ControlNet that cannot steer a model."""
    if net.family not in (None, model.family.name):
        raise FamilyMismatch(
            f"This ControlNet is made for {title(net.family)}, but the model is {model.family.title}.",
            hint="Load a ControlNet made for the model's family.",
        )
    network_on(net, model.base)


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


def fell_apart(done: int, total: int) -> DiffusionError:
    """What to say of a state that is not made of numbers."""
    return DiffusionError(
        f"The picture fell apart at step {done} of {total}: the network's output is not a number.",
        hint="Choose float32 precision, a lower cfg, or another checkpoint.",
    )
