"""How the networks' attention is computed: which kernel for which numbers and sizes."""

from math import sqrt
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

SCORES = 1 << 21
"""At once, of some queries against all keys: 4 MB, which the cores' caches hold."""

LEAST = 256
"""Below so many queries or keys the library's kernel is as fast."""


def attend(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """Scaled dot-product attention (Vaswani et al. 2017, arXiv:1706.03762, equation 1).

    All are [batch, head, token, width]; the answer is like the query. In bfloat16 on a CPU, long sequences go
    head by head through plain matrix products, in half the time of the fused kernel.
    """
    slow = query.device.type == "cpu" and query.dtype == torch.bfloat16 and not query.requires_grad
    if not slow or min(query.shape[2], key.shape[2]) < LEAST:
        return F.scaled_dot_product_attention(query, key, value)
    answer = torch.empty_like(query)
    scaled, rows = query / sqrt(query.shape[-1]), max(1, SCORES // key.shape[2])
    for row in range(len(query)):
        for head in range(query.shape[1]):
            keys, values = key[row, head].T, value[row, head]
            for start in range(0, query.shape[2], rows):
                chunk = slice(start, start + rows)
                weights = torch.softmax(scaled[row, head, chunk] @ keys, -1)
                answer[row, head, chunk] = weights @ values  # in place: made above
    return answer


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
