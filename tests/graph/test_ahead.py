from graph.ahead import ahead
from graph.jobs import document_jobs
from graph.plan import plan
from tests.graph.toy import toys, wired

GRAPH = wired(
    n=("Number", {}),
    first=("SlowAdd", {}),
    second=("SlowAdd", {"a": ("first", "sum")}),
    after=("SlowAdd", {"a": ("n", "value")}),
    perhaps=("SlowAdd", {}),
    switch=("Switch", {"on": True, "yes": ("perhaps", "sum")}),
)
ALL = ["second", "after", "switch"]


def started(known=()):
    planned = plan(GRAPH, {name: toy.spec for name, toy in toys().items()}, ALL)
    return ahead(planned.order, ALL, document_jobs(planned, toys()), known)


def test_async_nodes_start_ahead_if_they_read_only_one_another():
    assert started() == ["first", "second"]


def test_a_known_result_is_as_good_as_nothing_to_read():
    assert started(["n"]) == ["first", "second", "after"]


def test_what_is_known_does_not_start():
    assert started(["second"]) == []
