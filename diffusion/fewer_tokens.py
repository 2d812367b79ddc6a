"""Attention at a lower cost: on tiles of the picture, or with tokens merged that are alike.

Both change self-attention alone, whose cost grows with the square of the tokens it sees. What is drawn at
random follows from the noise level and the place, so that a run can be repeated. Where both are wanted, the
one added last acts.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from random import Random
from typing import Any, NamedTuple, TypeAlias

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from diffusion.ahead import sent
from diffusion.hooks import Attend, Site, attending, reading, sites

ChangeAt: TypeAlias = Callable[[Attend, int, int], Attend]
"""From how a layer attends, and the height and width of its picture in cells, to how it attends instead."""


class Grid(NamedTuple):
    """Into how many tiles a picture of so many cells is cut."""

    height: int
    width: int
    rows: int
    columns: int

    def cut(self, states: Tensor) -> Tensor:
        """From [batch, token, width] to a batch of tiles."""
        tall, wide = self.height // self.rows, self.width // self.columns
        cells = states.view(len(states), self.rows, tall, self.columns, wide, -1)
        return cells.transpose(2, 3).reshape(-1, tall * wide, states.shape[-1])

    def joined(self, tiles: Tensor) -> Tensor:
        """Back to [batch, token, width]."""
        tall, wide = self.height // self.rows, self.width // self.columns
        cells = tiles.view(-1, self.rows, self.columns, tall, wide, tiles.shape[-1])
        return cells.transpose(2, 3).reshape(-1, self.height * self.width, tiles.shape[-1])


@dataclass(frozen=True, slots=True)
class HyperTile:
    """Fernandes 2023, HyperTile: attention of the outer levels on tiles, whose size is drawn at each place.

    side: the shortest side of a tile, in cells. choices: among how many sizes it is drawn. depth: the last
    level it acts on, 0 is the outermost. doubling: tiles of each deeper level are twice as large, in cells.
    """

    side: int
    choices: int
    depth: int
    doubling: bool = False

    @contextmanager
    def installed(self, module: nn.Module, sigma: float) -> Iterator[None]:
        """While this lasts, a network computes it."""
        with ExitStack() as stack:
            for place, site in enumerate(each for each in sites(module) if each.depth <= self.depth):
                stack.enter_context(changed(site, self.tiled(site.depth, Random(f"{sigma} {place}"))))
            yield

    def tiled(self, depth: int, random: Random) -> ChangeAt:
        """What a level does: attend within tiles, if its picture is large enough for two."""
        side = self.side * 2**depth if self.doubling else self.side

        def change(attend: Attend, height: int, width: int) -> Attend:
            counts = [random.choice(divisions(length, side, self.choices)) for length in (height, width)]
            grid = Grid(height, width, *counts)
            if counts == [1, 1]:
                return attend

            def in_tiles(
                layer: Any, states: Tensor, encoder_hidden_states: Tensor | None = None, **named: object
            ) -> Tensor:
                if encoder_hidden_states is not None:  # a prompt is read by each token for itself
                    return attend(layer, states, encoder_hidden_states, **named)
                return grid.joined(attend(layer, grid.cut(states)))

            return in_tiles

        return change


def divisions(length: int, least: int, choices: int) -> list[int]:
    """Into how many equal parts of at least a length another can be cut: the highest numbers, falling."""
    parts = [length // part for part in range(min(least, length), length + 1) if length % part == 0]
    return parts[:choices]


@dataclass(frozen=True, slots=True)
class TokenMerging:
    """Bolya & Hoffman 2023 (arXiv:2303.17604): tokens that are alike attend as one, at the outermost level.

    That is the finest one that attends at all. ratio: which part of the tokens is merged into others, 0 to 1;
    of each four neighbours at most three are.
    """

    ratio: float

    @contextmanager
    def installed(self, module: nn.Module, sigma: float) -> Iterator[None]:
        """While this lasts, a network computes it."""
        found = sites(module)
        finest = min((site.depth for site in found), default=0)
        with ExitStack() as stack:
            for place, site in enumerate(each for each in found if each.depth == finest):
                stack.enter_context(changed(site, self.merging(Random(f"{sigma} {place}"))))
            yield

    def merging(self, random: Random) -> ChangeAt:
        """What a level does: merge, attend, and give each token the answer of what it was merged into."""

        def change(attend: Attend, height: int, width: int) -> Attend:
            kept = stayers(height, width, random)
            count = min(int(self.ratio * height * width), height * width - len(kept))
            if count <= 0 or not len(kept):
                return attend

            def fewer(layer: Any, states: Tensor, *rest: object, **named: object) -> Tensor:
                # The rest may be a prompt, which some networks show this layer; its tokens all stay.
                pairs = Pairs.alike(states, kept, count)
                return pairs.parted(attend(layer, pairs.merged(states), *rest, **named))

            return fewer

        return change


def stayers(height: int, width: int, random: Random) -> Tensor:
    """The tokens others are merged into: one at random of each 2 x 2 cells, none at an odd border."""
    corners = [(row, column) for row in range(0, height - 1, 2) for column in range(0, width - 1, 2)]
    return torch.tensor(
        [(row + random.randrange(2)) * width + column + random.randrange(2) for row, column in corners],
        dtype=torch.long,
    )


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """Which tokens of each image are merged into which.

    kept: tokens that others may join [count]. alone: other tokens that stay [batch, count]. gone: those that
    do not, and their partners among `kept`, both [batch, count].
    """

    kept: Tensor
    alone: Tensor
    gone: Tensor
    partner: Tensor
    total: int

    @classmethod
    def alike(cls, states: Tensor, kept: Tensor, count: int) -> "Pairs":
        """The tokens that are most like one of those kept (on the CPU), by the angle between them."""
        total = states.shape[1]
        is_free = torch.ones(total, dtype=torch.bool)
        is_free[kept] = False  # in place: made above
        free, kept = sent(is_free.nonzero()[:, 0], states.device), sent(kept, states.device)
        ways = normalize(states, dim=-1)
        likeness, partner = (ways[:, free] @ ways[:, kept].mT).max(-1)
        order = likeness.argsort(dim=-1, descending=True)
        gone, alone = order[:, :count], order[:, count:]
        return cls(kept, free[alone.sort(-1).values], free[gone], partner.gather(1, gone), total)

    def merged(self, states: Tensor) -> Tensor:
        """Fewer tokens: each of those kept is the mean of itself and those that join it."""
        joined = states[:, self.kept].scatter_reduce(
            1, wide(self.partner, states), states.gather(1, wide(self.gone, states)), "mean"
        )
        return torch.cat((states.gather(1, wide(self.alone, states)), joined), 1)

    def parted(self, answers: Tensor) -> Tensor:
        """As many tokens as before."""
        count = self.alone.shape[1]
        alone, joined = answers[:, :count], answers[:, count:]
        result = answers.new_empty(len(answers), self.total, answers.shape[-1])
        result[:, self.kept] = joined  # in place, here and below: made above
        result.scatter_(1, wide(self.alone, answers), alone)
        partners = joined.gather(1, wide(self.partner, answers))
        return result.scatter_(1, wide(self.gone, answers), partners)


def wide(index: Tensor, like: Tensor) -> Tensor:
    """An index of tokens [batch, count] for all their numbers."""
    return index[..., None].expand(-1, -1, like.shape[-1])


@contextmanager
def changed(site: Site, change: ChangeAt) -> Iterator[None]:
    """While this lasts, the layers of a place attend in another way, which depends on the picture's size."""
    size = [0, 0]

    def noted(planes: Tensor) -> Tensor:
        size[:] = planes.shape[-2:]
        return planes

    def when_known(attend: Attend) -> Attend:
        def attended(layer: Any, states: Tensor, *rest: object, **named: object) -> Tensor:
            # Another change may have left fewer tokens than the picture has cells.
            is_whole = states.shape[1] == size[0] * size[1]
            return (change(attend, *size) if is_whole else attend)(layer, states, *rest, **named)

        return attended

    with ExitStack() as stack:
        stack.callback(reading(site.transformer, noted))
        stack.enter_context(attending(site.layers, when_known))
        yield
