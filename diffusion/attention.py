"""How the networks' attention is computed: which kernel for which numbers and sizes."""

from itertools import product
from math import e, log2, sqrt
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

SCORES = 1 << 21
"""At once, of some queries against all keys: 4 MB, which the cores' caches hold."""

LEAST = 512
"""Below so many queries or keys the library's kernel is as fast."""

ALIGNED = 16
"""Matrices whose width is a multiple of this are multiplied faster."""

LEAST_SUM, MOST_SUM = 1e-30, 1e30
"""Of the weights of a query; beyond them they are too near the least or the largest number there is."""


def attend(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """Scaled dot-product attention (Vaswani et al. 2017, arXiv:1706.03762, equation 1).

    All are [batch, head, token, width]; the answer is like the query. In bfloat16 on a CPU, long sequences go
    through plain matrix products, in less than half the time of the fused kernel.
    """
    slow = query.device.type == "cpu" and query.dtype == torch.bfloat16
    learns = any(each.requires_grad for each in (query, key, value))
    if slow and not learns and min(query.shape[2], key.shape[2]) >= LEAST:
        weighed = multiplied(query, key, value)
        sums = weighed[..., query.shape[-1] :].float().sum(-1, keepdim=True)
        answer = torch.div(weighed[..., : query.shape[-1]], sums, out=torch.empty_like(query))
        least, most = sums.aminmax()
        if least > LEAST_SUM and most < MOST_SUM and answer.sum().isfinite():  # far cheaper than asking each
            return answer
    return F.scaled_dot_product_attention(query, key, value)


def multiplied(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """The values weighed by powers of the scores, head by head and some queries at a time.

    They are powers of 2, the cheapest, of scores that are stretched for it. The weights are not brought into
    range first, which bfloat16 seldom needs. They are summed by the same product: beside the values stand
    ones, each for some of the tokens, because a sum of parts that are rounded one by one is nearer to what it
    is.
    """
    batch, heads, tokens, width = query.shape
    parts = -width % ALIGNED or ALIGNED
    counted = torch.arange(key.shape[2])[:, None] % parts == torch.arange(parts)
    beside = F.pad(counted.to(value.dtype), (width, 0))
    made, none = query.new_empty(batch, heads, tokens, width + parts), query.new_zeros(())
    rows, scale = max(1, SCORES // key.shape[2]), log2(e) / sqrt(width)
    for row, head in product(range(batch), range(heads)):
        keys, beside[:, :width] = key[row, head].T, value[row, head]  # in place: made above
        for start in range(0, tokens, rows):
            chunk = slice(start, start + rows)
            scores = torch.addmm(none, query[row, head, chunk], keys, beta=0, alpha=scale)
            torch.mm(scores.exp2_(), beside, out=made[row, head, chunk])
    return made


class Attention:
    """The attention of a transformer block, as diffusers asks for it: its projections, our kernel."""

    def __call__(
        self,
        attn: Any,
        hidden_states: Tensor,
        encoder_hidden_states: Tensor | None = None,
        attention_mask: Tensor | None = None,  # noqa: ARG002  these networks mask nothing
        temb: Tensor | None = None,  # noqa: ARG002
    ) -> Tensor:
        """From [batch, token, width] to the same. Without a context the states attend to themselves."""
        context = hidden_states if encoder_hidden_states is None else encoder_hidden_states
        query, key, value = (
            each.unflatten(-1, (attn.heads, -1)).transpose(1, 2)
            for each in (attn.to_q(hidden_states), attn.to_k(context), attn.to_v(context))
        )
        if attn.upcast_attention:
            query, key, value = query.float(), key.float(), value.float()
        merged = attend(query, key, value).transpose(1, 2).flatten(2).to(hidden_states.dtype)
        output: Tensor = attn.to_out[0](merged)
        return output
