"""From a prompt to a conditioning: the text encoder's hidden states, weighted token by token."""

import logging
from collections.abc import Sequence
from contextlib import ExitStack

import torch
from torch import Tensor, nn

from diffusion.model import TextEncoder
from diffusion.tokens import END, START, Token, chunks
from diffusion.values import Conditioning, Prompt

log = logging.getLogger(__name__)


def encode(encoder: TextEncoder, text: str) -> Conditioning:
    """Encode a prompt of any length: one entry of tokens [1, 77 × chunks, width]."""
    with encoder.network.resident(encoder.patches) as module:
        table = module.get_parameter("embeddings.token_embedding.weight")
        length = module.get_parameter("embeddings.position_embedding.weight").shape[0]
        sequences = [
            fitting(chunk, table.shape[1])
            for chunk in chunks(text, encoder.tokenizer, encoder.embeddings, length)
        ]
        weights = torch.tensor(
            [[token.weight for token in chunk] for chunk in sequences], device=table.device
        )
        if (weights != 1).any():
            sequences.append(empty(encoder.tokenizer.pad, length))
        hidden, pooled = hidden_states(module, sequences, encoder.stop_at_layer)
    if (weights != 1).any():
        hidden = emphasised(hidden[:-1], hidden[-1], weights)
    return Conditioning((Prompt(hidden.flatten(0, 1)[None].cpu(), pooled[:1].cpu(), encoder.family),))


def empty(pad: int, length: int) -> list[Token]:
    """The chunk of an empty prompt."""
    return [Token(START), Token(END), *[Token(pad)] * (length - 2)]


def fitting(chunk: Sequence[Token], width: int) -> list[Token]:
    """A chunk without embeddings of another width; padding at the end makes up for them."""
    kept = [token for token in chunk if token.vector is None or len(token.vector) == width]
    if len(kept) < len(chunk):
        log.warning("an embedding in the prompt was made for another text encoder; it is left out")
    return kept + [kept[-1]] * (len(chunk) - len(kept))


def hidden_states(
    module: nn.Module, sequences: Sequence[Sequence[Token]], stop_at_layer: int | None
) -> tuple[Tensor, Tensor]:
    """The hidden states after a layer, normalised, and the pooled state of the last layer."""
    device = next(module.parameters()).device
    layers = list(module.get_submodule("encoder.layers").children())
    back = -(stop_at_layer or -1)
    caught: list[Tensor] = []
    with ExitStack() as hooks:
        hooks.enter_context(with_vectors(module, sequences))
        if 1 < back <= len(layers):
            hook = layers[len(layers) - back].register_forward_hook(
                lambda _module, _inputs, output: caught.append(first(output))
            )
            hooks.callback(hook.remove)
        ids = torch.tensor([[token.id for token in chunk] for chunk in sequences], device=device)
        positions = torch.arange(ids.shape[1], device=device)[None]
        result = module(input_ids=ids, position_ids=positions)
    hidden = module.get_submodule("final_layer_norm")(caught[0]) if caught else result.last_hidden_state
    return hidden, result.pooler_output


def with_vectors(module: nn.Module, sequences: Sequence[Sequence[Token]]) -> ExitStack:
    """While this lasts, vectors of embeddings stand where their tokens are."""
    vectors = [
        (row, column, token.vector)
        for row, chunk in enumerate(sequences)
        for column, token in enumerate(chunk)
        if token.vector is not None
    ]

    def substitute(_module: nn.Module, _inputs: object, output: Tensor) -> Tensor:
        changed = output.clone()
        for row, column, vector in vectors:
            changed[row, column] = vector.to(changed)  # in place: cloned three lines above
        return changed

    hooks = ExitStack()
    if vectors:
        table = module.get_submodule("embeddings.token_embedding")
        hooks.callback(table.register_forward_hook(substitute).remove)
    return hooks


def first(output: Tensor | tuple[Tensor, ...]) -> Tensor:
    """A layer's hidden state; older libraries wrap it in a tuple."""
    return output[0] if isinstance(output, tuple) else output


def emphasised(hidden: Tensor, neutral: Tensor, weights: Tensor) -> Tensor:
    """Move each position away from what an empty prompt gives there, by its weight: (h - e)·w + e."""
    weighted = (hidden - neutral) * weights[..., None] + neutral
    return torch.where(weights[..., None] == 1, hidden, weighted)
