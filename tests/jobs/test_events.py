"""Events survive the way through a line of JSON, and invalid lines are refused."""

import pytest

from distill.jobs.events import Begun, Ended, Failed, Stepped, Warned, from_line, to_line
from distill.training.records import Progress

STEPPED = Stepped(Progress(1, 0.5, 1.0, 59.0, 0.1, 0.7, 0.2))


@pytest.mark.parametrize(
    "event", [Begun(3, 1.5, True), STEPPED, Warned("Late."), Ended("stopped"), Ended("finished"), Failed("No.", "ab12")]
)
def test_an_event_is_a_line(event):
    line = to_line(event)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert from_line(line) == event


def test_a_loss_that_is_not_a_number_is_still_reported():
    told = from_line(to_line(Stepped(Progress(1, 0.5, 1.0, 59.0, 0.1, float("nan"), float("inf")))))
    assert str(told.progress.recon_loss) == "nan"


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"no JSON",
        b"[1]",
        b"[" * 100_000,
        b"{}",
        b'{"event": 5}',
        b'{"event": "begun"}',
        b'{"event": "begun", "steps": true, "seconds": 1.0, "damaged": false}',
        b'{"event": "begun", "steps": 1, "seconds": NaN, "damaged": false}',
        b'{"event": "begun", "steps": 1, "seconds": 1e400, "damaged": false}',
        b'{"event": "begun", "steps": 1, "seconds": 1.0, "damaged": 0}',
        b'{"event": "warning", "note": null}',
        b'{"event": "failed", "error": 7}',
        b'{"event": "progress", "progress": {"step": "x"}}',
        to_line(STEPPED).replace(b'"seconds": 1.0', b'"seconds": Infinity'),
    ],
)
def test_an_invalid_line_is_refused(line):
    with pytest.raises(ValueError):
        from_line(line)
