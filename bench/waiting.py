"""How often the sampling loop waits for the device: the reads of numbers that hang on the network's answers.

    python -m bench.waiting

Counted on any machine, for every sampler, with a network that does nothing. On a GPU each such read holds the
program until all that was asked for is computed.
"""

import weakref
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from bench.figures import Figure, show
from bench.sampling import Nothing, bundled, watch
from diffusion.sample import Job, sample
from diffusion.samplers import SAMPLERS

READS = (torch.ops.aten._local_scalar_dense.default, torch.ops.aten.nonzero.default)


def figures() -> Iterator[Figure]:
    """The reads of a step, for each sampler."""
    with torch.no_grad():
        job = bundled(steps=20, cells=16)
        sample(job, watch)
        idle = replace(job.model, network=Nothing(job.model.network.memory))
        job = replace(job, guider=replace(job.guider, model=idle))
        found: dict[float, list[str]] = {}
        for name, sampler in SAMPLERS.items():
            found.setdefault(reads(replace(job, sampler=sampler)), []).append(name)
        for each, names in sorted(found.items()):
            told = ", ".join(names) if len(names) < 4 else f"{len(names)} samplers"
            yield Figure(f"waits for the device per step, {told}", each, "", 1.0)


def reads(job: Job) -> float:
    """How often a step reads what hangs on the sampler's state; what is read before the first is left out."""
    counts = []
    for sigmas in (job.sigmas, job.sigmas[::2]):
        with Reads() as seen:
            sample(replace(job, sigmas=sigmas), watch)
        counts.append(seen.count)
    return (counts[0] - counts[1]) / (len(job.sigmas) // 2)


class Reads(TorchDispatchMode):
    """Counts reads of numbers that were made of latents."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0
        self.made = weakref.WeakValueDictionary[int, Tensor]()

    def __torch_dispatch__(
        self, func: Any, types: object, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Call it, and remember what hangs on latents."""
        given = [each for each in tree_leaves((args, kwargs)) if isinstance(each, Tensor)]
        hangs = any(each.ndim == 4 or self.made.get(id(each)) is each for each in given)
        self.count += hangs and func in READS
        result = func(*args, **(kwargs or {}))
        if hangs:
            self.made.update({id(each): each for each in tree_leaves(result) if isinstance(each, Tensor)})
        return result


if __name__ == "__main__":
    show(figures())
