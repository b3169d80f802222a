"""What `make bench-search` says is what was measured."""

from dataclasses import replace
from pathlib import Path

import pytest

from bench import k6, proof, search
from bench.processes import bare_server, fhir_server

FAST = k6.Load(requests=1000, rate=500.0, p50=2.0, p99=9.0, failed=0, cpu=300.0)
BARE = k6.Load(requests=1000, rate=2000.0, p50=0.5, p99=2.0, failed=0, cpu=30.0)


def test_a_kind_meets_its_goal_with_p50_p99_and_growth_together() -> None:
    assert search.Measured("token", FAST, FAST, BARE).met == "met"
    assert search.Measured("token", replace(FAST, p50=5.0), replace(FAST, p50=5.1), BARE).met == "missed"
    assert search.Measured("token", FAST, replace(FAST, p99=50.1), BARE).met == "missed"
    assert search.Measured("token", FAST, replace(FAST, p50=3.1), BARE).met == "missed"
    assert search.Measured("chain", FAST, replace(FAST, p50=3.1), BARE, found=10.0).met == "met"
    assert search.Measured("chain", FAST, replace(FAST, p50=4.1), BARE, found=2.0).met == "missed"
    assert search.Measured("token", FAST, replace(FAST, failed=2), BARE).met == "2 failed"


def test_a_row_gives_the_large_data_set_beside_the_bare_server() -> None:
    cells = search.Measured("token", FAST, replace(FAST, p50=2.5), BARE).cells()
    assert cells == ("token", "2.00", "9.00", "2.50", "9.00", "1.25", "1.0", "300", "0.250", "met")


def test_servers_are_driven_in_turns_and_each_is_counted_by_itself(tmp_path: Path) -> None:
    with bare_server(tmp_path) as one, bare_server(tmp_path) as other:
        turns = [("one", 1.0), ("other", 1.0), ("other", 1.0)]
        loads = k6.beside({"one": one, "other": other}, turns, clients=2, paths={"one": ["/"], "other": ["/", "/x"]})
    assert set(loads) == {"one", "other"}
    for name, seconds in (("one", 1.0), ("other", 2.0)):
        load = loads[name]
        assert load.requests > 0 and load.failed == 0 and 0 < load.p50 <= load.p99
        assert load.rate == pytest.approx(load.requests / seconds)


def test_every_kind_of_search_finds_something(tmp_path: Path) -> None:
    size = 2_100
    with fhir_server(search.loaded(tmp_path, size)) as server:
        proof.prove(server, size)
        empty = [
            name
            for name, paths in search.searches(size).items()
            if not any(proof.found(server, path) for path in paths[:40])
        ]
        few = search.searches(size)["token"]
        assert search.matches(server, few) == search.COUNTED * 20
    assert empty == []
