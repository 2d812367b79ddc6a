import asyncio
import gc
import json
import time
import weakref

import msgspec
import pytest

from graph.errors import Interrupted, NodeFailed
from graph.events import NodeFinished, NodeProblem, NodeShown, NodesReused
from graph.execute import execute
from graph.node import Input, NodeSpec, Output, Result, Widget
from tests.graph.toy import Bench, Toy, chain, graph_of, toys, wired

DEEP = 10_000


def sum_of(a, b):
    return wired(
        a=("Number", {"value": a}),
        b=("Number", {"value": b}),
        c=("Add", {"a": ("a", "value"), "b": ("b", "value")}),
    )


async def test_a_node_gets_what_its_inputs_read(bench):
    assert await bench.value(sum_of(2, 3), "c") == 5


async def test_nodes_run_depth_first_in_the_order_of_the_plan(bench):
    graph = wired(
        b=("Number", {"value": 1}),
        a=("Number", {"value": 2}),
        d=("Add", {"b": ("b", "value"), "a": ("a", "value")}),
        e=("Add", {"b": ("a", "value"), "a": ("d", "sum")}),
    )
    run = bench.prepared(graph, ["e"])
    await execute(run)
    assert bench.ran == list(run.plan.order) == ["a", "b", "d", "e"]


async def test_a_shared_node_runs_once(bench):
    graph = wired(a=("Number", {"value": 4}), b=("Add", {"a": ("a", "value"), "b": ("a", "value")}))
    assert (await bench.value(graph, "b"), bench.ran) == (8, ["a", "b"])


async def test_a_second_run_reuses_everything_and_says_so_once(bench):
    graph = wired(a=("Number", {"value": 4}), say=("Say", {"text": ("a", "value")}))
    await bench.run(graph)
    await bench.run(graph)
    shown = ({"kind": "text", "text": "4"},)
    assert bench.events == [NodesReused(("a", "say")), NodeShown("say", shown)]


async def test_after_one_literal_changes_exactly_the_descendants_run_again(bench):
    await bench.run(sum_of(2, 3), "c")
    assert (await bench.value(sum_of(2, 9), "c"), bench.ran, bench.reused) == (11, ["b", "c"], ["a"])


async def test_a_node_that_is_never_to_be_reused_runs_again_with_all_that_follows(bench):
    graph = wired(a=("Number", {}), f=("Fresh", {"a": ("a", "value")}), c=("Add", {"a": ("f", "sum")}))
    await bench.run(graph, "c")
    await bench.run(graph, "c")
    assert bench.ran == ["f", "c"]


async def test_a_fingerprint_of_nan_is_never_known(bench):
    graph = wired(m=("Marked", {"a": 1}))
    await bench.run(graph, "m")
    await bench.run(graph, "m")
    assert bench.ran == ["m"]


async def test_a_file_whose_name_arrives_by_a_link_is_part_of_the_key():
    content = {"a.png": 1}
    picker = Input("name", "COMBO", Widget("file", folder="input"))
    read = Toy(
        NodeSpec("Read", (picker,), (Output("sum", "INT"),)),
        lambda host, name: Result((content[name],)),
        mark=lambda values: content[values["name"]],
    )
    bench = Bench({**toys(), "Read": read})
    graph = wired(
        text=("Same", {"text": "a.png"}),
        read=("Read", {"name": ("text", "any")}),
        c=("Add", {"a": ("read", "sum")}),
    )
    assert await bench.value(graph, "c") == 1
    assert (await bench.value(graph, "c"), bench.ran) == (1, [])
    content["a.png"] = 2
    assert (await bench.value(graph, "c"), bench.ran) == (2, ["read", "c"])


@pytest.mark.parametrize("kind", ["Switch", "SlowSwitch"])
async def test_a_lazy_input_that_is_not_asked_for_never_runs(bench, kind):
    graph = wired(
        yes=("Number", {"value": 1}),
        no=("Number", {"value": 2}),
        s=(kind, {"on": False, "yes": ("yes", "value"), "no": ("no", "value")}),
    )
    assert await bench.value(graph, "s") == 2
    assert "yes" not in bench.ran


