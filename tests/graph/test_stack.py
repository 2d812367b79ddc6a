from graph.stack import Stack


def test_the_first_demanded_comes_first():
    stack = Stack(lambda node: False)
    stack.demand(["a", "b"])
    assert [stack.take(), stack.take(), bool(stack)] == [("a", True), ("b", True), False]


def test_what_is_demanded_again_comes_up_and_has_one_turn():
    stack = Stack(lambda node: False)
    stack.demand(["a", "b"])
    stack.demand(["b"])
    assert [stack.take(), stack.take(), stack.take()] == [("b", True), ("a", True), None]


def test_a_node_comes_back_on_top_when_all_it_waits_for_is_done():
    done = set()
    stack = Stack(done.__contains__)
    stack.demand(["a", "z"])
    stack.take()
    assert stack.wait("a", ["b", "c", "b"])
    for node in "bc":
        stack.take()
        done.add(node)
        stack.done(node)
    assert stack.take() == ("a", False)


def test_nobody_waits_for_what_is_done():
    assert not Stack(lambda node: True).wait("a", ["b"])
