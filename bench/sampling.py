"""What our sampling costs beside a plain loop that calls a network of the diffusers library as it comes.

    python -m bench.sampling [--without-full-size] [--xl]

The bundled model; a network that does nothing, so that all time is ours; and a full-size Stable Diffusion 1.5
U-Net with random weights at 512x512, whose file of 1.7 GB lies in the temporary folder for that long.
`--xl`: SDXL's U-Net at 1024x1024 instead of all these, one step; a file of 5.1 GB, and 18 GB of memory.
"""

import copy
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path

import torch
from torch import Tensor, nn

from bench.figures import Cost, Figure, cost, peak_bytes, show
from bench.plain import measured
from bench.weights import write_full_size
from diffusion import heap
from diffusion.encode import encode
from diffusion.guidance import cfg
from diffusion.library import ModelLibrary
from diffusion.memory import Memory
from diffusion.model import Model
from diffusion.noise import RunNoise
from diffusion.sample import Guider, Job, sample
from diffusion.samplers import SAMPLERS
from diffusion.schedules import SCHEDULES
from diffusion.values import Conditioning, Latent, Prompt

PROGRAM = Path(__file__).resolve().parent.parent
CFG, SEED = 4.5, 5
PRECISION = "float32"


def figures() -> Iterator[Figure]:
    """Each network in turn; the largest comes last, because the peak of memory never falls."""
    heap.keep()
    with torch.inference_mode():
        if "--xl" in sys.argv:
            yield from full_size_xl()
            return
        job = bundled(steps=24, cells=16)
        sample(job, watch)  # imports the libraries and loads the weights
        yield from beside_plain("bundled model, 128x128", job, 6)
        yield Figure("bundled model: peak memory", peak_bytes() / 1e6, "MB")
        idle = replace(job.model, network=Nothing(job.model.network.memory))
        nothing = replace(job, guider=replace(job.guider, model=idle))
        taken = least(per_step(nothing) for _ in range(5))
        yield Figure("around a network that does nothing: wall per step", taken.wall * 1e3, "ms")
        yield Figure("around a network that does nothing: CPU per step", taken.cpu * 1e3, "ms")
        yield from each_sampler(nothing, idle.network.module)
        if "--without-full-size" not in sys.argv:
            yield from full_size()


def each_sampler(nothing: Job, network: "Idle") -> Iterator[Figure]:
    """For each kind of noise the dearest sampler, per call of the network; some make several in a step."""
    dearest: dict[str, tuple[float, str]] = {}
    for name, sampler in SAMPLERS.items():
        job, before = replace(nothing, sampler=sampler), network.calls
        sample(job, watch)
        calls = network.calls - before
        taken = least(cost(lambda job=job: sample(job, watch)) for _ in range(3)).cpu / calls
        dearest[sampler.draws] = max(dearest.get(sampler.draws, (0.0, "")), (taken, name))
    for kind, (taken, name) in dearest.items():
        yield Figure(f"around a call that does nothing, {kind} noise, {name}: CPU", taken * 1e3, "ms")


def full_size() -> Iterator[Figure]:
    """The network people use, with weights that mean nothing."""
    yield from by_the_library("full size, 512x512", is_xl=False)
    with tempfile.TemporaryDirectory() as folder:
        write_full_size(Path(folder) / "full.safetensors")
        memory = Memory(precision=PRECISION)
        library = ModelLibrary({"checkpoints": [Path(folder)]}, memory)
        job = random_job(library.checkpoint("full.safetensors").model)
        with job.model.network.resident():
            yield Figure("full size: memory of the weights", memory.used_bytes / 1e9, "GB")
        sample(job, watch)
        yield Figure("full size: peak memory, with the mapped file", peak_bytes() / 1e9, "GB")
        yield from beside_plain("full size, 512x512", job, 1)
        yield from in_bfloat16("full size, 512x512", job, least(per_step(job) for _ in range(3)))