@pytest.mark.parametrize(("kind", "again"), [("Switch", []), ("SlowSwitch", ["s"])])
async def test_editing_the_branch_not_taken_runs_nothing_that_follows_the_switch(bench, kind, again):
    def graph(other):
        return wired(
            yes=("Number", {"value": 1}),
            no=("Number", {"value": other}),
            s=(kind, {"on": True, "yes": ("yes", "value"), "no": ("no", "value")}),
            after=("Add", {"a": ("s", "any"), "b": 1}),
        )

    await bench.run(graph(5), "after")
    assert (await bench.value(graph(6), "after"), bench.ran) == (2, again)


async def test_an_output_that_is_an_input_keeps_its_key(bench):
    def graph(kind):
        return wired(
            n=("Number", {"value": 7}), x=(kind, {"text": ("n", "value")}), c=("Add", {"a": ("x", "any")})
        )

    direct = wired(n=("Number", {"value": 7}), c=("Add", {"a": ("n", "value")}))
    await bench.run(direct, "c")
    await bench.run(graph("Same"), "c")
    assert bench.ran == ["x"]


async def test_a_list_runs_what_follows_once_for_each_item(bench):
    graph = wired(each=("Each", {"count": 3}), add=("Add", {"a": ("each", "items"), "b": 10}))
    assert (await bench.run(graph, "add"))["add"] == ((10, 11, 12),)


async def test_a_shorter_list_repeats_its_last_item_and_a_warning_says_so(bench):
    graph = wired(
        long=("Each", {"count": 4}),
        short=("Each", {"count": 2}),
        add=("Add", {"a": ("long", "items"), "b": ("short", "items")}),
    )
    assert (await bench.run(graph, "add"))["add"] == ((0, 2, 3, 4),)
    assert [event.problem.code for event in bench.events if isinstance(event, NodeProblem)] == [
        "lengths_differ"
    ]


async def test_an_empty_list_fails_with_the_input_named(bench):
    graph = wired(each=("Each", {"count": 0}), add=("Add", {"a": ("each", "items")}))
    with pytest.raises(NodeFailed, match="arrived at 'a' is empty"):
        await bench.run(graph, "add")


async def test_an_input_that_takes_a_list_gets_it_whole(bench):
    graph = wired(each=("Each", {"count": 4}), total=("Total", {"items": ("each", "items"), "plus": 100}))
    assert await bench.value(graph, "total") == 106


async def test_a_lazily_fetched_list_asks_for_as_many_calls_as_it_is_long(bench):
    graph = wired(each=("Each", {"count": 3}), s=("SlowSwitch", {"on": True, "yes": ("each", "items")}))
    assert (await bench.run(graph, "s"))["s"] == ((0, 1, 2),)


async def test_a_blocker_passes_over_all_that_follows_and_is_reported_once(bench):
    graph = wired(
        b=("Block", {"message": "Nothing to do."}),
        c=("Add", {"a": ("b", "sum")}),
        d=("Add", {"a": ("c", "sum")}),
        say=("Say", {"text": ("d", "sum")}),
    )
    await bench.run(graph)
    problems = [
        (event.node, event.problem.message) for event in bench.events if isinstance(event, NodeProblem)
    ]
    assert (bench.ran, problems) == (["b"], [("c", "Nothing to do.")])


async def test_a_blocked_item_of_a_list_passes_over_only_its_own_call(bench):
    graph = wired(
        each=("Each", {"count": 4}),
        odd=("BlockOdd", {"a": ("each", "items")}),
        say=("SayPlain", {"text": ("odd", "sum")}),
    )
    await bench.run(graph)
    assert [text for _, text in bench.said] == [0, 2]


