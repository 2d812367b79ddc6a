"""Words that no caption has mean the nearest thing that one has: a reviewed list, synonyms.txt."""

from functools import cache
from pathlib import Path

import torch
from transformers import CLIPTextModel

from tools.bundled_models import words
from tools.bundled_models.train_base import NEUTRAL


@cache
def synonyms() -> tuple[tuple[str, str], ...]:
    """Pairs of a word and the trained word that it is to mean; of two meanings the first holds."""
    lines = (Path(__file__).parent / "synonyms.txt").read_text().splitlines()
    pairs: dict[str, str] = {}
    for line in lines:
        if line and not line.startswith("#"):
            target, _, others = line.partition(": ")
            for word in others.split():
                pairs.setdefault(word, target)
    return tuple(pairs.items())


@torch.no_grad()
def give_meaning(text: CLIPTextModel) -> list[str]:
    """Copy the token rows of trained words to their synonyms, where those have no meaning yet.

    Gives back the words that now mean something. A word of several pieces is left alone: its pieces may be
    parts of others.
    """
    table = text.get_input_embeddings().weight
    neutral = table[NEUTRAL].clone()
    given: dict[int, tuple[str, int]] = {}
    for word, target in synonyms():
        pieces, targets = words.ids(word), words.ids(target)
        if len(pieces) == len(targets) == 1 and pieces[0] not in given:
            is_free = bool((table[pieces[0]] == neutral).all())
            if is_free and not (table[targets[0]] == neutral).all():
                given[pieces[0]] = word, targets[0]
    for piece, (_, target) in given.items():
        table[piece] = table[target]
    return [word for word, _ in given.values()]
