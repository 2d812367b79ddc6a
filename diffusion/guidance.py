"""Guidance: how predictions for what is wanted and what is not become one.

A way to guide makes a denoiser of predictions: `cfg`, `dual`, `perpendicular`. What a model adds to it is a
`Guidance` value: changes before, another formula, changes after.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from math import isclose
from typing import Protocol, TypeVar

from torch import Tensor

from diffusion.hooks import Hook
from diffusion.samplers.step import Guided, GuidedDenoise
from diffusion.values import Conditioning

T = TypeVar("T")
T_contra = TypeVar("T_contra", contravariant=True)


class Predict(Protocol[T_contra]):
    """The clean latents a network sees in x at sigma, one for each description given."""

    def __call__(
        self, x: Tensor, sigma: float, lists: Sequence[T_contra], hook: Hook | None = None, /
    ) -> Sequence[Tensor]:
        """`hook` changes the network for this one question."""


class Ask(Protocol):
    """Asks the network once more at the same noise level: the clean latent it sees in x."""

    def __call__(self, x: Tensor, hook: Hook | None = None, *, unwanted: bool = False) -> Tensor:
        """For what is wanted, or for what is not. `hook` changes the network for this one question."""


@dataclass(frozen=True, slots=True, eq=False)
class Guess:
    """Everything known where predictions become one: clean latents, all in the network's space.

    Where nothing is unwanted, `unwanted` is `wanted`. others: for what the guidance asks besides.
    """

    x: Tensor
    sigma: float
    wanted: Tensor
    unwanted: Tensor
    scale: float
    ask: Ask | None = None
    others: tuple[Tensor, ...] = ()


def linear(guess: Guess) -> Tensor:
    """Classifier-free guidance, Ho & Salimans 2022 (arXiv:2207.12598): scale 1 means no guidance."""
    return guess.unwanted + (guess.wanted - guess.unwanted) * guess.scale


@dataclass(frozen=True, slots=True, eq=False)
class Guidance:
    """How a model wants to be guided, functions in order.

    always: the unwanted is asked for at scale 1 too. starts: what must begin anew with every run, because it
    remembers earlier steps. others: what it asks for besides the wanted and the unwanted.
    """

    before: tuple[Callable[[Guess], Guess], ...] = ()
    combine: Callable[[Guess], Tensor] = linear
    after: tuple[Callable[[Guess, Tensor], Tensor], ...] = ()
    always: bool = False
    starts: tuple[Callable[["Guidance"], "Guidance"], ...] = ()
    others: tuple[Conditioning, ...] = ()

    def and_before(self, change: Callable[[Guess], Guess], always: bool = True) -> "Guidance":
        """With one more change to the predictions before they are combined."""
        return replace(self, before=(*self.before, change), always=self.always or always)

    def and_after(self, change: Callable[[Guess, Tensor], Tensor], always: bool = False) -> "Guidance":
        """With one more change to what came out."""
        return replace(self, after=(*self.after, change), always=self.always or always)

    def begun(self) -> "Guidance":
        """For one run."""
        return reduce(lambda guidance, start: start(guidance), self.starts, self)

    def of(self, guess: Guess) -> Guided:
        """The prediction these make of a guess, and the unguided one."""
        for change in self.before:
            guess = change(guess)
        denoised = guess.wanted if guess.unwanted is guess.wanted else self.combine(guess)
        for finish in self.after:
            denoised = finish(guess, denoised)
        return Guided(denoised, guess.unwanted)


PLAIN = Guidance()
TINY = 1e-8


class Guide(Protocol):
    """A way to guide: makes a denoiser of a network and descriptions of what is wanted and what is not.

    After these come the descriptions of what the guidance asks for besides.
    """

    def __call__(
        self, predict: Predict[T], lists: Sequence[T], guidance: Guidance = PLAIN, unguided: bool = False
    ) -> GuidedDenoise:
        """The denoiser for one run. `unguided`: the sampler wants the unguided prediction too."""


def cfg(scale: float) -> Guide:
    """Guidance away from the second description, towards the first; the second may be missing.

    At scale 1 the second is not even asked for, unless the sampler or the model wants it.
    """

    def guide(
        predict: Predict[T], lists: Sequence[T], guidance: Guidance = PLAIN, unguided: bool = False
    ) -> GuidedDenoise:
        guidance = guidance.begun()
        last = len(lists) - len(guidance.others) - 1
        alone = last == 0 or (isclose(scale, 1.0) and not (unguided or guidance.always))
        asked = lists[:1] if alone else lists

        def denoise(x: Tensor, sigma: float) -> Guided:
            wanted, *rest = predict(x, sigma, asked)
            ask = asking(predict, sigma, lists[0], lists[last])
            return guidance.of(Guess(x, sigma, wanted, rest[0] if rest else wanted, scale, ask, (*rest[1:],)))

        return denoise

    return guide


def dual(scale: float, scale_negative: float, nested: bool = False) -> Guide:
    """Guidance with two wanted descriptions and an unwanted one: the first beyond the second.

    Brooks et al. 2022 (arXiv:2211.09800), equation 3; nested, the inner result is what the outer one wants.
    """

    def guide(
        predict: Predict[T],
        lists: Sequence[T],
        guidance: Guidance = PLAIN,
        unguided: bool = False,  # noqa: ARG001
    ) -> GuidedDenoise:
        guidance = guidance.begun()

        def denoise(x: Tensor, sigma: float) -> Guided:
            first, second, unwanted, *others = predict(x, sigma, lists)
            ask = asking(predict, sigma, lists[0 if nested else 1], lists[2])
            wanted = second + (first - second) * scale if nested else second
            outer = guidance.of(Guess(x, sigma, wanted, unwanted, scale_negative, ask, (*others,)))
            if nested:
                return outer
            return outer._replace(denoised=outer.denoised + (first - second) * scale)

        return denoise

    return guide


def perpendicular(scale: float, negative_scale: float) -> Guide:
    """Perp-Neg, Armandpour et al. 2023 (arXiv:2304.04968): of the unwanted, only what is not wanted too.

    The descriptions are the wanted one, an empty one, and the unwanted one.
    """

    def guide(
        predict: Predict[T],
        lists: Sequence[T],
        guidance: Guidance = PLAIN,
        unguided: bool = False,  # noqa: ARG001
    ) -> GuidedDenoise:
        guidance = guidance.begun()

        def denoise(x: Tensor, sigma: float) -> Guided:
            wanted, empty, unwanted, *others = predict(x, sigma, lists)
            denoised = beside(wanted, empty, unwanted, scale, negative_scale)
            done = replace(guidance, combine=lambda _: denoised)
            ask = asking(predict, sigma, lists[0], lists[1])
            return done.of(Guess(x, sigma, wanted, empty, scale, ask, (*others,)))

        return denoise

    return guide


def beside(wanted: Tensor, empty: Tensor, unwanted: Tensor, scale: float, negative_scale: float) -> Tensor:
    """Perp-Neg, Armandpour et al. 2023 (arXiv:2304.04968), as seen from the empty description."""
    towards, away = wanted - empty, unwanted - empty
    return empty + scale * (towards - negative_scale * (away - projected(away, towards)))


def asking(predict: Predict[T], sigma: float, for_wanted: T, for_unwanted: T) -> Ask:
    """How to ask a network about one of two descriptions."""

    def ask(x: Tensor, hook: Hook | None = None, *, unwanted: bool = False) -> Tensor:
        return predict(x, sigma, (for_unwanted if unwanted else for_wanted,), hook)[0]

    return ask


def projected(part: Tensor, onto: Tensor) -> Tensor:
    """What of a tensor points where the other does, image by image."""
    axes = within_image(part)
    share = (part * onto).sum(axes, keepdim=True) / (onto * onto).sum(axes, keepdim=True).clamp(min=TINY)
    return share * onto


def within_image(values: Tensor) -> tuple[int, ...]:
    """All axes but the batch."""
    return tuple(range(1, values.ndim))
