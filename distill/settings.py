"""The server's limits, which bound how much a stranger may ask of it. An environment variable changes each limit.

For example, ``DISTILL_UPLOAD_FILES=100 python app.py`` changes :attr:`Settings.upload_files`.
"""

import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path

from distill.errors import ConfigError

MINUTE, HOUR = 60, 3600
MIB, GIB = 1024**2, 1024**3
MAY_BE_NONE = ("trusted_proxies", "hub", "library")
"""Limits that may be 0; all others are at least 1."""
FOLDERS = ("folder", "library_folder")
OWN_FOLDERS = ("files", "sets", "unpacked", "jobs")
"""Folders in ``folder`` in which the server deletes what is not its own."""


@dataclass(frozen=True)
class Settings:
    """The limits, in bytes, seconds, minutes, hertz or counts, as their names say.

    Rates are counts in ten seconds; ``upload_rate`` alone is in bytes per second. Names that begin with ``visit_``
    bound one visitor; names that begin with ``address_`` bound all visitors at one network address together.

    Raises
    ------
    ConfigError
        On construction, if a limit is not positive; ``trusted_proxies``, ``hub`` and ``library`` may be 0. Or if
        ``library_folder`` lies where the server deletes what is not its own.
    """

    folder: Path = field(default_factory=lambda: _usual_folder())
    """Folder for visitors' files and trainings. Trainings survive a restart of the server if this folder does."""
    disk_bytes: int = 20 * GIB
    """Maximum bytes in ``folder``. When it is full, the server accepts no more files until some expire."""
    address_disk_bytes: int = 10 * GIB
    """Maximum bytes of the uploads, training clips and downloads of all visitors at one address. The default is half
    of the default ``disk_bytes``, so that one address, which can have any number of cookies, never fills the disk."""
    memory_bytes: int = 6 * GIB
    """Maximum bytes of all visitors' clips and sounds in memory. Beyond it, the clips and sounds that were unused for
    longest are dropped, and decoded again when they are needed."""

    trusted_proxies: int = field(default_factory=lambda: 1 if "SPACE_ID" in os.environ else 0)
    """Number of proxies in front of the server that add an address to ``X-Forwarded-For``: 1 on a Space, else 0."""

    visit_files_rate: int = 2_000
    """Maximum files of the page that one visitor fetches in ten seconds. A page has about 150 files."""
    address_files_rate: int = 8_000
    """Maximum files of the page that all visitors at one address fetch in ten seconds. A class of students may
    open the page at the same time."""
    visit_calls_rate: int = 600
    """Maximum other requests of one visitor in ten seconds. A script that does nothing else makes about 300."""
    address_calls_rate: int = 1_000
    """Maximum other requests of all visitors at one address in ten seconds. A class at work makes about 200."""
    visit_bytes_rate: int = 8 * MIB
    """Maximum bytes that one visitor sends in ten seconds, without uploads. An edit has some kilobytes."""
    address_bytes_rate: int = 16 * MIB
    """Maximum bytes that all visitors at one address send in ten seconds, without uploads."""
    visit_parts_rate: int = 700
    """Maximum files that one visitor uploads in ten seconds. One upload may have 600 files."""
    address_parts_rate: int = 1_200
    """Maximum files that all visitors at one address upload in ten seconds. A class that uploads twenty clips each
    sends 600."""
    address_pages_rate: int = 6
    """Maximum times in ten seconds that the page is built again for one address because the host name changed."""
    visit_connections: int = 64
    """Maximum requests of one visitor that the server answers at the same time. A page holds two open, and fetches
    twenty files."""
    address_connections: int = 500
    """Maximum requests of all visitors at one address that the server answers at the same time."""
    visit_calls: int = 24
    """Maximum calls of one visitor that wait or run at the same time. A page makes five calls when it opens."""
    address_calls: int = 300
    """Maximum calls of all visitors at one address that wait or run at the same time. A class may open the page at the
    same time."""

    computing: int = 3
    """Maximum tasks that compute at the same time: two for two processors, and one more that no single address can
    take."""
    turns: int = 600
    """Maximum tasks of all visitors that wait for their turn to compute."""
    visit_turns: int = 30
    """Maximum tasks of one visitor that wait for their turn to compute. A page asks for ten when it opens."""
    address_turns: int = 200
    """Maximum tasks of all visitors at one address that wait for their turn to compute."""
    turn_seconds: int = 60
    """Maximum seconds that a task waits for its turn; then the server asks the visitor to try again later."""

    upload_rate: int = 4_096
    """Minimum mean rate of an upload, in bytes per second. The slowest modems reach it."""
    visit_uploads: int = 4
    """Maximum uploads of one visitor at the same time."""
    address_uploads: int = 32
    """Maximum uploads of all visitors at one address at the same time."""

    upload_files: int = 600
    """Maximum files in one upload."""
    upload_file_bytes: int = 256 * MIB
    """Maximum bytes of one uploaded file."""
    upload_bytes: int = 1 * GIB
    """Maximum bytes of all files in one upload."""
    message_bytes: int = 1 * MIB
    """Maximum bytes of a request that is not an upload, for example an edit."""

    set_clips: int = 500
    """Maximum clips in the training set of one codec."""
    set_seconds: int = 2 * HOUR
    """Maximum seconds of all clips in the training set of one codec."""
    clip_seconds: int = 10 * MINUTE
    """Maximum seconds of one clip."""
    decoded_bytes: int = 1 * GIB
    """Maximum bytes of one clip's samples, all channels in float32. A small FLAC file can hold hours of sound."""
    decoding_seconds: int = 20
    """Maximum seconds for the decoding of one file."""
    upload_decoding_seconds: int = 5 * MINUTE
    """Maximum seconds for the decoding of all files in one upload."""
    decoding_memory_bytes: int = 1 * GIB
    """Maximum address space of the process that decodes, in bytes."""
    lowest_sample_rate: int = 1_000
    """Minimum sample rate of a sound file, in Hz."""
    highest_sample_rate: int = 384_000
    """Maximum sample rate of a sound file, in Hz."""
    channels: int = 32
    """Maximum channels of a sound file."""

    zip_members: int = 2_000
    """Maximum entries in a zip archive: files of any kind, and folders."""
    upload_zip_members: int = 6_000
    """Maximum entries of all zip archives in one upload together. Ten times as many as the sounds leave room for the
    folders, pictures and texts beside them."""
    zip_bytes: int = 1 * GIB
    """Maximum bytes that the archives in one upload may unpack to, together."""
    zip_ratio: int = 200
    """Maximum ratio of unpacked to packed bytes. Sound has a ratio of 2 to 10, a zip bomb one of 1000."""
    zip_path_parts: int = 16
    """Maximum parts of a path in an archive: the nested folders and the file name."""

    codec_bytes: int = 64 * MIB
    """Maximum bytes of a ``.distill`` file."""
    codec_header_bytes: int = 1 * MIB
    """Maximum bytes of the JSON header of a ``.distill`` file. Parsed JSON can take thirty times as much memory."""
    codec_codes: int = 1_024
    """Maximum entries in each codebook of a codec. With 4096 entries, drawing and naming all codes takes half a
    minute."""
    grid_bytes: int = 4 * MIB
    """Maximum bytes of a grid's file or text, packed and unpacked."""
    grid_columns: int = 3_230
    """Maximum columns of 16 frames of a grid that a visitor opens: ten minutes of sound. Of shorter columns, as many
    more may be opened as last as long."""
    edit_cells: int = 4_096
    """Maximum cells that one edit lists. This is a hundred times as many as a person paints in a stroke; the page sends
    more cells as several edits. An edit of whole regions lists no cells and may have any size."""

    program_seconds: int = 2 * MINUTE
    """Maximum seconds of a sound or a grid in one call of a program. Such calls keep nothing, so each brings all."""
    program_edits: int = 64
    """Maximum edits in one call of a program."""
    program_work_seconds: int = 60
    """Maximum seconds that one call of a program takes, from the begin of its turn."""
    visit_programs: int = 4
    """Maximum calls of one visitor's programs at the same time. Programs without a cookie at one address count as one
    visitor."""
    address_programs: int = 12
    """Maximum calls of all programs at one address at the same time."""
    visit_programs_rate: int = 60
    """Maximum calls of one visitor's programs in ten seconds."""
    address_programs_rate: int = 120
    """Maximum calls of all programs at one address in ten seconds."""

    hub: int = 1
    """Whether the page opens codecs from the Hugging Face Hub and publishes them there: 1, or 0 for neither."""
    hub_seconds: int = 60
    """Maximum seconds that a codec takes to come from the Hub, or to get there."""
    hub_transfers: int = 12
    """Maximum codecs of all visitors that come from the Hub or go there at the same time."""
    visit_hub_transfers: int = 1
    """Maximum codecs of one visitor that come from the Hub or go there at the same time."""
    address_hub_transfers: int = 4
    """Maximum codecs of all visitors at one address that come from the Hub or go there at the same time."""
    visit_hub_rate: int = 4
    """Maximum codecs that one visitor asks of the Hub, or publishes there, in ten seconds."""
    address_hub_rate: int = 12
    """Maximum codecs that all visitors at one address ask of the Hub, or publish there, in ten seconds."""

    library: int = 1
    """Whether visitors keep codecs on the server for longer than their visit, where it has a folder for them: 1, or 0
    for no."""
    library_folder: Path | None = None
    """Folder for the codecs that visitors keep; several servers may share it, and it may be a mounted bucket. By
    default ``library`` in ``folder`` if that was chosen, else there is none."""
    library_days: int = 90
    """Days for which a codec is kept after it was last opened."""
    library_codecs: int = 20
    """Maximum codecs in one library."""
    library_bytes: int = 256 * MIB
    """Maximum bytes of the codecs in one library."""
    libraries_codecs: int = 5_000
    """Maximum codecs in all libraries."""
    libraries_bytes: int = 20 * GIB
    """Maximum bytes of the codecs in all libraries. They do not count towards ``disk_bytes``."""
    address_library_bytes: int = 1 * GIB
    """Maximum bytes of the codecs that all visitors at one address keep in a day, or try to keep."""
    visit_library_rate: int = 20
    """Maximum calls about a library by one visitor in ten seconds."""
    address_library_rate: int = 100
    """Maximum calls about libraries by all visitors at one address in ten seconds."""

    trainings: int = 1
    """Maximum trainings that run at the same time."""
    waiting_trainings: int = 20
    """Maximum trainings that wait for their turn. The server refuses more."""
    training_minutes: int = 15
    """Maximum minutes of training that a visitor can ask for."""
    busy_training_minutes: int = 2
    """Minimum minutes of one turn of a training while others wait. After its turn, the training goes to the end of the
    queue and continues later. One minute trains a good codec, so a training of one minute is never interrupted."""
    address_trainings: int = 10
    """Maximum trainings that run or wait for one address. A class at one address can work, and half of the queue is
    left for others."""
    training_absent_seconds: int = 15
    """Seconds after its page was closed for which a training still counts as watched, because a reload takes some
    seconds. Trainings whose page is open go before trainings that nobody watches."""
    training_memory_bytes: int = 4 * GIB
    """Maximum bytes of data (heap) of the process that trains."""
    training_silence_seconds: int = 2 * MINUTE
    """Seconds without a message from a training after which it counts as hung and restarts from its last checkpoint."""
    training_restarts: int = 3
    """Maximum restarts of a training after its process was lost."""
    checkpoint_seconds: int = 10
    """Seconds between two checkpoints of a training."""
    training_kept_seconds: int = 6 * HOUR
    """Seconds for which a finished training and its codec are kept, so that the visitor can come back to them."""
    training_kept_factor: int = 20
    """Seconds for which a finished training keeps its sound and its checkpoint, for each second of training: a short
    training is cheap to repeat. They are kept for ``visit_absent_seconds`` at least and ``training_kept_seconds`` at
    most."""
    full_disk_seconds: int = 5 * MINUTE
    """Maximum seconds for which a process keeps a trained codec in memory while the disk has no room for it."""

    visits: int = 200
    """Maximum visitors at the same time."""
    address_visits: int = 100
    """Maximum visitors at one address at the same time. The default is half of the default ``visits``, so that one
    address cannot keep all others out."""
    visit_idle_seconds: int = 3 * HOUR
    """Seconds for which the server keeps an open page on which nothing happens."""
    visit_absent_seconds: int = 10 * MINUTE
    """Seconds for which the server keeps a page that was closed or lost its connection, because it may come back."""
    visit_pages: int = 8
    """Maximum open pages of one visitor."""
    visit_works: int = 8
    """Maximum clips of one visitor that are kept, so that the visitor can go back to them."""
    visit_disk_bytes: int = 4 * GIB
    """Maximum bytes of one visitor's uploads, training clips and downloads. Two hours of clips take 1 GB, and their
    training asks for as much again."""
    visit_memory_bytes: int = 1 * GIB
    """Maximum bytes of one visitor's clips, sounds and codecs in memory."""
    address_memory_bytes: int = 3 * GIB
    """Maximum bytes in memory of the clips, sounds and codecs of all visitors at one address. The default is half of
    the default ``memory_bytes``."""

    def __post_init__(self) -> None:
        for limit in fields(self):
            value = getattr(self, limit.name)
            least = 0 if limit.name in MAY_BE_NONE else 1
            if limit.name not in FOLDERS and value < least:
                raise ConfigError(f"{variable(limit.name)} must be {least} or more, got {value}.")
        if self.library_folder is not None:
            place = Path(os.path.realpath(self.library_folder))
            for own in (Path(os.path.realpath(self.folder / name)) for name in OWN_FOLDERS):
                if place.is_relative_to(own):
                    raise ConfigError(
                        f"The server empties “{own.name}” in its folder; choose another {variable('library_folder')}."
                    )

    @property
    def library_place(self) -> Path | None:
        """Folder for the codecs that visitors keep; None if the server keeps none."""
        if not self.library or self.library_folder is not None:
            return self.library_folder if self.library else None
        return None if self.folder == _usual_folder() else self.folder / "library"

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "Settings":
        """Read the limits: defaults, changed by the variables of the environment that begin with ``DISTILL_``.

        Raises
        ------
        ConfigError
            If such a variable names no limit, or its value is not a whole number that the limit may have.
        """
        names = {variable(limit.name): limit.name for limit in fields(cls)}
        changes: dict[str, int | Path] = {}
        for key in (key for key in environment if key.startswith("DISTILL_")):
            if key not in names:
                raise ConfigError(f"{key} is no setting of Distill; there are {', '.join(names)}.")
            try:
                changes[names[key]] = Path(environment[key]) if names[key] in FOLDERS else int(environment[key])
            except ValueError as error:
                raise ConfigError(f"{key} must be a whole number, got {environment[key]!r:.40}.") from error
        return cls(**changes)  # type: ignore[arg-type]


def _usual_folder() -> Path:
    return Path(tempfile.gettempdir()) / "distill-server"


def variable(name: str) -> str:
    """Name of the environment variable that changes the limit ``name``."""
    return f"DISTILL_{name.upper()}"


DEFAULTS = Settings()
