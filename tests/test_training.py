"""The training of the bundled models: its pictures, its words, its files, and that all of it runs."""

import struct
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file
from torch import nn

from tools.bundled_models import asked, networks, packages, score, synonyms, upscaler, words
from tools.bundled_models.colours import BACKGROUNDS, HUES, main_hue, needed_turn, turned
from tools.bundled_models.compose import Composer, Mix, held_out, plural, with_article
from tools.bundled_models.packages import Package
from tools.bundled_models.pipeline import FILES, Pipeline
from tools.bundled_models.scenes import SCENES
from tools.bundled_models.shards import principal_codec
from tools.bundled_models.sprites import SIDE, STICKER, STYLES, Sprite, objects
from tools.bundled_models.train_lora import sticker
from tools.bundled_models.training import Run

ROOT = Path(__file__).resolve().parent.parent
pytestmark = pytest.mark.slow
BUNDLED = ROOT / "models/checkpoints/photogram.safetensors"


def disc(noun: str, style: str = "3d", radius: float = 50) -> Sprite:
    """A drawing of the simplest kind, reddish."""
    y, x = np.mgrid[0:SIDE, 0:SIDE] - SIDE / 2
    rgba = np.zeros((SIDE, SIDE, 4), np.uint8)
    rgba[np.hypot(x, y) < radius] = (200, 60, 40, 255)
    return Sprite(noun, style, rgba)


@pytest.fixture(scope="module")
def composer() -> Composer:
    return Composer([disc(noun, style) for noun in objects().values() for style in STYLES], 1)


def test_there_are_two_hundred_objects_and_no_noun_twice():
    assert len(objects()) >= 200
    assert len(set(objects().values())) == len(objects())


def test_what_is_held_out_is_in_no_caption(composer):
    for _ in range(600):
        scene = composer.picture().scene
        for thing in scene.things:
            if scene.background in (*BACKGROUNDS, *SCENES):
                assert not held_out(scene.background, thing.noun)
            assert not (thing.colour and held_out(thing.colour, thing.noun))
        if len(scene.things) == 2:
            assert not held_out(*sorted(thing.noun for thing in scene.things))


def test_every_word_of_every_caption_is_trained(composer):
    captions = [composer.picture().scene.caption for _ in range(600)]
    assert words.compact(words.padded(captions)).shape == (600, 77)


def test_a_caption_names_the_colour_behind_the_object(composer):
    seen = 0
    while seen < 60:
        picture = composer.picture()
        if picture.scene.background in BACKGROUNDS and not picture.mask[:10, :10].any():
            corner = picture.image[:10, :10].reshape(-1, 3).mean(0)
            assert np.abs(corner - BACKGROUNDS[picture.scene.background]).max() < 20
            assert picture.scene.background in picture.scene.caption
            seen += 1


def test_a_caption_can_be_silent_about_places_and_sizes():
    drawings = [disc(noun, radius=54) for noun in list(objects().values())[:20]]
    composer = Composer(drawings, 5, Mix(pairs=0, counts=0, anywhere=True))
    pictures = [composer.picture() for _ in range(40)]
    assert not [one for one in pictures if {"small", "big", "left", "right"} & set(one.scene.caption.split())]
    covered = [float((one.mask > 127).mean()) for one in pictures]
    assert min(covered) < 0.2 < 0.4 < max(covered)


def test_the_same_seed_composes_the_same_pictures():
    drawings = [disc(noun) for noun in list(objects().values())[:20]]
    one, other = (Composer(drawings, 7) for _ in range(2))
    for _ in range(5):
        a, b = one.picture(), other.picture()
        assert a.scene == b.scene
        assert np.array_equal(a.image, b.image)


def test_a_number_in_the_caption_is_the_number_of_objects():
    drawings = [disc(noun, radius=40) for noun in list(objects().values())[:20]]
    composer = Composer(drawings, 3, Mix(pairs=0, counts=1, coloured=0))
    for _ in range(10):
        picture = composer.picture()
        halves = picture.mask[:, 64] > 127  # two and four leave the middle column free, three does not
        assert ("three" in picture.scene.caption) == bool(halves.any())


@given(st.floats(0, 359), st.sampled_from(sorted(HUES)))
def test_turning_a_colour_reaches_the_hue_that_was_asked_for(hue, name):
    pixels = turned(np.full((10, 3), (0.7, 0.35, 0.35), np.float32), hue)
    found = main_hue(pixels, least=0.1)
    assert found is not None
    again = main_hue(turned(pixels, needed_turn(found, HUES[name])), least=0.1)
    assert again is not None
    assert abs((again - HUES[name] + 180) % 360 - 180) < 12


@pytest.mark.parametrize(
    ("noun", "several"),
    [
        ("cat", "cats"),
        ("cup of coffee", "cups of coffee"),
        ("box", "boxes"),
        ("glasses", "glasses"),
        ("bus", "buses"),
        ("key", "keys"),
    ],
)
def test_several_of_a_thing_are_called(noun, several):
    assert plural(noun) == several


def test_the_article_fits_the_word():
    assert with_article("apple on the left") == "an apple on the left"
    assert with_article("glasses on the left") == "glasses on the left"
    assert with_article("bus") == "a bus"
    assert with_article("unicorn") == "a unicorn"
    assert with_article("umbrella") == "an umbrella"


