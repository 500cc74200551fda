"""The rules of the queue: order, displacement, and turn length. Pure functions of values."""

import heapq
import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

from distill.settings import Settings

SPARED_SECONDS = 10
"""A training with no more seconds left than this does not give way, because a new start would take longer."""


@dataclass(frozen=True)
class Standing:
    """A running or waiting training, as the queue sees it.

    Attributes
    ----------
    id : str
    queue_number : int
        Position in the queue: lower numbers go first.
    running : bool
    here : bool
        Whether the owner has a page open.
    leaving : bool
        Whether the training runs and was asked to stop.
    asked_seconds, left_seconds, turn_seconds : float
        Seconds of training: requested in all, still to come (an estimate), and done in this turn.
    gone_seconds : float
        Seconds since the owner's page was closed.
    address : str
        Network address of the request; "" if it is not known.
    """

    id: str
    queue_number: int
    running: bool = False
    here: bool = True
    leaving: bool = False
    asked_seconds: float = 60.0
    left_seconds: float = 60.0
    turn_seconds: float = 0.0
    gone_seconds: float = 0.0
    address: str = ""


def in_order(standings: Sequence[Standing]) -> list[Standing]:
    """The waiting trainings in order of their turns: those with an open page first, then by queue number."""
    return sorted((one for one in standings if not one.running), key=lambda one: (not one.here, one.queue_number))


def turn_limit(asked_seconds: float, others: int, settings: Settings) -> float:
    """Maximum seconds of training in one turn while ``others`` trainings wait."""
    return max(settings.busy_training_minutes * 60, asked_seconds / (1 + others)) if others else math.inf


def yielding(standings: Sequence[Standing], settings: Settings) -> list[Standing]:
    """Running trainings that must give way now: a visitor with an open page waits, or their turn is over."""
    waiting = in_order(standings)
    staying = [one for one in standings if one.running and not one.leaving]
    free, found = settings.trainings - len(staying), []
    for one in sorted(staying, key=lambda one: (one.here, -one.queue_number)):
        rivals = _rivals(one, waiting)
        is_over = one.turn_seconds >= turn_limit(one.asked_seconds, len(rivals), settings)
        wanted = len(rivals) if one.here or is_over else sum(other.here for other in rivals)
        if wanted > free and (is_over or not one.here) and one.left_seconds > SPARED_SECONDS:
            found.append(one)
            free += 1
    return found


def estimate(target: Standing, standings: Sequence[Standing], settings: Settings) -> tuple[int, float]:
    """The number of trainings before a waiting training, and the estimated seconds until its turn.

    Each training before it takes one turn. But trainings with an open page run to their end before the first training
    without an open page begins.
    """
    waiting = in_order(standings)
    running = [one for one in standings if one.running]
    before = list(itertools.takewhile(lambda one: one.id != target.id, waiting))
    free_in, returned = [0.0] * (settings.trainings - len(running)), 0
    for one in running:
        seconds, is_done = _turn(one, target, len(_rivals(one, waiting)), settings)
        free_in.append(seconds)
        returned += not is_done
    heapq.heapify(free_in)
    for begun, one in enumerate(before):
        seconds, is_done = _turn(one, target, len(_rivals(one, waiting)) - begun + returned, settings)
        heapq.heapreplace(free_in, free_in[0] + seconds)
        returned += not is_done
    return len(running) + len(before), free_in[0]


def soonest_end(standings: Sequence[Standing], settings: Settings, among: Sequence[Standing]) -> float:
    """Estimated seconds until the first of the trainings ``among`` ends; 0 without any."""
    ends = [
        one.left_seconds * (not one.leaving)
        if one.running
        else estimate(one, standings, settings)[1] + one.left_seconds
        for one in among
    ]
    return min(ends, default=0.0)


def displaced(standings: Sequence[Standing], address: str | None = None) -> Standing | None:
    """The waiting training without an open page that loses its place to a visitor with an open page; None without any.

    It comes from the address with the most trainings; of these the longest absent; of these the highest queue number.

    Parameters
    ----------
    standings : sequence of Standing
    address : str, optional
        Consider only the trainings of this address.
    """
    absent = [one for one in in_order(standings) if not one.here and address in (None, one.address)]

    def rank(one: Standing) -> tuple[int, float, int]:
        return count_of(standings, one.address) if one.address else 1, one.gone_seconds, one.queue_number

    return max(absent, key=rank, default=None)


def count_of(standings: Sequence[Standing], address: str) -> int:
    """The number of trainings that an address has in the queue."""
    return sum(one.address == address for one in standings)


def _rivals(one: Standing, waiting: Sequence[Standing]) -> list[Standing]:
    """The waiting trainings that would go before a training if it joined the end of the queue."""
    return [other for other in waiting if other.id != one.id and (other.here or not one.here)]


def _turn(one: Standing, target: Standing, others: int, settings: Settings) -> tuple[float, bool]:
    """Seconds that a training takes before the turn of ``target``, and whether the training is done by then."""
    if one.leaving:
        return 0.0, True
    if (one.here and not target.here) or one.left_seconds <= SPARED_SECONDS:
        return max(0.0, one.left_seconds), True
    if target.here and not one.here:
        return 0.0, False
    seconds = max(0.0, turn_limit(one.asked_seconds, others, settings) - one.turn_seconds)
    return min(one.left_seconds, seconds), one.left_seconds <= seconds