async def test_an_expansion_stands_in_for_its_node(bench):
    graph = wired(n=("Number", {"value": 5}), loop=("Loop", {"a": ("n", "value"), "times": 4}))
    assert (await bench.value(graph, "loop"), bench.ran) == (9, ["n", "loop"])


async def test_an_expanded_result_is_known_the_next_time(bench):
    graph = wired(loop=("Loop", {"a": 1, "times": 3}), c=("Add", {"a": ("loop", "value")}))
    await bench.run(graph, "c")
    assert (await bench.value(graph, "c"), bench.ran) == (4, [])


@pytest.mark.slow
async def test_a_deep_expansion_ends(bench):
    assert await bench.value(wired(loop=("Loop", {"a": 0, "times": 2_000})), "loop") == 2_000


@pytest.mark.slow
async def test_an_expansion_without_end_is_stopped(bench):
    with pytest.raises(NodeFailed, match="more than 10,000") as failed:
        await bench.run(wired(loop=("Loop", {"a": 0, "times": 1_000_000})), "loop")
    assert failed.value.node == "loop"


async def test_a_failure_names_its_node_and_keeps_what_was_computed(bench):
    graph = wired(
        n=("Number", {"value": 1}), f=("Fail", {"a": ("n", "value")}), say=("Say", {"text": ("f", "sum")})
    )
    with pytest.raises(NodeFailed) as failed:
        await bench.run(graph)
    assert (failed.value.node, str(failed.value.cause)) == ("f", "it is broken")
    with pytest.raises(NodeFailed):
        await bench.run(graph)
    assert (bench.ran, bench.reused) == (["f"], ["n"])


async def test_a_cancelled_run_stops_between_nodes(bench):
    graph = wired(a=("Say", {"text": 1}), b=("Say", {"text": 2}), c=("Say", {"text": 3}))
    bench.stop_after = 2
    with pytest.raises(Interrupted):
        await bench.run(graph)
    assert [node for node, _ in bench.said] == ["a", "b"]


@pytest.mark.slow
async def test_a_chain_of_10_000_nodes_runs(bench):
    assert await bench.value(chain(DEEP), f"n{DEEP - 1}") == DEEP - 1


async def test_a_chain_of_10_000_nodes_fails_in_one_sentence(bench):
    graph = chain(DEEP)
    graph.nodes["n0"] = type(graph.nodes["n0"])("Fail")
    links = (type(graph.links[0])("n0", "sum", "n1", "a"), *graph.links[1:])
    with pytest.raises(NodeFailed, match="Node n0 failed: it is broken"):
        await bench.run(type(graph)(graph.nodes, links), f"n{DEEP - 1}")


@pytest.mark.slow
async def test_a_chain_of_10_000_nodes_is_cancelled(bench):
    seen = iter(range(10 * DEEP))
    run = bench.prepared(chain(DEEP), [f"n{DEEP - 1}"])
    run.cancelled = lambda: next(seen) > 3 * DEEP // 2
    with pytest.raises(Interrupted):
        await execute(run)
    assert 0 < len(bench.ran) < DEEP


async def test_a_chain_of_3_000_async_nodes_runs(bench):
    assert await bench.value(chain(3_000, "SlowAdd"), "n2999") == 2_999


async def test_a_chain_of_3_000_async_nodes_is_cancelled(bench):
    bench.stop_after = 1_500
    with pytest.raises(Interrupted):
        await bench.run(chain(3_000, "SlowAdd"), "n2999")
    assert len(bench.said) == 1_500


async def test_a_failing_async_node_ends_the_others(bench):
    graph = wired(
        w=("Wait", {"a": 60}),
        f=("FailSoon", {}),
        x=("Say", {"text": ("w", "sum")}),
        y=("Say", {"text": ("f", "sum")}),
    )
    with pytest.raises(NodeFailed, match="Node f failed"):
        await bench.run(graph)
    assert bench.said == [("w", "begun"), ("w", "ended")]


