import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file

from diffusion.encode import encode
from diffusion.errors import BrokenFile, MissingFile, MissingPart, UnknownCheckpoint
from diffusion.library import is_inside
from tests import tiny


@pytest.fixture
def folder(tmp_path):
    """An own models folder, to change."""
    return tiny.models(tmp_path)


def test_a_checkpoint_is_a_model_a_text_encoder_and_a_vae(checkpoint):
    assert [value.socket for value in checkpoint] == ["MODEL", "CLIP", "VAE"]


def test_asking_twice_gives_the_same_values(library):
    assert library.checkpoint(tiny.CHECKPOINT) is library.checkpoint(tiny.CHECKPOINT)


def test_a_changed_file_is_loaded_again(folder):
    library = tiny.library(folder)
    before = library.checkpoint(tiny.CHECKPOINT)
    tiny.save_checkpoint(folder / "checkpoints" / tiny.CHECKPOINT, seed=9)
    assert library.checkpoint(tiny.CHECKPOINT) is not before


def test_the_networks_of_a_changed_file_leave_the_memory(folder):
    library = tiny.library(folder)
    with library.checkpoint(tiny.CHECKPOINT).model.network.resident():
        pass
    tiny.save_checkpoint(folder / "checkpoints" / tiny.CHECKPOINT, seed=9)
    library.checkpoint(tiny.CHECKPOINT)
    assert not library.memory.held


def test_an_inpainting_checkpoint_reads_nine_channels(library):
    assert library.checkpoint(tiny.INPAINTING).model.in_channels == 9


def test_a_missing_file_is_answered_with_the_nearest_name(library):
    with pytest.raises(MissingFile, match="Did you mean tiny.safetensors"):
        library.checkpoint("tinny.safetensors")


@pytest.mark.parametrize("name", ["../tiny.safetensors", "/etc/passwd", "a/../../b", "", "\0", "..\\x"])
def test_a_name_never_leaves_its_folder(library, name):
    with pytest.raises(MissingFile):
        library.checkpoint(name)


@settings(deadline=None)
@given(st.text())
def test_a_name_with_a_step_up_is_never_inside(name):
    assert not is_inside(f"{name}/../x")


def test_files_in_folders_below_are_found_with_either_slash(folder):
    (folder / "loras" / "styles").mkdir()
    tiny.save_lora(folder / "loras" / "styles" / "a.safetensors")
    library = tiny.library(folder)
    assert library.lora("styles\\a.safetensors") is library.lora("styles/a.safetensors")


def test_names_are_those_of_all_files_below(library):
    assert library.names("checkpoints") == [tiny.CHECKPOINT, tiny.INPAINTING]


def test_an_unknown_file_is_refused_with_each_family_s_reason(folder):
    save_file({"a": torch.zeros(1)}, folder / "checkpoints" / "odd.safetensors")
    with pytest.raises(UnknownCheckpoint, match="not Stable Diffusion 1 or .*, because it has no U-Net"):
        tiny.library(folder).checkpoint("odd.safetensors")


def test_a_pickled_checkpoint_is_refused_whatever_it_is_called(folder):
    torch.save({"a": torch.zeros(1)}, folder / "checkpoints" / "odd.safetensors")
    with pytest.raises(BrokenFile, match="pickled"):
        tiny.library(folder).checkpoint("odd.safetensors")


@pytest.mark.parametrize(("part", "index", "title"), [("text", 1, "text encoder"), ("vae", 2, "VAE")])
def test_a_part_that_is_not_in_the_file_is_missed_when_it_is_used(folder, part, index, title):
    kept = tuple({"network", "text", "vae"} - {part})
    tiny.save_checkpoint(folder / "checkpoints" / "half.safetensors", parts=kept)
    value = tiny.library(folder).checkpoint("half.safetensors")[index]
    network = value.towers[0].network if part == "text" else value.network
    with pytest.raises(MissingPart, match=f"no {title} inside"), network.resident():
        raise AssertionError