def full_size_xl() -> Iterator[Figure]:
    """SDXL: one step of ours, one of the plain loop with the very same module, and one in bfloat16."""
    yield from by_the_library("SDXL, 1024x1024", is_xl=True)
    with tempfile.TemporaryDirectory() as folder:
        write_full_size(Path(folder) / "xl.safetensors", is_xl=True)
        memory = Memory(precision=PRECISION)
        library = ModelLibrary({"checkpoints": [Path(folder)]}, memory)
        job = random_job(library.checkpoint("xl.safetensors").model, steps=1, width=2048, cells=128)
        made: list[Tensor] = []
        sample(replace(job, latent=Latent(torch.zeros(1, 4, 8, 8))), watch)  # loads the weights
        ours = cost(lambda: made.append(sample(job, watch).samples))
        with job.model.network.resident() as module:
            theirs = cost(lambda: made.append(plain(job, untuned(module))))
        torch.testing.assert_close(*made, rtol=1e-3, atol=1e-3)
        yield from compared("SDXL, 1024x1024", ours, theirs)
        yield Figure("SDXL: peak memory, with the mapped file", peak_bytes() / 1e9, "GB")
        yield from in_bfloat16("SDXL, 1024x1024", job, ours)


def by_the_library(name: str, is_xl: bool) -> Iterator[Figure]:
    """What the diffusers library's own pipeline takes, in a process of its own."""
    found = measured(is_xl)
    yield Figure(f"{name}, pipeline of the library: CPU per step", found["CPU per step"], "ms")
    yield Figure(f"{name}, pipeline of the library: peak memory", found["peak memory"], "GB")


def beside_plain(name: str, job: Job, times: int) -> Iterator[Figure]:
    """Our steps and those of the plain loop, which must come to the same picture."""
    unet = as_it_comes(job)
    torch.testing.assert_close(sample(job, watch).samples, plain(job, unet), rtol=1e-3, atol=1e-3)
    steps = len(job.sigmas) - 1
    pairs = [(per_step(job), divided(cost(lambda: plain(job, unet)), steps)) for _ in range(times)]
    ours, theirs = (least(column) for column in zip(*pairs, strict=True))  # in turn: machines have moods
    yield from compared(name, ours, theirs)


def compared(name: str, ours: Cost, theirs: Cost) -> Iterator[Figure]:
    """A step of ours and one of the plain loop."""
    yield Figure(f"{name}: wall per step", ours.wall * 1e3, "ms")
    yield Figure(f"{name}: CPU per step", ours.cpu * 1e3, "ms")
    yield Figure(f"{name}: CPU per step of the plain loop", theirs.cpu * 1e3, "ms")
    yield Figure(f"{name}: wall beside the plain loop", ours.wall / theirs.wall, "x")
    yield Figure(f"{name}: CPU beside the plain loop", ours.cpu / theirs.cpu, "x")


def in_bfloat16(name: str, job: Job, slow: Cost) -> Iterator[Figure]:
    """What the processor's bfloat16 units save, where it has them: they are used unless float32 is chosen.

    slow: what a step costs in float32.
    """
    memory = job.model.network.memory
    if not memory.has_bfloat16:
        return
    memory.evict_idle()
    memory.evict_idle()
    memory.precision = "auto"
    sample(replace(job, latent=Latent(torch.zeros(1, 4, 8, 8))), watch)  # loads the weights
    fast = least(per_step(job) for _ in range(4))
    yield Figure(f"{name}, bfloat16: CPU per step", fast.cpu * 1e3, "ms")
    yield Figure(f"{name}: CPU in float32 beside bfloat16", slow.cpu / fast.cpu, "x")


def as_it_comes(job: Job) -> nn.Module:
    """A copy of the network with the library's own attention and its weights laid out as in the file."""
    with job.model.network.resident() as module:
        return untuned(copy.deepcopy(module))


def untuned(unet: nn.Module) -> nn.Module:
    """The network, changed back to the library's own attention and to weights laid out as in the file."""
    from diffusers.models.attention_processor import AttnProcessor2_0

    unet.set_attn_processor(AttnProcessor2_0())
    return unet.to(memory_format=torch.contiguous_format)


