"""Lists of files are complete, quick and of known kinds only."""

from pathlib import Path

import pytest

from server.folders import Folders


def touch(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return path


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    made = {"output": tmp_path / "output"}
    return Folders((tmp_path / "one", tmp_path / "two"), tmp_path / "input", made)


def test_models_of_every_root_and_their_folders_are_listed_by_name(folders: Folders, tmp_path: Path) -> None:
    for name in ("one/loras/b.safetensors", "two/loras/sub/a.sft", "two/loras/B2.SAFETENSORS"):
        touch(tmp_path / name)
    assert folders.files("loras") == ("b.safetensors", "B2.SAFETENSORS", "sub/a.sft")


def test_pickled_files_keep_their_names(folders: Folders, tmp_path: Path) -> None:
    for name in ("a.ckpt", "b.pt", "c.pth", "d.bin"):
        touch(tmp_path / "one" / "checkpoints" / name)
    assert folders.files("checkpoints") == ("a.ckpt", "b.pt", "c.pth", "d.bin")


def test_other_kinds_of_files_are_not_listed(folders: Folders, tmp_path: Path) -> None:
    for name in ("a.zip", "b.txt", ".hidden.safetensors", ".git/c.safetensors"):
        touch(tmp_path / "one" / "vae" / name)
    assert folders.files("vae") == ()


def test_the_names_of_the_field_for_folders_are_known(folders: Folders, tmp_path: Path) -> None:
    touch(tmp_path / "one/unet/a.sft")
    touch(tmp_path / "one/diffusion_models/b.sft")
    assert folders.files("unet") == folders.files("diffusion_models") == ("a.sft", "b.sft")


def test_a_new_file_appears_and_a_removed_one_goes(folders: Folders, tmp_path: Path) -> None:
    assert folders.files("input") == ()
    path = touch(tmp_path / "input/sub/a.png")
    assert folders.files("input") == ("sub/a.png",)
    path.unlink()
    assert folders.files("input") == ()


def test_a_link_to_another_disk_is_followed_and_a_ring_of_links_ends(
    folders: Folders, tmp_path: Path
) -> None:
    touch(tmp_path / "disk/a.safetensors")
    (tmp_path / "one").mkdir()
    (tmp_path / "one/checkpoints").symlink_to(tmp_path / "disk")
    (tmp_path / "disk/again").symlink_to(tmp_path / "disk")
    assert folders.files("checkpoints") == ("a.safetensors",)


def test_a_link_that_leads_to_itself_or_nowhere_is_passed_over(folders: Folders, tmp_path: Path) -> None:
    touch(tmp_path / "one/loras/a.safetensors")
    for name, target in (("loop.safetensors", "loop.safetensors"), ("gone.safetensors", "nowhere")):
        (tmp_path / "one/loras" / name).symlink_to(target)
    assert folders.files("loras") == ("a.safetensors",)


def test_an_unknown_kind_has_no_files(folders: Folders) -> None:
    assert folders.files("../../etc") == ()


def test_results_are_offered_with_where_they_are_the_last_by_name_first(
    folders: Folders, tmp_path: Path
) -> None:
    for name in ("a_1.png", "a_2.png", "sub/b.png", "c.latent"):
        touch(tmp_path / "output" / name)
    assert folders.files("output") == ("a_1.png", "a_2.png", "sub/b.png")
    assert folders.all()["output"] == ("a_2.png [output]", "a_1.png [output]")


def test_videos_lie_beside_the_pictures(folders: Folders, tmp_path: Path) -> None:
    for name in ("a.png", "b.mp4", "c.WEBM", "d.txt", "e.mkv"):
        touch(tmp_path / "input" / name)
    assert folders.files("videos") == ("b.mp4", "c.WEBM", "e.mkv")
    assert folders.files("input") == ("a.png",)


def test_latents_lie_beside_the_pictures(folders: Folders, tmp_path: Path) -> None:
    for name in ("a.png", "sub/b.latent"):
        touch(tmp_path / "input" / name)
    assert (folders.files("latents"), folders.files("input")) == (("sub/b.latent",), ("a.png",))


def test_a_model_that_is_a_folder_is_told_by_its_index(folders: Folders, tmp_path: Path) -> None:
    for name in ("a/model_index.json", "a/unet/b.safetensors", "c/unet/d.safetensors", "model_index.json"):
        touch(tmp_path / "one/diffusers" / name)
    assert folders.files("diffusers") == ("a",)


def test_a_taesd_is_offered_as_a_vae_where_both_its_files_are(folders: Folders, tmp_path: Path) -> None:
    touch(tmp_path / "one/vae/a.safetensors")
    for name in ("taesd_encoder.pth", "taesd_decoder.safetensors", "taesdxl_decoder.safetensors"):
        touch(tmp_path / "one/vae_approx" / name)
    assert folders.files("vae") == ("a.safetensors", "taesd")
    touch(tmp_path / "two/vae_approx/small/taesdxl_encoder.safetensors")
    assert folders.all()["vae"] == ("a.safetensors", "taesd", "taesdxl")
