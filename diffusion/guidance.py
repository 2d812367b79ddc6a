"""Guidance: how predictions for what is wanted and what is not become one."""

from collections.abc import Callable, Sequence
from math import isclose
from typing import TypeAlias, TypeVar

from torch import Tensor

from diffusion.errors import FamilyMismatch
from diffusion.model import Model
from diffusion.samplers.step import Denoise
from diffusion.values import Conditioning

T = TypeVar("T")
Predict: TypeAlias = Callable[[Tensor, float, Sequence[T]], Sequence[Tensor]]
"""The clean latents a network sees in x at sigma, one for each description given."""


def cfg(predict: Predict[T], positive: T, negative: T, scale: float) -> Denoise:
    """Classifier-free guidance, Ho & Salimans 2022 (arXiv:2207.12598): scale 1 means no guidance."""
    if isclose(scale, 1.0):
        return lambda x, sigma: predict(x, sigma, (positive,))[0]

    def denoise(x: Tensor, sigma: float) -> Tensor:
        wanted, unwanted = predict(x, sigma, (positive, negative))
        return unwanted + (wanted - unwanted) * scale

    return denoise


def require_family(model: Model, *conditionings: Conditioning) -> None:
    """Refuse a prompt that was encoded for another model family. A prompt that says nothing passes."""
    for prompt in (prompt for conditioning in conditionings for prompt in conditioning.entries):
        if prompt.family not in (None, model.family.name):
            raise FamilyMismatch(
                f"This prompt was encoded for {prompt.family}, but the model is {model.family.name}.",
                hint="Connect the text encoder from the same Load Checkpoint as the model.",
            )
