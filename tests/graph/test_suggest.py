import time

from graph.suggest import brief, did_you_mean


def test_a_near_miss_is_suggested_whatever_its_case():
    assert did_you_mean("ksampelr", ["KSampler", "VAEDecode"]) == "Did you mean 'KSampler'?"


def test_nothing_near_suggests_nothing():
    assert did_you_mean("zzz", ["KSampler"]) == ""


def test_an_endless_word_costs_nothing():
    began = time.thread_time()
    assert did_you_mean("x" * 1_000_000, ["x" * 90] * 100) == ""
    assert time.thread_time() - began < 0.5


def test_long_values_are_shortened():
    assert (brief("a" * 100), brief([1] * 100)[-1]) == (f"'{'a' * 60}…'", "…")
