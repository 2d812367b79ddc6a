from hypothesis import given
from hypothesis import strategies as st

from graph.cache import Cache, Known

ENTRY = 1_000


def sized(value):
    """A value is a pair of a name and a size; one name is one block of memory."""
    return [value]


def known(*blocks):
    return Known((blocks,), ("k",))


def test_what_was_put_is_found():
    cache = Cache(10_000, sized)
    cache.put("a", known((1, 10)))
    assert (cache.get("a"), cache.get("b")) == (known((1, 10)), None)


def test_the_least_recently_used_goes_first():
    cache = Cache(3 * ENTRY, sized)
    for key in "abc":
        cache.put(key, known())
    cache.get("a")
    cache.put("d", known())
    assert [key for key in "abcd" if cache.get(key)] == ["a", "c", "d"]


def test_a_result_beyond_the_limit_is_not_kept_and_pushes_nothing_out():
    cache = Cache(5_000, sized)
    cache.put("small", known((1, 10)))
    cache.put("large", known((2, 6_000)))
    assert (cache.get("small") is not None, cache.get("large")) == (True, None)


def test_memory_shared_by_two_results_counts_once():
    cache = Cache(100_000, sized)
    cache.put("a", known((1, 500)))
    cache.put("b", known((1, 500), (2, 7)))
    assert cache.used_bytes == 2 * ENTRY + 507


def test_a_result_is_found_under_its_other_name_until_it_goes():
    cache = Cache(1_500, sized)
    cache.put("actual", known(), also="origin")
    assert cache.get("origin") is cache.get("actual") is not None
    cache.put("next", known())
    assert cache.get("origin") is None


def test_a_cleared_cache_holds_nothing():
    cache = Cache(10_000, sized)
    cache.put("a", known((1, 10)), also="b")
    cache.clear()
    assert (len(cache), cache.used_bytes, cache.get("b")) == (0, 0, None)


blocks = st.lists(st.tuples(st.integers(1, 5), st.just(700)), max_size=4)


@given(st.lists(st.tuples(st.sampled_from("abcdefgh"), st.sampled_from("abcdefgh"), blocks)))
def test_the_bytes_used_are_those_of_what_is_kept_and_never_beyond_the_limit(puts):
    cache = Cache(6_000, sized)
    for key, also, held in puts:
        cache.put(key, known(*held), also=also)
        assert cache.used_bytes <= 6_000
    kept = {id(found): found for key in "abcdefgh" if (found := cache.get(key))}
    distinct = {block for found in kept.values() for items in found.outputs for block in items}
    assert cache.used_bytes == ENTRY * len(kept) + sum(size for _, size in distinct)
