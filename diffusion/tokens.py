"""From a prompt to tokens: the grammar of weights and embeddings, CLIP's byte pairs, and chunks of 77.

Radford et al. 2021 (arXiv:2103.00020) for the tokenizer; the grammar of weights is the field's.
"""

import gzip
import logging
import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple, TypeAlias

from tokenizers import Regex, Tokenizer, normalizers, pre_tokenizers
from tokenizers.models import BPE
from torch import Tensor

log = logging.getLogger(__name__)

START, END = 49406, 49407
MARKS = ("<|startoftext|>", "<|endoftext|>")
"""How a prompt may spell them."""
CHUNK = 77
LONG_GROUP = 8
"""A group of at least so many tokens may be cut at the end of a chunk.

A shorter one moves to the next as a whole.
"""
OPENED, CLOSED = "\0(", "\0)"
"""Stand in for parentheses that were written with a backslash."""

Embeddings: TypeAlias = Callable[[str, str], Tensor | None]
"""Finds the vectors [count, width] of an embedding by its name and that of a text encoder; None if none."""
Lookup: TypeAlias = Callable[[str], Tensor | None]
"""The same for one text encoder."""


class Segment(NamedTuple):
    """A stretch of a prompt and how much it counts."""

    text: str
    weight: float


@dataclass(frozen=True, slots=True, eq=False)
class Token:
    """One position of a chunk: a word piece by its number, or a vector in its place."""

    id: int
    weight: float = 1.0
    vector: Tensor | None = None


def parse(text: str) -> tuple[Segment, ...]:
    """The weighted stretches of a prompt: `(x)` counts 1.1 times, `(x:1.4)` exactly 1.4.

    `\\(` is a parenthesis.
    """
    protected = text.replace("\\)", CLOSED).replace("\\(", OPENED)
    return tuple(
        Segment(part.replace(CLOSED, ")").replace(OPENED, "("), weight)
        for part, weight in weighted(protected)
    )


def weighted(text: str) -> Iterator[Segment]:
    """The stretches of a text, each as heavy as the innermost group it stands in.

    A loop over what is left to read, not a recursion: groups may lie thousands deep.
    """
    ends = group_ends(text)
    left = [(0, len(text), 1.0)]
    while left:
        start, stop, weight = left.pop()
        if start == stop:
            continue
        if start in ends:
            end = min(ends[start], stop)
        else:
            end = next((at for at in range(start, stop) if at in ends), stop)
        left.append((end, stop, weight))
        if start in ends and text[end - 1] == ")" and not text.endswith(CLOSED, start, end):
            left.append(inside(text, start + 1, end - 1, weight * 1.1))
        else:
            yield Segment(text[start:end], weight)


def inside(text: str, start: int, stop: int, weight: float) -> tuple[int, int, float]:
    """What lies between the parentheses of a group, and its weight: the one that is written, if one is."""
    colon = text.rfind(":", start, stop)
    given = number(text[colon + 1 : stop]) if colon > start else None
    return (start, stop, weight) if given is None else (start, colon, given)


def group_ends(text: str) -> dict[int, int]:
    """For the start of each group of a text, where what follows it starts; after the text, if it stays open.

    A parenthesis that closes nothing takes the next that opens with it.
    """
    ends: dict[int, int] = {}
    opened: list[int] = []
    owed = 0
    for found in re.finditer(r"(?<!\0)[()]", text):
        at = found.start()
        if found[0] == "(":
            if owed:
                owed -= 1
            else:
                opened.append(at)
                ends[at] = len(text)
        elif opened:
            ends[opened.pop()] = at + 1
        else:
            owed += 1
    return ends


