"""The pace of a training: on a busy computer one thread, on a quiet one all of them; a minute is one of computing."""

import itertools

import pytest
import torch

from distill.training.pace import BUSIEST, ThreadChoice, shared_clock
from distill.training.trainer import Trainer


class Computer:
    """A computer whose steps last as long as ``seconds`` says for the number of threads that is set."""

    def __init__(self, **seconds: float) -> None:
        self.now, self.threads, self.ran = 0.0, 0, []
        self.be(**seconds)

    def be(self, *, one: float, two: float) -> None:
        self.seconds = {1: one, 2: two}

    def set_threads(self, threads: int) -> None:
        self.threads = threads

    def choice(self) -> ThreadChoice:
        return ThreadChoice(2, clock=lambda: self.now, set_threads=self.set_threads)

    def run(self, choice: ThreadChoice, steps: int) -> float:
        """Run some steps; return how many it makes a second."""
        began = self.now
        for _ in range(steps):
            with choice.step():
                self.now += self.seconds[self.threads]
                self.ran.append(self.threads)
        return steps / (self.now - began)


def test_a_busy_computer_is_trained_on_with_one_thread():
    computer = Computer(one=0.08, two=0.3)
    choice = computer.choice()
    computer.run(choice, 40)
    assert choice.threads == 1
    assert computer.run(choice, 500) > 0.9 / 0.08


def test_a_quiet_computer_is_trained_on_with_all_threads():
    computer = Computer(one=0.08, two=0.045)
    choice = computer.choice()
    assert computer.run(choice, 500) > 0.95 / 0.045
    assert choice.threads == 2


def test_the_choice_follows_the_computer():
    computer = Computer(one=0.08, two=0.045)
    choice = computer.choice()
    for seconds, threads in itertools.chain([({"one": 0.08, "two": 0.3}, 1), ({"one": 0.08, "two": 0.045}, 2)] * 3):
        computer.be(**seconds)
        computer.run(choice, 300)
        assert choice.threads == threads


def test_one_slow_step_changes_nothing():
    computer = Computer(one=0.08, two=0.045)
    choice = computer.choice()
    computer.run(choice, 15)
    computer.be(one=0.08, two=1.0)
    computer.run(choice, 1)
    computer.be(one=0.08, two=0.045)
    computer.run(choice, 100)
    assert choice.threads == 2


def test_the_process_has_all_its_threads_again_at_the_end():
    computer = Computer(one=0.08, two=0.3)
    with computer.choice() as choice:
        computer.run(choice, 60)
    assert choice.threads == 1
    assert computer.threads == 2


def test_a_training_that_must_repeat_bit_by_bit_keeps_its_threads(mel_clips, quick_config, monkeypatch):
    assert quick_config.minutes is None
    set_to = []
    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)
    monkeypatch.setattr(ThreadChoice.__init__, "__kwdefaults__", {
        **ThreadChoice.__init__.__kwdefaults__, "set_threads": set_to.append
    })  # fmt: skip
    list(Trainer(mel_clips, quick_config, device="cpu").run())
    assert set_to == []


@pytest.mark.parametrize(("wall", "worked", "seconds"), [(60, 60, 60), (60, 45, 45), (60, 5, 60 / BUSIEST)])
def test_a_minute_counts_computing_and_has_a_ceiling(wall, worked, seconds):
    now = [100.0, 7.0]
    clock = shared_clock(lambda: now[0], lambda: now[1])
    now[:] = 100.0 + wall, 7.0 + worked
    assert clock() == seconds
