"""Hugging Face Jobs on this machine, and a person at a keyboard."""

import io
import sys

import pytest

from tests.elsewhere.jobs_stand_in import JobsStandIn

QUICK = ["--epochs", "1", "--levels", "2", "--codebook-dim", "4", "--from-scratch", "--seed", "3"]


@pytest.fixture
def out(tmp_path):
    return tmp_path / "kit.distill"


@pytest.fixture
def train(distill, clip_folder, out):
    """Trains on Hugging Face Jobs; more options may follow."""
    return lambda *options, on="jobs:l4x1": distill("train", clip_folder, "--out", out, "--on", on, *QUICK, *options)


@pytest.fixture
def jobs(as_the_hub):
    """A stand-in for the Hub and its jobs, with ada's token that may write."""
    stand_in = as_the_hub(JobsStandIn())
    yield stand_in
    stand_in.close()


@pytest.fixture
def answer(monkeypatch):
    """Types a line as the answer to the next question."""
    return lambda line: monkeypatch.setattr(sys, "stdin", io.StringIO(line))


@pytest.fixture
def impatient(monkeypatch, clock):
    """A minute of silence is too long, and waiting takes no time; what is called at each wait can be put into it."""
    from distill.elsewhere import account

    at_a_wait = []

    class Impatient(account.Account):
        def __init__(self) -> None:
            super().__init__(silent_seconds=60, clock=clock, sleep=self.rest)

        def rest(self, seconds: float) -> None:
            clock.now += seconds
            for call in at_a_wait:
                call()

    monkeypatch.setattr(account, "Account", Impatient)
    return at_a_wait