async def test_a_run_that_waits_for_an_async_node_can_be_cancelled(bench):
    bench.stop_after = 1
    with pytest.raises(Interrupted):
        await bench.run(wired(w=("Wait", {"a": 60})), "w")
    assert bench.said == [("w", "begun"), ("w", "ended")]


async def test_async_nodes_that_read_nothing_else_start_before_all_others(bench):
    graph = wired(
        n=("Number", {}),
        s=("Say", {"text": ("n", "value")}),
        w=("SlowAdd", {}),
        x=("SlowAdd", {"a": ("w", "sum")}),
        y=("Say", {"text": ("x", "sum")}),
    )
    await bench.run(graph)
    assert (bench.ran[0], bench.said[0]) == ("w", ("w", "begun"))


async def test_the_calls_of_an_async_node_over_a_list_run_at_once(bench):
    graph = wired(each=("Each", {"count": 3}), w=("Wait", {"a": ("each", "items")}))
    bench.stop_after = 4
    with pytest.raises(Interrupted):
        await bench.run(graph, "w")
    assert [word for _, word in bench.said[:3]] == ["begun"] * 3


async def test_a_lazy_input_given_up_does_not_run(bench):
    graph = wired(n=("Number", {}), a=("Add", {"a": ("n", "value")}), i=("Impatient", {"yes": ("a", "sum")}))
    assert await bench.value(graph, "i") == "gave up"


async def test_a_node_that_asks_for_an_input_it_does_not_have_fails(bench):
    graph = wired(n=("Number", {}), s=("AskAmiss", {"yes": ("n", "value")}))
    with pytest.raises(NodeFailed, match="its input 'no', which is not connected"):
        await bench.run(graph, "s")


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("TooMany", "gave 2 values, but it has 1 outputs"),
        ("NoList", "promises a list"),
        ("Bare", "instead of a Result"),
    ],
)
async def test_a_node_that_breaks_its_promise_fails_by_name(bench, kind, message):
    with pytest.raises(NodeFailed, match=message) as failed:
        await bench.run(wired(x=(kind, {})), "x")
    assert failed.value.node == "x"


async def test_terminal_nodes_of_an_expansion_run_and_show_in_place_of_their_maker(bench):
    graph = wired(e=("Expand", {"how": "say", "a": 3}))
    await bench.run(graph, "e")
    assert (bench.said, bench.ran) == ([("e.0", 3)], ["e"])
    assert [event.node for event in bench.events if isinstance(event, NodeShown)] == ["e"]


async def test_what_an_expansion_showed_is_shown_again_when_it_is_reused(bench):
    graph = wired(e=("Expand", {"how": "say", "a": 3}))
    await bench.run(graph, "e")
    await bench.run(graph, "e")
    assert bench.events == [NodesReused(("e",)), NodeShown("e", ({"kind": "text", "text": "3"},))]


async def test_an_expanded_node_may_be_shown_elsewhere(bench):
    await bench.run(wired(e=("Expand", {"how": "say elsewhere"})), "e")
    assert [event.node for event in bench.events if isinstance(event, NodeShown)] == ["other"]


async def test_an_expansion_may_point_at_a_node_outside(bench):
    graph = wired(
        n=("Number", {"value": 8}),
        e=("Expand", {"how": "outside"}),
        s=("Add", {"a": ("n", "value"), "b": ("e", "any")}),
    )
    assert await bench.value(graph, "s") == 16


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ("fail", "it is broken"),
        ("unknown type", "There is no node type 'Sya'"),
        ("unknown output", "output 'valeu' of 'n', which does not exist"),
        ("taken", "a node 'n', but that id is taken"),
        ("ring", "wait for each other"),
        ("waits for itself", "wait for each other"),
    ],
)
async def test_a_wrong_expansion_fails_by_the_name_of_its_maker(bench, how, message):
    graph = wired(
        n=("Number", {}), e=("Expand", {"how": how}), s=("Add", {"a": ("n", "value"), "b": ("e", "any")})
    )
    with pytest.raises(NodeFailed, match=message) as failed:
        await bench.run(graph, "s")
    assert failed.value.node == "e"