def test_every_prompt_of_a_score_is_held_out():
    nouns = list(objects().values())
    for one in asked.objects(nouns, 80):
        assert held_out(one.background, one.nouns[0])
    assert len(asked.objects(nouns, 80)) > 40
    assert all(held_out(*sorted(one.nouns)) for one in asked.pairs(nouns, 40))
    assert all(held_out(one.colour, one.nouns[0]) for one in asked.colours(nouns, 40))


def test_a_measured_background_is_the_one_painted(composer):
    for name in BACKGROUNDS:
        picture = np.tile(np.array(BACKGROUNDS[name], np.uint8), (128, 128, 1))
        assert score.nearest_background(picture) == name


def test_a_measured_colour_is_the_one_drawn():
    for name, hue in HUES.items():
        picture = np.full((128, 128, 3), 250, np.uint8)
        red = np.full((1, 3), (0.8, 0.2, 0.2), np.float32)
        picture[40:90, 40:90] = turned(red, needed_turn(0, hue))[0] * 255
        assert score.nearest_hue(picture) == name


def test_a_sticker_has_a_white_border():
    cut = sticker(disc("cat", STICKER)).rgba
    solid = cut[..., 3] > 250
    assert (cut[solid][:, :3] > 250).all(1).any()
    assert (cut[SIDE // 2, SIDE // 2, :3] == (200, 60, 40)).all()


def test_the_codec_keeps_four_numbers_of_unit_variance_for_each_cell(composer):
    images = [composer.picture().image for _ in range(40)]
    latents = principal_codec(images).encode(images)
    assert latents.shape == (40, 4, 16, 16)
    assert torch.allclose(latents.std((0, 2, 3)), torch.ones(4), atol=0.01)


def test_each_synonym_is_one_token_and_means_a_trained_word():
    trained = set(words.trained().tolist())
    for word, target in synonyms.synonyms():
        assert len(words.ids(word)) == len(words.ids(target)) == 1, word
        assert words.ids(target)[0] in trained, target


def test_words_near_a_trained_one_get_its_meaning_and_trained_ones_keep_theirs():
    text = networks.read(BUNDLED).text
    table = text.get_input_embeddings().weight
    cat, teal = (table[words.ids(word)[0]].clone() for word in ("cat", "teal"))
    synonyms.give_meaning(text)
    assert torch.equal(table[words.ids("cat")[0]], cat)
    assert torch.equal(table[words.ids("teal")[0]], teal)
    for word, target in (("kitten", "cat"), ("ocean", "sea"), ("huge", "big"), ("crimson", "red")):
        assert torch.equal(table[words.ids(word)[0]], table[words.ids(target)[0]]), word


def test_a_checkpoint_is_written_as_it_was_read(tmp_path):
    networks.save(networks.read(BUNDLED), tmp_path / "again.safetensors")
    before, after = load_file(BUNDLED), load_file(tmp_path / "again.safetensors")
    assert before.keys() == after.keys()
    assert all(torch.equal(before[key], after[key]) for key in before)


def test_a_stopped_run_goes_on_where_it_was(tmp_path):
    target = torch.tensor([1.0, -2.0])

    def run(minutes: float) -> tuple[Run, nn.Parameter]:
        weight = nn.Parameter(torch.zeros(2))
        made = Run([weight], tmp_path / "state", minutes, 0.01)
        made.train(lambda: (weight - target).pow(2).sum(), lambda line: None)
        return made, weight

    first, weight = run(0.002)
    second, resumed = run(0.004)
    assert second.step > first.step
    assert (resumed - target).abs().sum() < (weight - target).abs().sum()


def test_a_package_with_another_hash_is_refused(tmp_path):
    archive = tmp_path / "drawings.tgz"
    archive.write_bytes(b"something else")
    package = Package("drawings", "npm", "1.0.0", packages.PACKAGES[0].integrity, "MIT", "")
    with pytest.raises(ValueError, match="not the pinned"):
        packages.require_pinned(archive, package)


def test_weights_in_ncnns_format_are_read_to_the_last_byte():
    weight, bias, slope = np.arange(27, dtype=np.float16), np.float32([7]), np.float32([0.5])
    half = struct.pack("<I", upscaler.HALF) + weight.tobytes() + b"\0\0"
    param = "7767517\n2 2\nConvolution a 1 1 x y 0=1 1=3 5=1 6=27\nPReLU b 1 1 y z 0=1\n"
    data = half + bias.tobytes() + slope.tobytes()
    found = upscaler.compact_weights(param, data)
    assert found["body.0.weight"].flatten().tolist() == weight.tolist()
    assert found["body.0.bias"].tolist() == [7]
    assert found["body.1.weight"].tolist() == [0.5]
    with pytest.raises(ValueError, match="belong to no layer"):
        upscaler.compact_weights(param, data + b"\0\0\0\0")


def test_a_rehearsal_makes_every_file(tmp_path):
    pipeline = Pipeline(tmp_path, BUNDLED, 0.1, rehearse=True, threads=1)
    nouns = list(objects().values())
    pipeline.drawings = [disc(noun, style) for noun in nouns[:30] for style in STYLES]
    pipeline.stickers_drawn = [sticker(disc(noun, STICKER)) for noun in nouns[:30]]
    pipeline.run([stage for stage in Pipeline.STAGES if stage != "upscaler"])
    made = {path.relative_to(pipeline.made).as_posix() for path in pipeline.made.rglob("*.safetensors")}
    assert made == {"checkpoints/photogram.safetensors", *FILES.values()} - {FILES["upscaler"]}
    assert pipeline.target("judge").is_file()