def test_a_controlnet_of_either_layout_is_the_same(folder):
    tiny.save_controlnet(folder / "controlnet" / "other.safetensors", layout="library")
    library = tiny.library(folder)
    nets = [library.controlnet(name).network for name in (tiny.CONTROLNET, "other.safetensors")]
    with nets[0].resident() as one, nets[1].resident() as other:
        assert all(torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True))


def test_a_file_that_is_no_controlnet_is_refused(folder):
    tiny.save_lora(folder / "controlnet" / "odd.safetensors")
    with pytest.raises(UnknownCheckpoint, match="not a ControlNet") as refused:
        tiny.library(folder).controlnet("odd.safetensors")
    known = "Stable Diffusion 1, Stable Diffusion 2, SDXL refiner, SDXL"
    assert refused.value.hint == f"Known are ControlNets for {known}."


@pytest.mark.parametrize("name", ["shiny", "shiny.safetensors"])
def test_an_embedding_is_found_with_or_without_its_ending(library, name):
    assert torch.equal(library.embedding(name), torch.ones(2, tiny.WIDTH))


def test_an_embedding_is_found_in_folders_below(folder):
    (folder / "embeddings" / "more").mkdir()
    save_file({"clip_l": torch.zeros(3, 8)}, folder / "embeddings" / "more" / "deep.safetensors")
    assert tiny.library(folder).embedding("deep").shape == (3, 8)


@pytest.mark.parametrize("name", ["dull", "", "../checkpoints/tiny"])
def test_what_is_no_embedding_is_not_found(library, name):
    assert library.embedding(name) is None


@pytest.fixture(scope="session")
def parts_folder(tmp_path_factory):
    """A models folder with each network of SDXL in a file of its own. Read only."""
    return tiny.save_parts(tmp_path_factory.mktemp("parts"))


@pytest.fixture
def parts_library(parts_folder):
    return tiny.library(parts_folder)


@pytest.mark.parametrize("names", [("clip_l", "clip_g"), ("clip_g", "clip_l"), ("open_clip_g", "clip_l")])
def test_text_encoders_from_two_files_are_those_of_the_checkpoint(parts_library, family_library, names):
    apart = parts_library.text_encoder([f"{name}.safetensors" for name in names])
    whole = family_library.checkpoint(tiny.SDXL).text_encoder
    one, other = (encode(encoder, "a (red:1.2) fox").entries[0] for encoder in (apart, whole))
    assert torch.equal(one.tokens, other.tokens) and torch.equal(one.pooled, other.pooled)


@pytest.mark.parametrize(("name", "family"), [("clip_l", "sd15"), ("clip_g", "sdxl_refiner")])
def test_a_text_encoder_alone_is_read_by_the_family_that_has_only_it(parts_library, name, family):
    assert parts_library.text_encoder([f"{name}.safetensors"]).family == family


def test_the_same_text_encoder_twice_is_refused(parts_library):
    with pytest.raises(
        UnknownCheckpoint, match="clip_l.safetensors is clip_l and clip_l.safetensors is clip_l"
    ):
        parts_library.text_encoder(["clip_l.safetensors"] * 2)


def test_a_file_that_is_no_text_encoder_is_refused(parts_folder, tmp_path):
    (tmp_path / "text_encoders").mkdir()
    (tmp_path / "text_encoders" / "odd.safetensors").write_bytes(
        (parts_folder / "vae" / "library.safetensors").read_bytes()
    )
    with pytest.raises(UnknownCheckpoint, match="not a text encoder"):
        tiny.library(tmp_path).text_encoder(["odd.safetensors"])


def test_a_text_encoder_may_compute_on_the_processor(parts_library):
    encoder = parts_library.text_encoder(["clip_l.safetensors"], on_processor=True)
    assert encoder.towers[0].network.memory.device.type == "cpu"


