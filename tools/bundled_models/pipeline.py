"""The stages of training, one after another, each resumable, with their share of the time."""

import json
import shutil
from collections.abc import Callable, Collection, Sequence
from functools import cached_property, partial
from pathlib import Path

import torch

from tools.bundled_models import (
    judge,
    networks,
    shards,
    synonyms,
    train_base,
    train_controlnet,
    train_decoder,
    train_embedding,
    train_lora,
    train_preview,
    train_turbo,
    upscaler,
)
from tools.bundled_models.compose import Composer, Mix
from tools.bundled_models.networks import Base
from tools.bundled_models.shards import Codec, Shard, Stream
from tools.bundled_models.sprites import STICKER, STYLES, Sprite, objects, sprites

BASE = "checkpoints/photogram.safetensors"
FILES = {
    "edges": "controlnet/photogram_edges.safetensors",
    "mask": "controlnet/photogram_mask.safetensors",
    "stickers": "loras/photogram_stickers.safetensors",
    "embedding": "embeddings/photogram_magenta.safetensors",
    "preview": "vae_approx/photogram_taesd_decoder.safetensors",
    "turbo": "loras/photogram_turbo.safetensors",
    "upscaler": "upscale_models/photogram_realesr_x4.safetensors",
}
UNNAMED, UNNAMED_COLOUR, ALMOST = "magenta", (214, 30, 140), "pink purple"
"""What the embedding stands for: a background colour that has no word, sRGB; the words that it begins as."""
ATTRIBUTION = {
    "license": "CC-BY-4.0",
    "attribution": "Trained on Twemoji, copyright Twitter, Inc and other contributors, CC-BY 4.0",
}


