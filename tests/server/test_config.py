"""Settings come from four places, the later ones win, and what is dangerous is refused."""

from dataclasses import fields
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.config import Config, ConfigError, Loaded, is_loopback, load


def loaded(tmp_path: Path, file: str = "", environ: dict[str, str] | None = None, **flags: object) -> Loaded:
    (tmp_path / "config.toml").write_text(file)
    return load({"data": str(tmp_path)} | flags, environ or {})


def test_defaults_hold_where_nothing_is_said(tmp_path: Path) -> None:
    found = loaded(tmp_path)
    assert (found.config.port, found.config.listen, found.origins["port"]) == (8188, "127.0.0.1", "default")


def test_the_file_wins_over_the_defaults(tmp_path: Path) -> None:
    found = loaded(tmp_path, "port = 1")
    assert (found.config.port, found.origins["port"]) == (1, str(tmp_path / "config.toml"))


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    found = loaded(tmp_path, "port = 1", {"PHOTOGRAM_PORT": "2"})
    assert (found.config.port, found.origins["port"]) == (2, "PHOTOGRAM_PORT")


def test_flags_win_over_the_environment(tmp_path: Path) -> None:
    found = loaded(tmp_path, "port = 1", {"PHOTOGRAM_PORT": "2"}, port="3")
    assert (found.config.port, found.origins["port"]) == (3, "--port")


def test_another_file_can_be_named(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text("threads = 4")
    assert load({"config": str(tmp_path / "mine.toml")}, {}).config.threads == 4


def test_lists_are_written_as_lists_paths_or_repeated_flags(tmp_path: Path) -> None:
    both = (Path("/a"), Path("/b"))
    assert loaded(tmp_path, 'models = ["/a", "/b"]').config.models[:2] == both
    assert loaded(tmp_path, environ={"PHOTOGRAM_MODELS": "/a:/b"}).config.models[:2] == both
    assert loaded(tmp_path, models=["/a", "/b"]).config.models[:2] == both


def test_the_bundled_models_stay_when_other_folders_are_named_and_come_last(tmp_path: Path) -> None:
    bundled = loaded(tmp_path).config.models
    assert loaded(tmp_path, models=["/a"]).config.models == (Path("/a"), *bundled)
    assert loaded(tmp_path, models=[str(*bundled), "/a"]).config.models == (*bundled, Path("/a"))


def test_an_unknown_setting_is_refused_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        loaded(tmp_path, "prot = 1")
    assert caught.value.hint == "Did you mean 'port'?"


@pytest.mark.parametrize(
    "flags",
    [
        {"port": "x"}, {"port": "-1"}, {"port": "70000"}, {"precision": "float8"}, {"cache_bytes": "1e9"},
        {"run_timeout_minutes": "nan"}, {"listen": "a\r\nb"}, {"input": ""}, {"input": "a\0b"},
    ],
)  # fmt: skip
def test_a_wrong_value_is_refused(tmp_path: Path, flags: dict[str, object]) -> None:
    with pytest.raises(ConfigError):
        loaded(tmp_path, **flags)


@pytest.mark.parametrize(
    "file", ["port = ", "port = true", 'log_json = "maybe"', "models = 5", "hosts = [1]"]
)
def test_a_broken_file_is_refused(tmp_path: Path, file: str) -> None:
    with pytest.raises(ConfigError):
        loaded(tmp_path, file)


def test_a_missing_file_is_an_error_only_if_it_was_named(tmp_path: Path) -> None:
    assert load({"data": str(tmp_path / "new")}, {}).config.port == 8188
    with pytest.raises(ConfigError, match="is not there"):
        load({"config": str(tmp_path / "none.toml")}, {})


@pytest.mark.parametrize("listen", ["0.0.0.0", "::", "192.168.1.5", "studio.local"])
def test_nobody_else_on_the_network_is_let_in(tmp_path: Path, listen: str) -> None:
    with pytest.raises(ConfigError, match="no sign-in") as caught:
        loaded(tmp_path, listen=listen)
    assert "ssh -L" in caught.value.hint


@pytest.mark.parametrize("listen", ["127.0.0.1", "127.9.9.9", "::1", "localhost"])
def test_this_machine_is_always_let_in(listen: str) -> None:
    assert is_loopback(listen)


def test_code_and_data_may_not_lie_where_uploads_go(tmp_path: Path) -> None:
    for flags in ({"custom_nodes": tmp_path / "in" / "nodes"}, {"data": tmp_path / "in" / "data"}):
        with pytest.raises(ConfigError, match="lies inside"):
            load({"input": tmp_path / "in", "data": tmp_path} | flags, {})


def test_there_are_few_settings_and_each_is_explained() -> None:
    assert len(fields(Config)) < 25
    assert all(each.metadata["about"] for each in fields(Config))


@given(st.integers(0, 65535), st.sampled_from(["auto", "float32", "bfloat16", "float16"]))
def test_a_setting_means_the_same_in_the_environment_and_as_a_flag(port: int, precision: str) -> None:
    environ = {"PHOTOGRAM_PORT": str(port), "PHOTOGRAM_PRECISION": precision}
    flags = {"port": str(port), "precision": precision}
    assert load({}, environ).config == load(flags, {}).config


@pytest.mark.parametrize(("listen", "host"), [("127.0.0.1", "127.0.0.1"), ("::1", "[::1]")])
def test_an_address_of_the_newer_internet_stands_in_brackets_in_a_url(listen: str, host: str) -> None:
    assert Config(listen=listen).host == host
