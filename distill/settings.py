"""How much a stranger may ask of the server: every limit, each to be changed by an environment variable.

``DISTILL_UPLOAD_FILES=100 python app.py`` changes :attr:`Settings.upload_files`, and so on for each field.
"""

import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path

from distill.errors import ConfigError

MINUTE, HOUR = 60, 3600
MIB, GIB = 1024**2, 1024**3
MAY_BE_NONE = ("trusted_proxies",)


@dataclass(frozen=True)
class Settings:
    """The limits, in bytes, seconds, hertz or counts as their names say.

    Raises
    ------
    ConfigError
        On construction, if a limit is not positive.
    """

    folder: Path = field(default_factory=lambda: Path(tempfile.gettempdir()) / "distill-server")
    """Where visitors' files and trainings lie. Trainings outlive a restart of the server if this folder does."""
    disk_bytes: int = 20 * GIB
    """Bytes of all that lies in the folder; when it is full, nothing more is taken in until something expires."""
    address_disk_bytes: int = 10 * GIB
    """Bytes of the uploads, clips to train on and downloads of all visitors at one network address: half of
    ``disk_bytes`` as it stands above, so that one address, which has as many cookies as it likes, never fills the
    disk for all others."""
    memory_bytes: int = 6 * GIB
    """Bytes of all visitors' clips and sounds; what was not used for longest is then forgotten, to be decoded again."""

    trusted_proxies: int = field(default_factory=lambda: 1 if "SPACE_ID" in os.environ else 0)
    """Proxies before the server that add an address to ``X-Forwarded-For``: one on a Space of the Hub, else none."""

    visit_files_rate: int = 2_000
    """Files of the page itself that one visitor fetches in ten seconds; a page has some 150."""
    address_files_rate: int = 8_000
    """Files of the page itself that all visitors behind one address fetch in ten seconds: a class that opens the
    page together."""
    visit_calls_rate: int = 600
    """Other requests of one visitor in ten seconds: a script that does nothing else makes some 300."""
    address_calls_rate: int = 1_000
    """Other requests of all visitors behind one address in ten seconds: a class at work makes some 200."""
    visit_bytes_rate: int = 8 * MIB
    """Bytes that one visitor sends in ten seconds besides uploads; an edit is some kilobytes."""
    address_bytes_rate: int = 16 * MIB
    """Bytes that all visitors behind one address send in ten seconds besides uploads."""
    visit_parts_rate: int = 700
    """Files of one visitor that are uploaded in ten seconds: one upload may bring 600."""
    address_parts_rate: int = 1_200
    """Files that all visitors behind one address upload in ten seconds: a class that drops twenty clips each makes
    600."""
    address_pages_rate: int = 6
    """How often in ten seconds the page is made anew for one address, because it is asked for by another host name."""
    visit_connections: int = 64
    """Requests of one visitor that are being answered at the same time; a page holds two, and fetches twenty files."""
    address_connections: int = 500
    """Requests of all visitors behind one address that are being answered at the same time."""
    visit_calls: int = 24
    """Calls of one visitor that wait or run at the same time; a page that opens makes five."""
    address_calls: int = 300
    """Calls of all visitors behind one address that wait or run at the same time: a class that opens the page
    together."""

    computing: int = 3
    """Works that compute at the same time: one for each of two processors, and one that no single address can take."""
    turns: int = 600
    """Works of all visitors that wait for their turn to compute."""
    visit_turns: int = 30
    """Works of one visitor that wait for their turn to compute; a page that opens asks for ten."""
    address_turns: int = 200
    """Works of all visitors behind one address that wait for their turn to compute."""
    turn_seconds: int = 60
    """How long a work waits for its turn before the visitor is told to come back."""

    upload_rate: int = 4_096
    """Bytes a second that an upload must bring, on average: the slowest modem did."""
    visit_uploads: int = 4
    """Uploads of one visitor at the same time."""
    address_uploads: int = 32
    """Uploads of all visitors behind one address at the same time."""

    upload_files: int = 600
    """Files in one upload."""
    upload_file_bytes: int = 256 * MIB
    """Bytes of one uploaded file."""
    upload_bytes: int = 1 * GIB
    """Bytes of all files in one upload."""
    message_bytes: int = 1 * MIB
    """Bytes of any request that is no upload, an edit for instance."""

    set_clips: int = 500
    """Clips that one codec is trained on."""
    set_seconds: int = 2 * HOUR
    """Seconds of all the clips that one codec is trained on."""
    clip_seconds: int = 10 * MINUTE
    """Seconds of one clip."""
    decoded_bytes: int = 1 * GIB
    """Bytes of one clip's samples, all channels in float32: a small FLAC file can hold hours."""
    decoding_seconds: int = 20
    """How long the decoding of one file may take."""
    upload_decoding_seconds: int = 5 * MINUTE
    """How long the decoding of all files in one upload may take together."""
    decoding_memory_bytes: int = 1 * GIB
    """Address space of the process that decodes."""
    lowest_sample_rate: int = 1_000
    highest_sample_rate: int = 384_000
    channels: int = 32

    zip_members: int = 2_000
    """Entries in an archive, whatever they are."""
    zip_bytes: int = 1 * GIB
    """Bytes of all that the archives in one upload unpack to."""
    zip_ratio: int = 200
    """Unpacked bytes for each packed one: sound packs to a half or a tenth, a bomb to a thousandth."""
    zip_path_parts: int = 16
    """Folders in folders, the file included."""

    codec_bytes: int = 64 * MIB
    """Bytes of a ``.distill`` file."""
    codec_header_bytes: int = 1 * MIB
    """Bytes of the JSON at the start of a ``.distill`` file; as Python's lists and dicts, JSON can take thirty
    times its length."""
    codec_codes: int = 1_024
    """Entries of each of its codebooks: with four times as many, to draw and to name them all takes half a minute."""
    grid_bytes: int = 4 * MIB
    """Bytes of a grid's file or text, packed and unpacked."""
    grid_columns: int = 3_230
    """Columns of a grid that is opened: ten minutes."""
    edit_cells: int = 4_096
    """Cells that one edit names, a hundred times what a hand paints in a stroke; the page makes several edits of more.
    An edit of whole regions names none of its cells, and may be of any size."""

    trainings: int = 1
    """Trainings that run at the same time."""
    waiting_trainings: int = 20
    """Trainings that wait for their turn; further ones are refused."""
    training_minutes: int = 15
    """Longest training that can be asked for."""
    busy_training_minutes: int = 2
    """Minutes of one turn that a training has for certain while others wait; then it goes to the end of the queue
    and goes on later. One minute makes a good codec, so who asks for that much is never interrupted."""
    address_trainings: int = 10
    """Trainings that run or wait for one network address: a class of students behind one address can work, and yet
    half of the queue is left for others."""
    training_absent_seconds: int = 15
    """How long after its page was closed a training still counts as one that someone looks at: a reload takes some
    seconds. Then those go first whose page is open."""
    training_memory_bytes: int = 4 * GIB
    """Data of the process that trains."""
    training_silence_seconds: int = 2 * MINUTE
    """A training that has not said anything for so long hangs, and is begun again from its last checkpoint."""
    training_restarts: int = 3
    """How often a training is begun again after its process was lost."""
    checkpoint_seconds: int = 10
    """Between two checkpoints of a training."""
    training_kept_seconds: int = 6 * HOUR
    """How long a training that has ended is kept for the visitor to come back to."""
    training_kept_factor: int = 20
    """Seconds for which a training that has ended keeps its sound and its checkpoint, for each second it was trained:
    what cost little is cheap to do again. ``visit_absent_seconds`` at least, ``training_kept_seconds`` at most; the
    codec stays for these."""
    full_disk_seconds: int = 5 * MINUTE
    """How long a process keeps a trained codec in memory that no disk has room for."""

    visits: int = 200
    """Visitors at the same time."""
    address_visits: int = 100
    """Visitors at the same time behind one address: half, so that no address can take the place of all others."""
    visit_idle_seconds: int = 3 * HOUR
    """How long a page is kept that is open, and on which nothing happens."""
    visit_absent_seconds: int = 10 * MINUTE
    """How long a page is kept that was closed, or lost its connection: it may come back."""
    visit_pages: int = 8
    """Pages that one visitor has open."""
    visit_works: int = 8
    """Clips that one visitor can go back to."""
    visit_disk_bytes: int = 2 * GIB
    """Bytes of one visitor's uploads, clips to train on and downloads."""
    visit_memory_bytes: int = 1 * GIB
    """Bytes of one visitor's clips, sounds and codecs."""
    address_memory_bytes: int = 3 * GIB
    """Bytes of the clips, sounds and codecs of all visitors behind one address: half of what there is for all."""

    def __post_init__(self) -> None:
        for limit in fields(self):
            value = getattr(self, limit.name)
            least = 0 if limit.name in MAY_BE_NONE else 1
            if limit.name != "folder" and value < least:
                raise ConfigError(f"{variable(limit.name)} must be {least} or more, got {value}.")

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "Settings":
        """The limits, with those changed that the environment names.

        Raises
        ------
        ConfigError
            If a variable that begins with ``DISTILL_`` names no limit, or its value is not a whole number above 0.
        """
        names = {variable(limit.name): limit.name for limit in fields(cls)}
        changes: dict[str, int | Path] = {}
        for key in (key for key in environment if key.startswith("DISTILL_")):
            if key not in names:
                raise ConfigError(f"{key} is no setting of Distill; there are {', '.join(names)}.")
            try:
                changes[names[key]] = Path(environment[key]) if names[key] == "folder" else int(environment[key])
            except ValueError as error:
                raise ConfigError(f"{key} must be a whole number, got {environment[key]!r:.40}.") from error
        return cls(**changes)  # type: ignore[arg-type]


def variable(name: str) -> str:
    """The environment variable that changes a limit."""
    return f"DISTILL_{name.upper()}"


DEFAULTS = Settings()
