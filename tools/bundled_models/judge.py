"""A small network that says what a picture shows: which objects, how many, in what style, before what scene.

It is trained on composed pictures and looks at them through the fixed linear codec, so that it judges shapes
and
colours and not how sharp a picture is.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy

from tools.bundled_models.compose import Composer, Mix
from tools.bundled_models.networks import half
from tools.bundled_models.scenes import SCENES
from tools.bundled_models.shards import Codec
from tools.bundled_models.sprites import STICKER, STYLES, Pixels, Sprite, objects
from tools.bundled_models.training import Run

NOUNS = tuple(objects().values())
ALL_STYLES = (*STYLES, STICKER)
PLACES = (*SCENES, "")
"""Scenes, and no scene."""
PART = 500
"""How many pictures are in memory at once."""
PATH = Path(__file__).parent / "judge.safetensors"


@dataclass(frozen=True, slots=True)
class Verdict:
    """Nouns from the likeliest on, the number of objects, the style, the scene or ""."""

    nouns: tuple[str, ...]
    count: int
    style: str
    scene: str


class Judge(nn.Module):
    """A convolutional network on latents [count, 4, 16, 16], with a head for each question."""

    def __init__(self) -> None:
        super().__init__()
        widths = (4, 64, 96, 160, 224)
        blocks: list[nn.Module] = []
        for index, (before, after) in enumerate(zip(widths, widths[1:], strict=False)):
            blocks += [nn.Conv2d(before, after, 3, padding=1), nn.BatchNorm2d(after), nn.ReLU()]
            blocks += [nn.MaxPool2d(2)] if index else []
        self.body = nn.Sequential(*blocks, nn.Flatten(), nn.Dropout(0.2), nn.Linear(224 * 4, 256), nn.ReLU())
        self.sizes = (len(NOUNS), 4, len(ALL_STYLES), len(PLACES))
        self.heads = nn.Linear(256, sum(self.sizes))
        self.register_buffer("weight", torch.zeros(4, 192, 1, 1))
        self.register_buffer("bias", torch.zeros(4))

    def forward(self, latents: Tensor) -> tuple[Tensor, ...]:
        """Scores of nouns, counts one to four, styles and scenes."""
        answers: Tensor = self.heads(self.body(latents))
        return answers.split(self.sizes, 1)

    @torch.no_grad()
    def verdicts(self, images: Sequence[Pixels], among: Sequence[str] = NOUNS) -> list[Verdict]:
        """What each picture uint8 [128, 128, 3] shows, if it is one of these nouns."""
        nouns, counts, styles, scenes = self.eval()(Codec(self.weight, self.bias).encode(images))
        others = torch.tensor([noun not in among for noun in NOUNS])
        nouns = nouns.masked_fill(others, -torch.inf)
        return [
            Verdict(
                tuple(NOUNS[index] for index in nouns[row].argsort(descending=True)[:4]),
                int(counts[row].argmax()) + 1,
                ALL_STYLES[int(styles[row].argmax())],
                PLACES[int(scenes[row].argmax())],
            )
            for row in range(len(images))
        ]


def answers(composer: Composer, codec: Codec, count: int) -> tuple[Tensor, ...]:
    """Latents of composed pictures, and the right nouns [count, nouns] 0 or 1, counts, styles, scenes."""
    parts = [some_answers(composer, codec, min(PART, count - start)) for start in range(0, count, PART)]
    return tuple(torch.cat(column) for column in zip(*parts, strict=True))


def some_answers(composer: Composer, codec: Codec, count: int) -> tuple[Tensor, ...]:
    """The answers of few pictures, all of which are in memory at once."""
    pictures = [composer.picture() for _ in range(count)]
    scenes = [picture.scene for picture in pictures]
    nouns = torch.zeros(count, len(NOUNS))
    for row, scene in enumerate(scenes):
        for thing in scene.things:
            nouns[row, NOUNS.index(thing.noun)] = 1
    return (
        codec.encode([picture.image for picture in pictures]),
        nouns,
        torch.tensor([max(scene.count, len(scene.things)) - 1 for scene in scenes]),
        torch.tensor([ALL_STYLES.index(scene.style) for scene in scenes]),
        torch.tensor(
            [PLACES.index(scene.background if scene.background in SCENES else "") for scene in scenes]
        ),
    )


def train(
    sprites: Sequence[Sprite],
    codec: Codec,
    state: Path,
    minutes: float,
    pool: int = 20_000,
    report: Callable[[str], None] = print,
) -> Judge:
    """Train for a number of minutes; reports its accuracy on pictures it never saw."""
    mix = Mix(pairs=0.2, counts=0.25, styles={"3d": 0.5, "flat": 0.25, STICKER: 0.25})
    data = answers(Composer(sprites, 70_001, mix), codec, pool)
    judge = Judge()
    judge.weight.copy_(codec.weight)
    judge.bias.copy_(codec.bias)

    def one_loss() -> Tensor:
        places = torch.randint(0, pool, (64,))
        latents, nouns, *others = (part[places] for part in data)
        latents = latents + 0.15 * torch.rand(64, 1, 1, 1) * torch.randn_like(latents)
        said, *rest = judge.train()(latents)
        total = 40 * binary_cross_entropy_with_logits(said, nouns)
        return total + sum(cross_entropy(found, right) for found, right in zip(rest, others, strict=True))

    run = Run(list(judge.parameters()), state, minutes, 2e-3, average=0.9)
    run.train(one_loss, report)
    report(f"judge: {accuracy(judge, sprites, codec)}")
    return judge


@torch.no_grad()
def accuracy(judge: Judge, sprites: Sequence[Sprite], codec: Codec) -> dict[str, float]:
    """How often the judge is right on fresh composed pictures, by question."""
    mix = Mix(pairs=0.0, counts=0.3, styles={"3d": 0.5, "flat": 0.25, STICKER: 0.25})
    latents, nouns, *others = answers(Composer(sprites, 80_001, mix), codec, 1000)
    said, *rest = judge.eval()(latents)
    found = {"object": float((said.argmax(1) == nouns.argmax(1)).float().mean())}
    for name, scores, right in zip(("count", "style", "scene"), rest, others, strict=True):
        found[name] = float((scores.argmax(1) == right).float().mean())
    return found


def save(judge: Judge, path: Path = PATH) -> None:
    """Write the judge, float16."""
    save_file({key: half(weight) for key, weight in judge.state_dict().items()}, path)


def read(path: Path = PATH) -> Judge:
    """The judge that made the figures in the model card."""
    judge = Judge()
    judge.load_state_dict({key: weight.float() for key, weight in load_file(path).items()})
    return judge.eval()
