"""Prompts as tokens, and the part of CLIP's token table that is trained."""

from collections.abc import Iterable, Sequence
from functools import cache

import torch
from torch import Tensor

from diffusion.tokens import ClipTokenizer
from tools.bundled_models.colours import BACKGROUNDS, HUES
from tools.bundled_models.compose import COUNTS, SIDES, STYLE_PHRASES, is_plural, plural, uncoloured
from tools.bundled_models.networks import END, LENGTH, START, WORDS
from tools.bundled_models.scenes import SCENES
from tools.bundled_models.sprites import objects

OTHERS = (
    "a an the and next to small tiny big large background gradient on in at picture image of photo "
    "drawing with illustration painting portrait realistic cute , . - one"
)


@cache
def tokenizer() -> ClipTokenizer:
    """The tokenizer that the product uses."""
    return ClipTokenizer()


@cache
def ids(text: str) -> tuple[int, ...]:
    """The tokens of a text, without start and end."""
    return tuple(tokenizer().ids(text))


def padded(captions: Sequence[str]) -> Tensor:
    """Tokens [count, 77] with start, end, and end again as padding; what is too long is cut."""
    rows = [(START, *ids(caption)[: LENGTH - 2]) for caption in captions]
    return torch.tensor([row + (END,) * (LENGTH - len(row)) for row in rows])


@cache
def trained() -> Tensor:
    """Every token that captions can have, sorted."""
    nouns = list(objects().values())
    texts: list[str] = [
        *nouns,
        *map(plural, nouns),
        *map(uncoloured, nouns),
        *BACKGROUNDS,
        *HUES,
        *COUNTS,
        *SIDES,
    ]
    texts += [plural(uncoloured(noun)) for noun in nouns if not is_plural(noun)]
    texts += [phrase for phrases in (*SCENES.values(), *STYLE_PHRASES.values()) for phrase in phrases]
    found = {START, END, *ids(OTHERS)}
    found.update(token for text in texts for token in ids(text.replace("{}", " ")))
    return torch.tensor(sorted(found))


def compact(tokens: Tensor) -> Tensor:
    """Tokens as places in the trained part of the table. Raises ValueError for one that is not trained."""
    places = torch.full((WORDS,), -1)
    places[trained()] = torch.arange(len(trained()))
    found = places[tokens.long()]
    if (found < 0).any():
        lost: Iterable[int] = tokens[found < 0].unique().tolist()
        raise ValueError(f"These tokens are in no list of words.py: {list(lost)}.")
    return found
