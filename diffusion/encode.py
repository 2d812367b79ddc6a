"""From a prompt to a conditioning: the text encoder's hidden states, weighted token by token."""

import logging
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import NamedTuple

import torch
from torch import Tensor, nn

from diffusion.errors import FamilyMismatch
from diffusion.family import Reading
from diffusion.memory import Patch
from diffusion.model import TextEncoder, Tower
from diffusion.tokens import END, START, Token, chunks
from diffusion.values import Conditioning, Prompt
from diffusion.weight_hooks import Phase

log = logging.getLogger(__name__)

WITHOUT_LAST = ("clip_h", 23)
"""Files of OpenCLIP-H may lack the last of its 24 layers, which Stable Diffusion 2 does not read."""


def encode(encoder: TextEncoder, text: str) -> Conditioning:
    """Encode a prompt of any length: one entry of tokens [1, 77 × chunks, width].

    Where the encoder has several towers, their hidden states stand side by side, cut to the shortest.
    """
    return joined(encoder, [written(encoder, tower, text) for tower in encoder.towers])


def encode_nothing(encoder: TextEncoder) -> Conditioning:
    """The empty prompt unpadded, which is its start and its end: tokens [1, 2, width].

    So networks read it that were made of a text-to-image model for another task.
    """
    return encode(encoder, "").each(lambda entry: replace(entry, tokens=entry.tokens[:, :2]))


def encode_apart(encoder: TextEncoder, texts: Mapping[str, str]) -> Conditioning:
    """Encode a prompt of its own for each tower, by its name; a shorter one goes on with empty chunks.

    Raises FamilyMismatch if there is none for a tower.
    """
    strangers = [tower.reading.name for tower in encoder.towers if tower.reading.name not in texts]
    if strangers:
        raise FamilyMismatch(
            f"These texts are for {' and '.join(sorted(texts))}, but the text encoder is {strangers[0]}.",
            "Connect the text encoder of a model of that family.",
        )
    prompts = [written(encoder, tower, texts[tower.reading.name]) for tower in encoder.towers]
    most = max(len(each.chunks) for each in prompts)
    filled = ([*each.chunks, *[each.empty] * (most - len(each.chunks))] for each in prompts)
    return joined(
        encoder, [each._replace(chunks=chunks) for each, chunks in zip(prompts, filled, strict=True)]
    )


class Written(NamedTuple):
    """A prompt as the chunks of one tower, each with its start, end and padding; and an empty chunk."""

    tower: Tower
    chunks: Sequence[Sequence[Token]]
    empty: Sequence[Token]


def written(encoder: TextEncoder, tower: Tower, text: str) -> Written:
    """A prompt as a tower reads it."""
    pad, network = tower.reading.pad, tower.network
    if not network.part.sources:
        network.part.build()  # raises, and says that the file has no text encoder
    width = network.shape("embeddings.token_embedding.weight")[1]
    length = network.shape("embeddings.position_embedding.weight")[0]

    def embeddings(name: str) -> Tensor | None:
        return encoder.embeddings(name, tower.reading.name)

    found = chunks(text, encoder.tokenizer, embeddings, length, pad)
    empty = [Token(START), Token(END), *[Token(pad)] * (length - 2)]
    return Written(tower, [fitting(chunk, width, pad) for chunk in found], empty)


def joined(encoder: TextEncoder, prompts: Sequence[Written]) -> Conditioning:
    """The answers of all towers side by side; the pooled state is that of the last.

    One entry, or one for each part of the sampling in which the encoder's hooks are equally strong.
    """
    made: dict[tuple[tuple[Patch, ...], ...], Prompt] = {}
    phases = encoder.phases or (Phase(0.0, 1.0, ((),) * len(prompts)),)
    for phase in phases:
        if phase.patches not in made:
            made[phase.patches] = answered(encoder, prompts, phase.patches)
    return Conditioning(
        tuple(replace(made[each.patches], text_start=each.start, text_end=each.end) for each in phases)
    )


def answered(encoder: TextEncoder, prompts: Sequence[Written], added: Sequence[tuple[Patch, ...]]) -> Prompt:
    """The answers of all towers, each with patches of its own."""
    pairs = zip(prompts, added, strict=True)
    answers = [hidden_of(each, encoder.stop_at_layer, patches) for each, patches in pairs]
    shortest = min(hidden.shape[1] for hidden, _ in answers)
    tokens = torch.cat([hidden[:, :shortest].cpu() for hidden, _ in answers], -1)
    return Prompt(tokens, answers[-1][1].cpu(), encoder.family, hooks=encoder.prompt_hooks)


def hidden_of(
    prompt: Written, stop_at_layer: int | None, added: tuple[Patch, ...] = ()
) -> tuple[Tensor, Tensor]:
    """One tower's weighted hidden states [1, tokens, width], and the pooled state of its first chunk.

    added: patches on top of the tower's.
    """
    tower = prompt.tower
    with tower.network.resident((*tower.patches, *added)) as module:
        weights = torch.tensor([[token.weight for token in chunk] for chunk in prompt.chunks])
        is_weighted = bool((weights != 1).any())
        sequences = [*prompt.chunks, prompt.empty] if is_weighted else prompt.chunks
        hidden, pooled = hidden_states(module, sequences, tower.reading, stop_at_layer)
    if is_weighted:
        hidden = emphasised(hidden[:-1], hidden[-1], weights.to(hidden.device))
    return hidden.flatten(0, 1)[None], pooled[:1]


def fitting(chunk: Sequence[Token], width: int, pad: int) -> list[Token]:
    """A chunk without embeddings of another width; padding at the end makes up for them."""
    kept = [token for token in chunk if token.vector is None or len(token.vector) == width]
    if len(kept) < len(chunk):
        log.warning("an embedding in the prompt was made for another text encoder; it is left out")
    return kept + [Token(pad)] * (len(chunk) - len(kept))


def hidden_states(
    module: nn.Module, sequences: Sequence[Sequence[Token]], reading: Reading, stop_at_layer: int | None
) -> tuple[Tensor, Tensor]:
    """The hidden states after a layer, normalised if so read, and the pooled state of the last layer."""
    device = next(module.parameters()).device
    layers = list(module.get_submodule("encoder.layers").children())
    back = -(stop_at_layer or reading.layer)
    if (reading.name, len(layers)) == WITHOUT_LAST:
        back = max(1, back - 1)
    caught: list[Tensor] = []
    with ExitStack() as hooks:
        hooks.enter_context(with_vectors(module, sequences))
        if back > 1 or not reading.normalised:
            hook = layers[-back if back <= len(layers) else -1].register_forward_hook(
                lambda _module, _inputs, output: caught.append(first(output))
            )
            hooks.callback(hook.remove)
        ids = torch.tensor([[token.id for token in chunk] for chunk in sequences], device=device)
        positions = torch.arange(ids.shape[1], device=device)[None]
        result = module(input_ids=ids, position_ids=positions)
    hidden = caught[0] if caught else result.last_hidden_state
    if caught and reading.normalised:
        hidden = module.get_submodule("final_layer_norm")(hidden)
    projection = getattr(module, "text_projection", None)
    return hidden, projection(result.pooler_output) if projection else result.pooler_output


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
