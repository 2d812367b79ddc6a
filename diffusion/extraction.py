"""A LoRA out of the difference of two models: of each weight, the directions that it changes in most."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from diffusion.errors import DiffusionError
from diffusion.lora import TEXT_SPELLINGS
from diffusion.memory import Handle, Patch, by_weight
from diffusion.model import Model, TextEncoder
from diffusion.saving import Described, write_tensors

STORED = torch.float16
REPORT = Callable[[int, int], None]


class Wanted(NamedTuple):
    """What to extract. rank: how many directions of a matrix; None is all of it as it is.

    biases: what is only added to states and not multiplied, as well.
    """

    rank: int | None
    biases: bool = True


class Changed(NamedTuple):
    """One weight that differs: its network, its name there, and the module's in a LoRA file."""

    network: Handle
    name: str
    module: str
    patches: list[Patch]

    def difference(self) -> Tensor:
        """What the patches make of the weight, in float32: a model that is a difference holds just that."""
        weight = self.network.part.weight(self.network.file, self.name).float()
        for patch in self.patches:
            weight = patch.applied(self.name, weight)
        return weight


class Piece(NamedTuple):
    """A tensor of the new file, and how to make it."""

    described: Described
    make: Callable[[], Tensor]


def pieces(model: Model | None, encoder: TextEncoder | None, wanted: Wanted, report: REPORT) -> list[Piece]:
    """The tensors of a LoRA file. What is narrowed is computed now, what is kept whole when it is written.

    report(done, total): called after each weight; whatever it raises ends this.
    Raises DiffusionError if nothing differs.
    """
    found = [*(changed_in(model) if model else ()), *(changed_in_text(encoder) if encoder else ())]
    if not found:
        raise DiffusionError(
            "There is no difference to extract a LoRA from.",
            "Connect what ModelMergeSubtract or CLIPMergeSubtract gives.",
        )
    made: list[Piece] = []
    for done, each in enumerate(found, start=1):
        made.extend(pieces_of(each, wanted))
        report(done, len(found))
    return made


def changed_in(model: Model) -> Iterator[Changed]:
    """The weights of a diffusion model that have patches."""
    for name, patches in by_weight(model.patches).items():
        module = name.rpartition(".")[0].replace(".", "_")
        yield Changed(model.network, name, f"lora_unet_{module}", patches)


def changed_in_text(encoder: TextEncoder) -> Iterator[Changed]:
    """The weights of a text encoder that have patches."""
    for tower in encoder.towers:
        flats, _dotted = TEXT_SPELLINGS[tower.reading.name]
        flat = flats[-1] if len(encoder.towers) > 1 else flats[0]
        for name, patches in by_weight(tower.patches).items():
            module = name.rpartition(".")[0].replace(".", "_")
            yield Changed(tower.network, name, f"{flat}_text_model_{module}", patches)


def pieces_of(changed: Changed, wanted: Wanted) -> Iterator[Piece]:
    """The tensors that one weight becomes."""
    shape, module = changed.network.shape(changed.name), changed.module
    if len(shape) > 1 and wanted.rank is not None:
        up, down = narrowed(changed.difference(), wanted.rank)
        yield piece(f"{module}.lora_up.weight", up)
        yield piece(f"{module}.lora_down.weight", down)
    elif len(shape) > 1 or wanted.biases:
        kind = "diff_b" if changed.name.endswith(".bias") else "diff"
        yield Piece(Described(f"{module}.{kind}", STORED, shape), lambda: changed.difference().to(STORED))


def piece(name: str, tensor: Tensor) -> Piece:
    """A tensor that is made already."""
    stored = tensor.to(STORED)
    return Piece(Described(name, STORED, tuple(stored.shape)), lambda: stored)


def narrowed(weight: Tensor, rank: int) -> tuple[Tensor, Tensor]:
    """The two narrow tensors whose product is nearest to a weight, of all of that rank: (up, down).

    Eckart & Young 1936: the weight seen in its first singular vectors. These are found from its product with
    itself along the shorter side, in float64. A kernel [out, in, height, width] stays with `down`.
    """
    matrix = weight.flatten(1).double()
    rank = min(rank, *matrix.shape)
    is_wide = matrix.shape[0] <= matrix.shape[1]
    _, vectors = torch.linalg.eigh(matrix @ matrix.T if is_wide else matrix.T @ matrix)
    best = vectors[:, -rank:]
    up, down = (best, best.T @ matrix) if is_wide else (matrix @ best, best.T)
    kernel = (1,) * len(weight.shape[2:])
    return up.float().view(len(up), rank, *kernel), down.float().reshape(rank, *weight.shape[1:])


def write_lora(made: list[Piece], path: Path, texts: Mapping[str, str]) -> None:
    """Write a LoRA file, with texts inside."""
    write_tensors(path, [each.described for each in made], (each.make() for each in made), texts)
