"""librosa is loaded by one process at a time: numba's files of compiled code know no other process."""

from pathlib import Path
from threading import Thread

import librosa  # noqa: TID251
import numpy as np

from distill import system
from distill.audio.compiled import load_librosa
from tests.waiting import PATIENCE, until


def test_who_loads_librosa_waits_for_another_who_does():
    load = Thread(target=load_librosa.__wrapped__, daemon=True)
    with system.lockable(Path(librosa.__file__).parent) as descriptor:
        until(lambda: system.lock(descriptor))  # another process of the tests may be loading it
        load.start()
        load.join(0.5)
        assert load.is_alive()
    load.join(PATIENCE)
    assert not load.is_alive()


def test_what_is_loaded_is_compiled():
    strength = np.zeros(40, dtype=np.float32)
    strength[[10, 30]] = 1
    assert load_librosa().onset.onset_detect(onset_envelope=strength).tolist() == [10, 30]
