"""The pace of whole folders, with workers that are no others than the plain loop: Ray's are in tests/scale."""

from distill.bench import bulk
from distill.scale.pool import answers
from tests.maps import fields


def test_each_way_is_measured_and_the_ratios_are_printed(monkeypatch):
    asked, said = [], []

    def alone(job, items, *, workers, **more):
        asked.append((workers, len(items)))
        return answers(job, items[:4], workers=1, alone=True, codec=more["codec"])

    monkeypatch.setattr(bulk, "answers", alone)
    paces = bulk.measure_bulk(said.append, copies=1)
    assert [workers for workers, _ in asked] == [0, 1, 2]
    assert [pace["way"] for pace in paces] == ["a plain loop", "1 worker", "2 workers"]
    assert paces[0]["times_as_fast"] == 1
    assert all(pace["seconds"] > 0 and pace["times_as_fast"] > 0 for pace in paces)
    assert "times as fast with 2 workers as by a plain loop" in said[0]
    named = fields("What `--json` writes", "`bench`, each way of `bulk`")
    assert set(paces[0]) == named - {"distill.bench.bulk.Pace"}