@pytest.mark.parametrize("name", ["original", "library"])
def test_a_vae_alone_in_a_file_is_that_of_the_checkpoint(parts_library, family_library, name):
    networks = [
        parts_library.vae(f"{name}.safetensors").network,
        family_library.checkpoint(tiny.SDXL).vae.network,
    ]
    with networks[0].resident() as one, networks[1].resident() as other:
        assert all(torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True))


def test_a_vae_of_an_older_library_calls_its_attention_otherwise(folder):
    older = {".to_q.": ".query.", ".to_k.": ".key.", ".to_v.": ".value.", ".to_out.0.": ".proj_attn."}
    tensors = {}
    for name, tensor in tiny.vae().state_dict().items():
        for ours, theirs in older.items():
            name = name.replace(ours, theirs)
        tensors[name] = tensor
    (folder / "vae").mkdir()
    tiny.saved(folder / "vae" / "older.safetensors", tensors)
    library = tiny.library(folder)
    networks = library.vae("older.safetensors").network, library.checkpoint(tiny.CHECKPOINT).vae.network
    with networks[0].resident() as one, networks[1].resident() as other:
        assert all(torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True))


@pytest.mark.parametrize("name", ["original", "library"])
def test_a_diffusion_model_alone_in_a_file_is_that_of_the_checkpoint(parts_library, family_library, name):
    models = [
        parts_library.diffusion_model(f"{name}.safetensors"),
        family_library.checkpoint(tiny.SDXL).model,
    ]
    assert [model.family.name for model in models] == ["sdxl", "sdxl"]
    with models[0].network.resident() as one, models[1].network.resident() as other:
        ours, theirs = one.state_dict(), other.state_dict()
    assert ours.keys() == theirs.keys() and all(torch.equal(ours[key], theirs[key]) for key in ours)


def test_the_weights_of_a_diffusion_model_may_be_rounded(parts_library):
    name = "original.safetensors"
    plain, rounded = (parts_library.diffusion_model(name, kind) for kind in (None, torch.float8_e4m3fn))
    with plain.network.resident() as one, rounded.network.resident() as other:
        exact, coarse = (module.get_parameter("conv_in.weight") for module in (one, other))
    assert torch.equal(coarse, exact.to(torch.float8_e4m3fn).float()) and not torch.equal(coarse, exact)


def test_a_file_that_is_no_vae_is_refused(parts_folder, tmp_path):
    (tmp_path / "vae").mkdir()
    (tmp_path / "vae" / "odd.safetensors").write_bytes(
        (parts_folder / "text_encoders" / "clip_l.safetensors").read_bytes()
    )
    with pytest.raises(UnknownCheckpoint, match="not a VAE"):
        tiny.library(tmp_path).vae("odd.safetensors")


def test_an_embedding_has_vectors_for_each_text_encoder(folder):
    tensors = {"clip_l": torch.zeros(1, 8), "clip_g": torch.ones(1, 12)}
    save_file(tensors, folder / "embeddings" / "both.safetensors")
    library = tiny.library(folder)
    assert [library.embedding("both", name).shape[1] for name in ("clip_l", "clip_g")] == [8, 12]


def test_an_embedding_inside_a_lora_bundle_is_found_for_its_text_encoder(folder):
    tensors = {"bundle_emb.one.clip_l": torch.zeros(2, 8), "bundle_emb.one.clip_g": torch.ones(1, 12)}
    save_file(tensors, folder / "embeddings" / "bundle.safetensors")
    library = tiny.library(folder)
    shapes = [library.embedding("bundle", name) for name in ("clip_l", "clip_g", "clip_h")]
    assert [None if each is None else tuple(each.shape) for each in shapes] == [(2, 8), (1, 12), None]


@pytest.mark.parametrize("channels", [8, 9])
def test_a_checkpoint_says_by_its_first_convolution_what_it_sees_beside_the_state(folder, channels):
    tiny.save_checkpoint(folder / "checkpoints" / "some.safetensors", in_channels=channels)
    model = tiny.library(folder).checkpoint("some.safetensors").model
    assert (model.family.name, model.in_channels) == ("sd15", channels)
