"""A GPU computes while the program already asks for more: what keeps the program from waiting for it."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import torch
from torch import Tensor

MOST = 2
"""How many steps the program goes ahead, so that the device always has work. Not more: what is told of the
progress would not be true, and a run that is cancelled would go on for long."""


class Step(Protocol):
    """What a sampler has made: the state it has come to, and what else it tells."""

    @property
    def x(self) -> Tensor:
        """The state."""


S = TypeVar("S", bound=Step)


class Mark(Protocol):
    """A place in what a device has been asked to do, as torch.cuda.Event is one."""

    def query(self) -> bool:
        """Whether the device has come there."""

    def synchronize(self) -> None:
        """Wait until it has."""


class Here:
    """The mark of a device that computes while it is asked."""

    def query(self) -> bool:
        """It has."""
        return True

    def synchronize(self) -> None:
        """There is nothing to wait for."""


@dataclass(frozen=True, slots=True)
class Asked(Generic[S]):
    """A step that a device has been asked for: whether it is made of numbers is known at the mark."""

    step: S
    is_sound: Tensor
    mark: Mark

    def known(self) -> tuple[S, bool]:
        """The step once it is computed, and whether all of it is finite."""
        self.mark.synchronize()
        return self.step, bool(self.is_sound)


def asked(step: S) -> Asked[S]:
    """A step as a sampler gives it, with a mark behind it."""
    is_sound = step.x.isfinite().all()
    if step.x.device.type != "cuda":
        return Asked(step, is_sound, Here())
    found = torch.empty((), dtype=torch.bool, pin_memory=True).copy_(is_sound, non_blocking=True)
    event = torch.cuda.Event()  # type: ignore[no-untyped-call]
    event.record(torch.cuda.current_stream(step.x.device))
    return Asked(step, found, event)


def computed(
    steps: Iterable[S], ask: Callable[[S], Asked[S]] = asked, most: int = MOST
) -> Iterator[tuple[S, bool]]:
    """The steps as a device finishes them, and whether each is finite. most: how many are asked for ahead."""
    ahead: deque[Asked[S]] = deque()
    for step in steps:
        ahead.append(ask(step))
        while ahead and (len(ahead) > most or ahead[0].mark.query()):
            yield ahead.popleft().known()
    while ahead:
        yield ahead.popleft().known()


def sent(values: Tensor, device: torch.device, dtype: torch.dtype | None = None) -> Tensor:
    """Values on a device, without waiting for it: a GPU fetches them itself, from memory that it can read.

    Not so Apple's, which may come for them when they are gone.
    """
    if values.device.type == "cpu" and device.type == "cuda":
        values = values.pin_memory()
    return values.to(device, dtype, non_blocking=device.type not in ("cpu", "mps"))
