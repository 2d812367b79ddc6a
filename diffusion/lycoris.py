"""What a LoRA file's tensors do to a weight: one function for each kind of change.

Each takes the tensors it knows out of a group, by their role, and gives a delta for the module's `.weight` or
`.bias`. Hyeon-Woo et al. 2022 (arXiv:2108.06098) for LoHa; Yeh et al. 2024 (arXiv:2309.14859) for LoKr and
the layout of the files.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple, TypeAlias

import torch
from torch import Tensor

Change: TypeAlias = Callable[[Tensor, float], Tensor]
"""From a float32 weight and a strength to the changed weight."""
Delta: TypeAlias = Callable[[Tensor, float], Tensor]
"""From a float32 weight and a strength to what is added, which is then multiplied by the strength."""
Tensors: TypeAlias = dict[str, Tensor]


class Sized(NamedTuple):
    """A delta, and the rows and columns of the weight it is for; None where any number will do.

    factors: for a weight, two matrices whose product the delta is, where that is all it is.
    """

    delta: Delta
    rows: int | None
    columns: int | None
    factors: Callable[[Tensor], tuple[Tensor, Tensor]] | None = None


Kind: TypeAlias = Callable[[Tensors], Iterator[tuple[str, Sized]]]


def low_rank(tensors: Tensors) -> Iterator[tuple[str, Sized]]:
    """LoRA, Hu et al. 2021 (arXiv:2106.09685): a narrow times a wide matrix, scaled by alpha / rank.

    With `mid`, the core of a Tucker decomposition, which holds the kernel of a convolution.
    `reshape_weight` repeats the weight's shape.
    """
    if not {"up", "down"} <= tensors.keys():
        return
    tensors.pop("reshape_weight", None)
    up, down, mid = tensors.pop("up"), tensors.pop("down"), tensors.pop("mid", None)
    scale = scale_of(tensors, down.shape[0])

    def factors(weight: Tensor) -> tuple[Tensor, Tensor]:
        wide = down.to(weight)
        if mid is not None:
            wide = torch.einsum("rskl,si->rikl", mid.to(weight), wide.flatten(1))
        return up.to(weight).flatten(1) * scale, wide.flatten(1)

    def delta(weight: Tensor, _strength: float) -> Tensor:
        narrow, wide = factors(weight)
        return (narrow @ wide).view(weight.shape)

    kernel = 1 if mid is None else mid.shape[2:].numel()
    yield ".weight", Sized(delta, up.shape[0], down[0].numel() * kernel, factors)


def hadamard(tensors: Tensors) -> Iterator[tuple[str, Sized]]:
    """LoHa: two low-rank products, multiplied cell by cell."""
    if not {"hada_w1_a", "hada_w1_b", "hada_w2_a", "hada_w2_b"} <= tensors.keys():
        return
    pairs = [
        (tensors.pop(f"hada_w{n}_a"), tensors.pop(f"hada_w{n}_b"), tensors.pop(f"hada_t{n}", None))
        for n in (1, 2)
    ]
    scale = scale_of(tensors, pairs[0][1].shape[0])

    def delta(weight: Tensor, _strength: float) -> Tensor:
        one, other = (product(*pair).to(weight) for pair in pairs)
        return scaled(one * other, scale).reshape(weight.shape)

    rows, columns = product_size(*pairs[0])
    yield ".weight", Sized(delta, rows, columns)


def kronecker(tensors: Tensors) -> Iterator[tuple[str, Sized]]:
    """LoKr: the Kronecker product of a small and a large matrix, either of which may be a product itself."""
    factors: list[tuple[Tensor, Tensor | None, Tensor | None]] = []
    rank = None
    for name in ("lokr_w1", "lokr_w2"):
        if name in tensors:
            factors.append((tensors.pop(name), None, None))
        elif {f"{name}_a", f"{name}_b"} <= tensors.keys():
            core = tensors.pop("lokr_t2", None) if name == "lokr_w2" else None
            narrow, wide = tensors.pop(f"{name}_a"), tensors.pop(f"{name}_b")
            factors.append((narrow, wide, core))
            rank = wide.shape[0]
    if len(factors) != 2:
        return
    scale = scale_of(tensors, rank)

    def delta(weight: Tensor, _strength: float) -> Tensor:
        small, large = (product(*factor).to(weight) for factor in factors)
        small = small.reshape(*small.shape, *(1 for _ in range(large.ndim - small.ndim)))
        return scaled(torch.kron(small, large), scale).reshape(weight.shape)

    sizes = [product_size(*factor) for factor in factors]
    yield ".weight", Sized(delta, sizes[0][0] * sizes[1][0], sizes[0][1] * sizes[1][1])


def generalised(tensors: Tensors) -> Iterator[tuple[str, Sized]]:
    """GLoRA, Chavan et al. 2023 (arXiv:2306.07967): W·A + B, both of low rank.

    Files of two layouts exist; the inner dimension, which is the smaller one, tells them apart.
    """
    if not {"a1", "a2", "b1", "b2"} <= tensors.keys():
        return
    first, second, third, fourth = (tensors.pop(name).flatten(1) for name in ("a1", "a2", "b1", "b2"))
    if first.shape[0] == second.shape[1] <= first.shape[1]:  # the older layout holds the factors in reverse
        first, second, third, fourth = second, first, fourth, third
    scale = scale_of(tensors, second.shape[0])

    def delta(weight: Tensor, _strength: float) -> Tensor:
        one, other = first.to(weight) @ second.to(weight), third.to(weight) @ fourth.to(weight)
        turned = torch.einsum("oi...,ij->oj...", weight, one)
        return scaled(turned + other.view(weight.shape), scale)

    yield ".weight", Sized(delta, third.shape[0], fourth.shape[1])


def rotation(tensors: Tensors) -> Iterator[tuple[str, Sized]]:
    """OFT, Qiu et al. 2023 (arXiv:2306.07280): blocks of rows are rotated.

    BOFT, Liu et al. 2024 (arXiv:2311.06243), if there are several layers of blocks: each layer mixes rows
    twice as far apart. The strength acts in each layer, and then on the whole difference, as all the field
    has it.
    """
    if "oft_blocks" not in tensors:
        return
    blocks = tensors.pop("oft_blocks").float()
    limit, rescale = float(tensors.pop("alpha", torch.tensor(0.0))), tensors.pop("rescale", None)
    layers = blocks if blocks.ndim == 4 else blocks[None]
    size = layers.shape[-1]

    def delta(weight: Tensor, strength: float) -> Tensor:
        turns = cayley(layers.to(weight), limit)
        turns = strength * turns + (1 - strength) * torch.eye(size).to(weight)
        turned = weight
        for place, turn in enumerate(turns):
            reach = 2**place * (size // 2) if blocks.ndim == 4 else 0
            turned = blockwise(turned, turn if reach else turn.mT, reach)
        if rescale is not None:
            turned = turned * rescale.to(weight).view(-1, *(1 for _ in weight.shape[1:]))
        return turned - weight

    yield ".weight", Sized(delta, layers.shape[1] * size, None)


def cayley(blocks: Tensor, limit: float) -> Tensor:
    """Rotations from any matrices [..., n, n]; `limit`, if above 0, is the most their skew parts may be."""
    skew = blocks - blocks.mT
    length = skew.norm() + 1e-8
    if 0 < limit < length:
        skew = skew * (limit / length)
    one = torch.eye(skew.shape[-1]).to(skew)
    inverse: Tensor = torch.linalg.inv(one - skew)
    return (one + skew) @ inverse


def blockwise(weight: Tensor, turns: Tensor, reach: int) -> Tensor:
    """Multiply blocks of rows by `turns` [block, n, n]; with a reach, rows that far apart are neighbours."""
    rows = weight.flatten(1)
    if reach:
        rows = rows.view(-1, 2, reach, rows.shape[-1]).transpose(1, 2)
    rows = torch.bmm(turns, rows.reshape(*turns.shape[:2], -1))
    if reach:
        rows = rows.view(-1, reach, 2, rows.shape[-1]).transpose(1, 2)
    return rows.reshape(weight.shape)


def difference(tensors: Tensors) -> Iterator[tuple[str, Sized]]:
    """Whole differences, added as they are."""
    for role, suffix in (
        ("diff", ".weight"),
        ("diff_b", ".bias"),
        ("w_norm", ".weight"),
        ("b_norm", ".bias"),
    ):
        if (found := tensors.pop(role, None)) is not None:
            yield suffix, Sized(adding(found), found.shape[0], found.shape[1:].numel())


def adding(found: Tensor) -> Delta:
    """The delta that is a tensor."""
    return lambda weight, _strength: found.to(weight).view(weight.shape)


def replacement(tensors: Tensors) -> Iterator[tuple[str, Sized]]:
    """A whole weight that takes the place of the other."""
    if (found := tensors.pop("set_weight", None)) is not None:

        def delta(weight: Tensor, strength: float) -> Tensor:
            return (found.to(weight).view(weight.shape) - weight) / (strength or 1.0)

        yield ".weight", Sized(delta, found.shape[0], found.shape[1:].numel())


KINDS: tuple[Kind, ...] = (low_rank, hadamard, kronecker, generalised, rotation, difference, replacement)


def decomposed(delta: Delta, magnitude: Tensor) -> Change:
    """DoRA, Liu et al. 2024 (arXiv:2402.09353): the changed weight keeps its direction, not its lengths.

    Lengths of rows are measured before the change, those of columns after it, as all the field has it.
    """

    def change(weight: Tensor, strength: float) -> Tensor:
        turned = weight + delta(weight, strength)
        lengths = magnitude.to(weight)
        if lengths.shape[0] == weight.shape[0]:
            norm = weight.flatten(1).norm(dim=1).view(-1, *(1 for _ in weight.shape[1:]))
        else:
            norm = turned.transpose(0, 1).flatten(1).norm(dim=1).view(1, -1, *(1 for _ in weight.shape[2:]))
        long = turned * (lengths.view(norm.shape) / (norm + torch.finfo(weight.dtype).eps))
        return torch.lerp(weight, long, strength)

    return change


def plain(sized: Sized) -> Change:
    """The change that adds a delta, times the strength; where it is a product, without making it first."""
    delta, factors = sized.delta, sized.factors
    if factors is None:
        return lambda weight, strength: weight.add(delta(weight, strength), alpha=strength)
    return lambda weight, strength: torch.addmm(weight.flatten(1), *factors(weight), alpha=strength).view(
        weight.shape
    )


def scale_of(tensors: Tensors, rank: int | None) -> float:
    """Takes alpha out; alpha / rank, or 1 where either is missing."""
    alpha = tensors.pop("alpha", None)
    return 1.0 if alpha is None or not rank else float(alpha) / rank


def scaled(delta: Tensor, scale: float) -> Tensor:
    """A tensor made one line above, times a scale, in place."""
    return delta if scale == 1.0 else delta.mul_(scale)


def product(narrow: Tensor, wide: Tensor | None, core: Tensor | None) -> Tensor:
    """A matrix; or the product of two; or, around the core of a Tucker decomposition, a kernel."""
    if wide is None:
        return narrow.float()
    if core is None:
        return narrow.float().flatten(1) @ wide.float().flatten(1)
    return torch.einsum("ijkl,ip,jr->prkl", core.float(), narrow.float(), wide.float()).contiguous()


def product_size(narrow: Tensor, wide: Tensor | None, core: Tensor | None) -> tuple[int, int]:
    """The rows and columns of what `product` makes."""
    if wide is None:
        return narrow.shape[0], narrow[0].numel()
    if core is None:
        return narrow.shape[0], wide[0].numel()
    return narrow.shape[1], wide.shape[1] * core.shape[2:].numel()