async def test_a_node_remembers_between_runs_until_it_leaves_the_workflow(bench):
    graph, other = wired(c=("Count", {})), wired(d=("Count", {}))
    assert [await bench.value(graph, "c"), await bench.value(graph, "c")] == [1, 2]
    assert [await bench.value(other, "d"), await bench.value(graph, "c")] == [1, 1]


async def test_values_are_dropped_after_their_last_reader():
    made = []
    toys_and_probe = toys()

    class Big:
        """Something whose end can be seen."""

    def make(host):
        big = Big()
        made.append(weakref.ref(big))
        return Result((big,))

    def look(host, text=None):
        gc.collect()
        return Result((made[0]() is None,))

    toys_and_probe["Make"] = Toy(NodeSpec("Make", (), (Output("big", "BIG"),)), make)
    toys_and_probe["Use"] = Toy(
        NodeSpec("Use", (Input("big", "BIG"),), (Output("n", "INT"),)), lambda host, big: Result((1,))
    )
    toys_and_probe["Look"] = Toy(NodeSpec("Look", (Input("text", "*"),), (Output("gone", "BOOLEAN"),)), look)
    bench = Bench(toys_and_probe)
    bench.cache.limit_bytes = 0
    graph = wired(m=("Make", {}), u=("Use", {"big": ("m", "big")}), l=("Look", {"text": ("u", "n")}))
    assert await bench.value(graph, "l") is True


async def test_a_node_passed_over_with_a_message_says_so_in_every_run(bench):
    graph = wired(b=("Block", {"message": "Nothing to do."}), say=("Say", {"text": ("b", "sum")}))
    await bench.run(graph)
    await bench.run(graph)
    assert [event.node for event in bench.events if isinstance(event, NodeProblem)] == ["say"]


def hundred():
    nodes = {"n0": ("Number", {"value": 1})}
    for index in range(1, 100):
        link = (f"n{index - 1}", "sum" if index > 1 else "value")
        nodes[f"n{index}"] = ("Add", {"a": link, "b": index})
    return graph_of(nodes)


async def test_a_known_workflow_of_100_nodes_costs_5_ms_with_its_keys(bench):
    await bench.run(hundred(), "n99")
    times = []
    for _ in range(3):
        run = bench.prepared(hundred(), ["n99"])
        began = time.thread_time()
        await execute(run)
        times.append(time.thread_time() - began)
    assert (min(times) < 0.005, bench.ran) == (True, [])


async def test_the_events_of_100_nodes_fit_in_60_kB(bench):
    await bench.run(hundred(), "n99")
    assert sum(len(msgspec.json.encode(event)) for event in bench.events) < 60_000
    assert sum(isinstance(event, NodeFinished) for event in bench.events) == 100


async def test_the_work_per_node_does_not_grow_with_the_workflow():
    async def seconds(length):
        bench = Bench(toys())
        began = time.thread_time()
        await bench.run(chain(length), f"n{length - 1}")
        return (time.thread_time() - began) / length

    small, large = min([await seconds(200) for _ in range(3)]), min([await seconds(2_000) for _ in range(3)])
    assert large < 3 * small


async def test_cancelling_the_task_of_a_run_ends_its_async_nodes(bench):
    task = asyncio.create_task(bench.run(wired(w=("Wait", {"a": 60})), "w"))
    await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert bench.said == [("w", "begun"), ("w", "ended")]


async def test_a_failure_is_told_with_its_kind(bench):
    with pytest.raises(NodeFailed):
        await bench.run(wired(f=("Fail", {})), "f")
    (problem,) = [event.problem for event in bench.events if isinstance(event, NodeProblem)]
    assert (problem.code, problem.message, problem.node) == ("node_failed", "ValueError: it is broken", "f")
    assert json.loads(msgspec.json.encode(problem))["warning"] is False
