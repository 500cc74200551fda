"""What goes to a rented machine: the clips without their names, the settings, and Distill itself."""

import secrets
import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from distill.elsewhere.wheel import write_wheel
from distill.jobs.folder import JobFolder
from distill.jobs.record import JobRecord
from distill.training.config import VQVAEConfig

if TYPE_CHECKING:
    from distill.training.dataset import MelClip


def pack(
    path: Path, clips: "Sequence[MelClip]", config: VQVAEConfig, *, start: Path | None = None, model_id: str = ""
) -> Path:
    """Write all that a training elsewhere needs to a folder.

    Parameters
    ----------
    path : Path
        Folder to make.
    clips : sequence of MelClip
        They get random names.
    config : VQVAEConfig
    start : Path, optional
        File of the codec from which the training goes on.
    model_id : str
        Of that codec; "" without one.

    Returns
    -------
    Path
        The folder: that of a :class:`~distill.jobs.folder.JobFolder`, and a wheel.
    """
    names = tuple(secrets.token_hex(8) for _ in clips)
    record = JobRecord(
        owner="",
        config=config,
        created=float(int(time.time())),
        queue_number=0,
        clip_names=names,
        first_clip_name=names[0],
        clip_samples=tuple(clip.num_samples for clip in clips),
        clip_weights=tuple(clip.weight for clip in clips),
        from_codec=model_id,
    )
    folder = JobFolder.create(path, record, clips, None)
    if start:
        shutil.copyfile(start, folder.start)
    write_wheel(path)
    return path