def per_step(job: Job) -> Cost:
    """What one step costs with everything around it."""
    return divided(cost(lambda: sample(job, watch)), len(job.sigmas) - 1)


def least(costs: Iterable[Cost]) -> Cost:
    """The least of each kind."""
    walls, cpus = zip(*((each.wall, each.cpu) for each in costs), strict=True)
    return Cost(min(walls), min(cpus))


def divided(whole: Cost, steps: int) -> Cost:
    """The share of one step."""
    return Cost(whole.wall / steps, whole.cpu / steps)


def watch(done: int, total: int, preview: object = None) -> None:
    """Somebody who is told of everything and says nothing."""


def plain(job: Job, unet: nn.Module) -> Tensor:
    """Euler's method with guidance, as a script would write it."""
    prompts = [found.entries[0] for found in (*job.guider.wanted, *job.guider.unwanted)]
    tokens, more = torch.cat([prompt.tokens for prompt in prompts]), {}
    if job.model.family.name == "sdxl":
        side = 8.0 * job.latent.samples.shape[-1]
        sizes = torch.tensor([[side, side, 0.0, 0.0, side, side]] * len(prompts))
        more = {"text_embeds": torch.cat([prompt.pooled for prompt in prompts]), "time_ids": sizes}
    generator = torch.Generator().manual_seed(job.noise.seed)
    x = torch.randn(job.latent.samples.shape, generator=generator) * (1 + job.sigmas[0] ** 2) ** 0.5
    for sigma, following in pairwise(job.sigmas):
        scaled = (x / (sigma**2 + 1) ** 0.5).repeat(2, 1, 1, 1)
        time = job.model.noise.timestep(sigma)
        said = unet(scaled, time, encoder_hidden_states=tokens, added_cond_kwargs=more, return_dict=False)[0]
        wanted, unwanted = said.chunk(2)
        x = x + (unwanted + CFG * (wanted - unwanted)) * (following - sigma)
    return x / job.model.family.latent.scale


def bundled(steps: int, cells: int) -> Job:
    """A run of the model that comes with the program."""
    library = ModelLibrary({"checkpoints": [PROGRAM / "models" / "checkpoints"]}, Memory(precision=PRECISION))
    model, text, _ = library.checkpoint("photogram.safetensors")
    wanted, unwanted = encode(text, "a red apple on a blue background"), encode(text, "")
    sigmas = SCHEDULES["sgm_uniform"](steps, model.noise)
    guider = Guider(model, (wanted,), (unwanted,), cfg(CFG))
    return Job(guider, Latent(torch.zeros(1, 4, cells, cells)), sigmas, noise=RunNoise(SEED))


def random_job(model: Model, steps: int = 2, width: int = 768, cells: int = 64) -> Job:
    """A few steps of a full-size network, guided by noise."""
    generator = torch.Generator().manual_seed(SEED)
    wanted, unwanted = (
        Conditioning(
            (
                Prompt(
                    torch.randn(1, 77, width, generator=generator),
                    torch.randn(1, 1280, generator=generator),
                    family=model.family.name,
                ),
            )
        )
        for _ in range(2)
    )
    sigmas = SCHEDULES["sgm_uniform"](steps, model.noise)
    guider = Guider(model, (wanted,), (unwanted,), cfg(CFG))
    return Job(guider, Latent(torch.zeros(1, 4, cells, cells)), sigmas, noise=RunNoise(SEED))


class Idle(nn.Module):
    """A network that sees no noise."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))
        self.calls = 0

    def forward(self, x: Tensor, time: Tensor, **rest: object) -> tuple[Tensor]:  # noqa: ARG002
        """Zeros."""
        self.calls += 1
        return (torch.zeros_like(x),)


@dataclass(frozen=True)
class Nothing:
    """In place of a handle on weights: an idle network, always resident."""

    memory: Memory
    module: Idle = field(default_factory=Idle)

    @contextmanager
    def resident(self, patches: object = (), alternates: bool = False) -> Iterator[nn.Module]:  # noqa: ARG002
        """The network."""
        yield self.module


if __name__ == "__main__":
    show(figures())