def number(text: str) -> float | None:
    """The finite number a text says, or None."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


class ClipTokenizer:
    """CLIP's tokenizer: Unicode NFC, white space collapsed, lower case, then byte pairs.

    Built when first used.
    """

    def ids(self, text: str) -> list[int]:
        """The word pieces of a text, without the marks of start and end."""
        ids: list[int] = self.tokenizer.encode(text, add_special_tokens=False).ids
        return ids

    @cached_property
    def tokenizer(self) -> Tokenizer:
        """The library's tokenizer over the vocabulary that ships with this package."""
        with gzip.open(
            Path(__file__).parent / "vocabulary" / "clip_bpe.txt.gz", "rt", encoding="utf-8"
        ) as file:
            lines = file.read().split("\n")
        pairs = (line.split() for line in lines[1 : 49152 - 256 - 2 + 1])
        merges = [(left, right) for left, right in pairs]
        letters = list(byte_letters().values())
        words = [*letters, *(f"{letter}</w>" for letter in letters), *map("".join, merges)]
        words += MARKS
        vocabulary = {word: index for index, word in enumerate(words)}
        model = BPE(vocabulary, merges, end_of_word_suffix="</w>", unk_token=MARKS[1])
        tokenizer = Tokenizer(model)
        tokenizer.add_special_tokens(list(MARKS))
        tokenizer.normalizer = normalizers.Sequence(
            [normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()]
        )
        pieces = Regex(r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+")
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
            [
                pre_tokenizers.Split(pieces, behavior="removed", invert=True),
                pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
            ]
        )
        return tokenizer


def byte_letters() -> dict[int, str]:
    """A printable letter for each byte: itself where it is one, else the next free one from 256 on."""
    printable = [
        *range(ord("!"), ord("~") + 1),
        *range(ord("¡"), ord("¬") + 1),
        *range(ord("®"), ord("ÿ") + 1),
    ]
    letters = {byte: chr(byte) for byte in printable}
    others = (byte for byte in range(256) if byte not in letters)
    return letters | {byte: chr(256 + place) for place, byte in enumerate(others)}


def chunks(
    text: str, tokenizer: ClipTokenizer, embeddings: Lookup, length: int = CHUNK, pad: int = END
) -> list[list[Token]]:
    """A prompt as one or more sequences of `length` tokens, each with its start, end and padding."""
    filled: list[list[Token]] = [[]]
    room = length - 2
    for segment in parse(text):
        for group in groups(segment, tokenizer, embeddings):
            place(group, filled, room)
    return [closed(tokens, pad, length) for tokens in filled]


def place(group: Sequence[Token], filled: list[list[Token]], room: int) -> None:
    """Append a group to the last chunk, opening new ones where it does not fit."""
    may_be_cut = len(group) >= LONG_GROUP
    while group:
        free = room - len(filled[-1])
        if len(group) <= free:
            filled[-1].extend(group)
            return
        if may_be_cut:
            filled[-1].extend(group[:free])
            group = group[free:]
        filled.append([])


def closed(tokens: list[Token], pad: int, length: int) -> list[Token]:
    """A chunk with its start, its end and its padding."""
    whole = [Token(START), *tokens, Token(END)]
    return whole + [Token(pad)] * (length - len(whole))


def groups(segment: Segment, tokenizer: ClipTokenizer, embeddings: Lookup) -> Iterator[list[Token]]:
    """The tokens of a segment, and of each embedding named in it, in order."""
    for piece in re.split(r"[ \n](?=embedding:)", segment.text):
        text = piece
        if piece.startswith("embedding:"):
            name, text = (*re.split(r"\s", piece.removeprefix("embedding:"), maxsplit=1), "")[:2]
            vectors, commas = found_embedding(name, embeddings)
            text = f"{commas} {text}" if commas else text
            if vectors is not None:
                yield [Token(0, segment.weight, vector) for vector in vectors]
        if ids := tokenizer.ids(text):
            yield [Token(id, segment.weight) for id in ids]


def found_embedding(name: str, embeddings: Lookup) -> tuple[Tensor | None, str]:
    """The vectors of a named embedding, and the commas that turned out not to belong to its name."""
    vectors = embeddings(name)
    bare = name.rstrip(",")
    if vectors is not None or bare == name:
        if vectors is None:
            log.warning("the embedding %r is not in the embeddings folder; it is left out", name)
        return vectors, ""
    vectors = embeddings(bare)
    if vectors is None:
        log.warning("the embedding %r is not in the embeddings folder; it is left out", bare)
    return vectors, name[len(bare) :]