class Pipeline:
    """The whole of the training, in one folder."""

    STAGES = (
        "base", "decoder", "edges", "mask", "stickers", "embedding", "preview", "upscaler", "judge", "turbo",
    )  # fmt: skip
    SHARES = (0.46, 0.10, 0.12, 0.06, 0.05, 0.02, 0.05, 0.0, 0.06, 0.08)
    """Of the time. The judge is the network that score.py asks."""

    def __init__(self, work: Path, start: Path | None, minutes: float, rehearse: bool, threads: int) -> None:
        """`start`: a checkpoint to go on from. `rehearse`: a few pictures instead of thousands."""
        self.work, self.start = work, start
        self.minutes = dict(zip(self.STAGES, (share * minutes for share in self.SHARES), strict=True))
        self.pictures = 48 if rehearse else 20_000
        self.made = work / "made"
        torch.set_num_threads(threads)
        torch.manual_seed(0)

    def run(self, stages: Collection[str]) -> None:
        """Run some stages in their order. A stage whose file exists is done already."""
        for stage in self.STAGES:
            if stage in stages and not self.target(stage).exists():
                print(f"{stage}: {self.minutes[stage]:.1f} minutes", flush=True)
                getattr(self, stage)()

    def target(self, stage: str) -> Path:
        """The file that a stage makes."""
        if stage in ("base", "decoder", "judge"):
            return self.work / f"{stage}.safetensors"
        return self.made / FILES[stage]

    def install(self, models: Path) -> None:
        """Copy what was made over the bundled models, and the judge beside score.py."""
        for path in self.made.rglob("*.safetensors"):
            target = models / path.relative_to(self.made)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
        if self.target("judge").exists():
            shutil.copyfile(self.target("judge"), judge.PATH)

    # What stages share

    @cached_property
    def drawings(self) -> list[Sprite]:
        """The drawings of the base, in all its styles."""
        return [sprite for style in STYLES for sprite in sprites(self.work / "packages", style)]

    @cached_property
    def stickers_drawn(self) -> list[Sprite]:
        """The drawings of the LoRA."""
        return [train_lora.sticker(sprite) for sprite in sprites(self.work / "packages", STICKER)]

    @cached_property
    def codec(self) -> Codec:
        """The encoder as a linear map; without a checkpoint to start from, what the encoder is taught."""
        path = self.work / "codec.pt"
        if not path.exists():
            composer = Composer(self.drawings, 1)
            images = [composer.picture().image for _ in range(min(self.pictures, 300))]
            start = networks.read(self.start) if self.start else None
            codec = shards.fitted_codec(start, images) if start else shards.principal_codec(images)
            torch.save((codec.weight, codec.bias), path)
        return Codec(*torch.load(path))

    def stream(
        self, stage: str, drawings: Sequence[Sprite], mix: Mix, with_images: bool = False, first: int = 0
    ) -> Stream:
        """Pictures for a stage; each stage has its own seeds."""
        count = self.pictures // 8 if with_images else self.pictures
        seed = 1000 * (1 + self.STAGES.index(stage)) + 100_000
        compose = partial(composed_shard, drawings, self.codec, count, seed, mix, with_images)
        return Stream(compose, self.work / "shards", first)

    def state(self, stage: str) -> Path:
        """Where a stage keeps what it needs to go on."""
        return self.work / f"{stage}.state"

    @property
    def report(self) -> Callable[[str], None]:
        """Prints at once, also into a file."""
        return partial(print, flush=True)

    def trained(self) -> Base:
        """The base as far as it is made."""
        latest = [self.made / BASE, self.target("decoder"), self.target("base"), self.start]
        base = networks.read(next(path for path in latest if path and path.exists()))
        for network in (base.unet, base.text, base.vae):
            network.eval()
        return base

    # The stages

    def base(self) -> None:
        """The U-Net and the text encoder; without a checkpoint to start from, the encoder too."""
        base = networks.read(self.start) if self.start else networks.untrained()
        stream = self.stream("base", self.drawings, Mix())
        train_base.train(base, stream, self.state("base"), self.minutes["base"], report=self.report)
        stream.close()
        networks.save(base, self.target("base"))

    def decoder(self) -> None:
        """The VAE's decoder, and the encoder where it is new; then the checkpoint is whole."""
        base = self.trained()
        stream = self.stream("decoder", self.drawings, Mix(), with_images=True)
        train_decoder.train(
            base,
            stream,
            self.state("decoder"),
            self.minutes["decoder"],
            report=self.report,
            has_new_encoder=self.start is None,
        )
        stream.close()
        networks.save(base, self.target("decoder"))
        synonyms.give_meaning(base.text)
        about = {
            "preview.latent_rgb": train_preview.cell_colours(self.codec, stream.shard.images),
            "photogram.objects": json.dumps(list(objects().values())),
        }
        networks.save(base, self.made / BASE, about)

    def edges(self) -> None:
        """The ControlNet for edges."""
        self._control("edges")

    def mask(self) -> None:
        """The ControlNet for the place of objects."""
        self._control("mask")

    def _control(self, kind: train_controlnet.Hint) -> None:
        base = self.trained()
        control = train_controlnet.begun(base, self.start and self.start.parent.parent / FILES[kind])
        stream = self.stream(kind, self.drawings, Mix(anywhere=True), with_images=True)
        control = train_controlnet.train(
            base, kind, control, stream, self.state(kind), self.minutes[kind], report=self.report
        )
        stream.close()
        train_controlnet.save(control, self.target(kind), kind)

    def stickers(self) -> None:
        """The LoRA."""
        mix = Mix(styles={STICKER: 1.0})
        stream = self.stream("stickers", self.stickers_drawn, mix)
        added = train_lora.train(
            self.trained(), stream, self.state("stickers"), self.minutes["stickers"], report=self.report
        )
        stream.close()
        train_lora.save(added, self.target("stickers"), ATTRIBUTION)

    def turbo(self) -> None:
        """The LoRA for few steps."""
        stream = self.stream("turbo", self.drawings, Mix())
        added = train_turbo.train(
            self.trained(), stream, self.state("turbo"), self.minutes["turbo"], report=self.report
        )
        stream.close()
        train_lora.save(added, self.target("turbo"), {})

    def embedding(self) -> None:
        """The embedding, of a colour that no prompt can name."""
        mix = Mix(pairs=0.0, counts=0.0, styles={"3d": 1.0}, plain=1.0, backgrounds={UNNAMED: UNNAMED_COLOUR})
        composer = Composer(self.drawings, 200_001, mix)
        pictures = [composer.picture() for _ in range(min(self.pictures, 1000))]
        shard = Shard(
            self.codec.encode([picture.image for picture in pictures]).half(),
            train_embedding.place_captions([picture.scene.caption for picture in pictures], UNNAMED),
            torch.empty(0),
            torch.empty(0),
        )
        vectors = train_embedding.train(
            self.trained(),
            shard,
            ALMOST,
            self.state("embedding"),
            self.minutes["embedding"],
            report=self.report,
        )
        train_embedding.save(vectors, self.target("embedding"))

    def preview(self) -> None:
        """The decoder of previews."""
        stream = self.stream("preview", self.drawings, Mix(), with_images=True)
        network = train_preview.train(
            stream, self.state("preview"), self.minutes["preview"], report=self.report
        )
        stream.close()
        train_preview.save(network, self.target("preview"))

    def upscaler(self) -> None:
        """The upscaler, which is only converted."""
        upscaler.convert(self.work / "packages", self.target("upscaler"))

    def judge(self) -> None:
        """The network that scores are made with."""
        drawings = [*self.drawings, *self.stickers_drawn]
        made = judge.train(
            drawings,
            self.codec,
            self.state("judge"),
            self.minutes["judge"],
            3 * self.pictures,
            report=self.report,
        )
        judge.save(made, self.target("judge"))


def composed_shard(
    drawings: Sequence[Sprite], codec: Codec, count: int, seed: int, mix: Mix, with_images: bool, number: int
) -> Shard:
    """The shard of a number."""
    return shards.composed(drawings, codec, count, seed + number, mix, with_images)
