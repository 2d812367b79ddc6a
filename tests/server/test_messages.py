import io
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.errors import Problem
from graph.events import NodeProgress, NodesReused, NodeStarted
from graph.node import Input, NodeSpec, Widget
from server import api, messages
from server.assets import Item
from server.hosting import happened

SPEC = NodeSpec("KSampler", inputs=(Input("steps", "INT", Widget("number", low=1, high=10_000), default=20),))
SAMPLES = (
    messages.Settings(
        ("models",), "in", "out", "temp", packs=("a", "b"), deadly={"c": "It ended the process."}
    ),
    messages.Execute("r", 2, "{}", ("a",)),
    messages.Stop("r"),
    messages.Prepare(1, "{}"),
    messages.Kept("r", "n", ({"kind": "text", "text": "é"},)),
    messages.Kept("r", "n", problem=Problem("disk_full", "The disk is full.")),
    messages.Watch(True),
    messages.Free(),
    messages.Importing("p"),
    messages.Ready(
        api.Catalog((SPEC,), (api.BrokenPack("p", "because"),)), api.Device("cpu", "x", 1, 2, "float32")
    ),
    messages.Unable("There is no device cuda here."),
    messages.Heartbeat(3, 0.5, True, api.Device("cpu", "x")),
    messages.Prepared(1, "{}", (Problem("a", "B."),)),
    messages.Began("r", 7),
    messages.Happened("r", {"kind": "node_started", "node": "a"}),
    messages.Show("r", "n", (Item({"kind": "image"}, "/tmp/x", "a", ".png", True),)),
    messages.Previewed(api.PreviewHeader("r", "n", 1, 2, "image/jpeg"), b"\xff\xd8"),
    messages.Ended("r", 1, "failed", (Problem("a", "B."),)),
)


@pytest.mark.parametrize("message", SAMPLES, ids=lambda message: message.kind)
def test_a_message_arrives_as_it_was_sent(message: Any) -> None:
    stream = io.BytesIO(messages.pack(message))
    assert messages.receive(stream.read) == message
    assert messages.receive(stream.read) is None


@pytest.mark.parametrize("event", [NodeStarted("a"), NodeProgress("a", 1, 2), NodesReused(("a", "b"))])
def test_an_event_arrives_as_it_happened(event: Any) -> None:
    assert messages.event(happened("r", event).event) == event


@given(st.binary(max_size=200))
def test_noise_is_refused_and_nothing_else_happens(noise: bytes) -> None:
    try:
        messages.unpack(noise)
    except messages.Broken as error:
        assert str(error).startswith("The message cannot be read")


def test_a_length_that_nobody_sends_is_refused() -> None:
    with pytest.raises(messages.Broken, match="nobody sends"):
        messages.size(b"\xff\xff\xff\xff")


def test_a_message_cut_short_is_the_end() -> None:
    stream = io.BytesIO(messages.pack(messages.Stop("r"))[:-1])
    assert messages.receive(stream.read) is None
