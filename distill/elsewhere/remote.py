"""Trainings on Hugging Face Jobs: machines by the minute, paid by the account of a token.

The clips go to a private repository of that account, which the job deletes as soon as it has them; the codec comes back
in another one. Of the service itself, only what is read here on 27 November 2026 is known: the reference of
``huggingface_hub`` 2.4, https://huggingface.co/docs/huggingface_hub/guides/jobs, and
https://huggingface.co/docs/hub/jobs-pricing (any account with a positive balance may run jobs, which are billed by the
minute). Prices and hardware are asked of the Hub each time.
"""

import re
import secrets
import shutil
import tempfile
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from distill.elsewhere.account import Account, is_passing
from distill.elsewhere.job import REPOSITORY, RESULT, SECONDS
from distill.errors import CodecFileError, HubError, TrainingError
from distill.hub import CODEC_FILE

if TYPE_CHECKING:
    from huggingface_hub import JobInfo

    from distill.codec import Codec
    from distill.jobs.events import WorkerEvent

IMAGE = "ghcr.io/astral-sh/uv:python3.12-bookworm"
"""The image that ``huggingface_hub`` takes for scripts; read on 27 November 2026."""
PYTHON = "3.12"
LABEL = "distill"
NAME = re.compile("distill-[0-9a-f]{16}")
JOB_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
LAST_LINES = 8
LINE_LENGTH = 300
BEGIN = """
import os, tempfile, time
os.environ["DISTILL_JOB_BEGAN"] = str(time.time())
from huggingface_hub import snapshot_download
folder = snapshot_download(os.environ["DISTILL_JOB"], local_dir=tempfile.mkdtemp())
wheel = next(name for name in os.listdir(folder) if name.endswith(".whl"))
options = ["--no-project", "--python", "PYTHON", "--with", os.path.join(folder, wheel), "--with", "CLIENT"]
os.execvp("uv", ["uv", "run", *options, "python", "-m", "distill.elsewhere.job", folder])
"""
"""The job's first program: it fetches what was sent, and goes on as the Distill in there."""


@dataclass(frozen=True)
class Hardware:
    """A machine that can be rented.

    Attributes
    ----------
    name : str
        As the Hub calls it, such as "l4x1".
    words : str
        What it is, for people.
    minute_usd : float or None
        Price of a minute in US dollars; None if the Hub counts otherwise.

    Examples
    --------
    >>> Hardware("l4x1", "1x Nvidia L4", 0.0133).cost(1800)
    '1x Nvidia L4 (l4x1), $0.80 an hour: about $0.40 if it takes all its time'
    """

    name: str
    words: str
    minute_usd: float | None

    def cost(self, seconds: float) -> str:
        """Say what so many seconds cost."""
        named = f"{self.words} ({self.name})"
        if self.minute_usd is None:
            return f"{named}, at the price on https://huggingface.co/docs/hub/jobs-pricing"
        whole = f"about ${seconds / 60 * self.minute_usd:.2f} if it takes all its time"
        return f"{named}, ${60 * self.minute_usd:.2f} an hour: {whole}"


@dataclass(frozen=True)
class RemoteJob:
    """A job on Hugging Face Jobs that trains a codec.

    Attributes
    ----------
    id : str
    account : str
        Who pays for it.
    repository : str
        Private repository that the clips came in.
    limit_seconds : float
        Time after which the Hub ends it.
    url : str
        Its page.
    """

    id: str
    account: str
    repository: str
    limit_seconds: float
    url: str


@dataclass(frozen=True)
class Ending:
    """How a job ended.

    Attributes
    ----------
    problem : str
        What went wrong, in one sentence; "" if the codec is there.
    last_lines : tuple of str
        What its log ends with, where that tells more.
    """

    problem: str = ""
    last_lines: tuple[str, ...] = ()


class RemoteTrainings:
    """Runs trainings on Hugging Face Jobs.

    Parameters
    ----------
    account : Account
        Who pays for them.
    """

    def __init__(self, account: Account) -> None:
        self._account, self._api = account, account.api

    def hardware(self, name: str) -> Hardware:
        """Look up a machine by its name.

        Raises
        ------
        HubError
            If there is none of this name, or the Hub cannot be reached.
        """
        with self._account.plainly():
            known = {each.name: each for each in self._api.list_jobs_hardware()}
        if name not in known:
            raise HubError(
                f"Hugging Face Jobs have no hardware “{name:.40}”; there is {', '.join(known) or 'none at all'}."
            )
        found = known[name]
        return Hardware(name, found.pretty_name, found.unit_cost_usd if found.unit_label == "minute" else None)

    def new_name(self) -> str:
        """A name that nobody can guess for the repository of the clips."""
        return f"{self._account.name}/distill-{secrets.token_hex(8)}"

    def send(self, folder: Path, repository: str) -> None:
        """Upload a folder to a new private repository; if that fails, the repository is deleted.

        Raises
        ------
        HubError
            If the token may not, the repository is not private, or the Hub cannot be reached.
        """
        with self._deleted_unless_done(repository), self._account.plainly():
            from huggingface_hub import CommitOperationAdd

            self._api.create_repo(repository, private=True)
            if not self._api.model_info(repository).private:
                raise HubError("The Hub did not make a private repository, so no clip was sent.")
            files = [CommitOperationAdd(path.name, path) for path in sorted(folder.iterdir()) if path.is_file()]
            self._api.create_commit(repository, files, commit_message="A training")

    def start(self, repository: str, hardware: str, limit_seconds: float) -> RemoteJob:
        """Start the job that trains on what was sent; if that fails, what was sent is deleted.

        Parameters
        ----------
        repository : str
            Where it was sent to.
        hardware : str
            Name of the machine.
        limit_seconds : float
            Time after which the Hub ends the job.

        Raises
        ------
        HubError
            If the account has no credit, the token may not run jobs, or the Hub cannot be reached.
        """
        with self._deleted_unless_done(repository), self._account.plainly():
            import huggingface_hub

            client = f"huggingface_hub=={huggingface_hub.__version__}"
            begin = BEGIN.replace("PYTHON", PYTHON).replace("CLIENT", client)
            labels = {LABEL: repository.partition("/")[2]}
            try:
                info = self._api.run_job(
                    image=IMAGE,
                    command=["uv", "run", "--no-project", "--python", PYTHON, "--with", client, "python", "-c", begin],
                    env={REPOSITORY: repository, SECONDS: str(int(limit_seconds)), "HF_HUB_DISABLE_PROGRESS_BARS": "1"},
                    secrets={"HF_TOKEN": self._account.token},
                    flavor=hardware,
                    timeout=int(limit_seconds),
                    attempts=1,
                    labels=labels,
                    name=labels[LABEL],
                    namespace=self._account.name,
                )
            except huggingface_hub.errors.HTTPError as error:
                if not is_passing(error):
                    raise
                known = self._api.list_jobs(labels=labels, namespace=self._account.name)  # its answer may be lost
                started = [job for job in known if (job.labels or {}).get(LABEL) == labels[LABEL]]
                if not started:
                    raise
                info = started[0]
        return self._job(info)

    def find(self, job_id: str) -> RemoteJob:
        """A job that was started earlier.

        Raises
        ------
        HubError
            If the account has no such job, it trains no codec, or the Hub cannot be reached.
        """
        missing = HubError(f"{self._account.name} has no training with the id “{job_id:.64}” on Hugging Face Jobs.")
        if not JOB_ID.fullmatch(job_id):
            raise missing
        with self._account.plainly():
            from huggingface_hub.errors import HfHubHTTPError

            try:
                info = self._account.patiently(
                    lambda: self._api.inspect_job(job_id=job_id, namespace=self._account.name)
                )
            except HfHubHTTPError as error:
                if error.response.status_code in (400, 404):
                    raise missing from error
                raise
        account, _, name = str((info.environment or {}).get(REPOSITORY)).partition("/")
        if account != self._account.name or not NAME.fullmatch(name):  # what it names will be deleted
            raise missing
        return self._job(info)

    def follow(self, job: RemoteJob, show: "Callable[[WorkerEvent], object]") -> Ending:
        """Wait until a job has ended, and show the events in its log as they come.

        Where the connection breaks, it is made again, and no event is shown twice.

        Raises
        ------
        HubError
            If the Hub cannot be reached for too long. The job goes on.
        """
        from distill.jobs.events import Failed, from_line

        reason, last, num_seen = "", deque[str](maxlen=LAST_LINES), 0

        def listen() -> "JobInfo":
            nonlocal reason, num_seen
            lines = self._api.fetch_job_logs(job_id=job.id, namespace=self._account.name, follow=True)
            for number, line in enumerate(lines):
                self._account.heard()
                if number < num_seen:
                    continue
                num_seen = number + 1
                try:
                    event = from_line(line.encode())
                except ValueError:
                    last.append("".join(each for each in line[:LINE_LENGTH] if each.isprintable()))
                    continue
                if isinstance(event, Failed):
                    reason = event.error
                show(event)
            return self._api.inspect_job(job_id=job.id, namespace=self._account.name)

        with self._account.plainly():
            from huggingface_hub import JobStage

            over = (JobStage.COMPLETED, JobStage.CANCELED, JobStage.ERROR, JobStage.DELETED)
            while (info := self._account.patiently(listen)).status.stage not in over:
                self._account.wait()
        problem = _problem(info, job, reason)
        return Ending(problem, tuple(filter(str.strip, last)) if problem and not reason else ())

    def fetch(self, job: RemoteJob, out: Path) -> "Codec":
        """Download the codec that a job has made, check it as that of a stranger, and write it to a file.

        Raises
        ------
        HubError
            If the Hub cannot be reached for too long; the codec stays there.
        TrainingError
            If the job left no codec, or what it left is none.
        OSError
            If the file cannot be written; the codec stays on the Hub.
        """
        from distill.codec import Codec

        with tempfile.TemporaryDirectory() as cache:
            path = self._download(job, cache)
            try:
                codec = Codec.load(path)
            except CodecFileError as error:
                raise TrainingError(f"What the job left is no codec: {error}") from error
            unfinished = out.with_name(f"{out.name}.part")
            try:
                shutil.copyfile(path, unfinished)
                unfinished.replace(out)
            finally:
                unfinished.unlink(missing_ok=True)
        return codec

    def _download(self, job: RemoteJob, cache: str) -> Path:
        """Download what a job left."""
        from distill.settings import DEFAULTS

        with self._account.plainly():
            from huggingface_hub import get_hf_file_metadata, hf_hub_download, hf_hub_url
            from huggingface_hub.errors import HfHubHTTPError

            def download() -> Path:
                url = hf_hub_url(job.repository + RESULT, CODEC_FILE)
                size = get_hf_file_metadata(url, token=self._account.token).size
                if size is None or size > DEFAULTS.codec_bytes:
                    raise TrainingError("The job left a file that is too large to be a codec.")
                found = hf_hub_download(job.repository + RESULT, CODEC_FILE, token=self._account.token, cache_dir=cache)
                return Path(found)

            try:
                return self._account.patiently(download)
            except HfHubHTTPError as error:
                if error.response.status_code == 404:
                    raise TrainingError("The job left no codec, or it has been fetched already.") from error
                raise

    def cancel(self, job: RemoteJob) -> None:
        """End a job.

        Raises
        ------
        HubError
            If the Hub cannot be reached, or refuses.
        """
        with self._account.plainly():
            self._account.patiently(lambda: self._api.cancel_job(job_id=job.id, namespace=self._account.name))

    def clean_up(self, repository: str) -> str:
        """Delete a job's repositories; return a sentence that tells which one is left, or ""."""
        left = []
        for name in (repository, repository + RESULT):
            try:
                with self._account.plainly():
                    self._api.delete_repo(name, missing_ok=True)
            except HubError:
                left.append(name)
        if not left:
            return ""
        return f"The Hub did not delete {' and '.join(left)}, which only you can read; please delete it on its page."

    def _job(self, info: "JobInfo") -> RemoteJob:
        known = info.environment or {}
        seconds = str(known.get(SECONDS, ""))
        limit = float(seconds) if seconds.isdecimal() else float("inf")
        return RemoteJob(info.id, self._account.name, str(known[REPOSITORY]), limit, info.url)

    @contextmanager
    def _deleted_unless_done(self, repository: str) -> Iterator[None]:
        try:
            yield
        except BaseException as error:
            left = self.clean_up(repository)
            if left and isinstance(error, HubError | KeyboardInterrupt):
                raise HubError(f"{str(error) or 'Interrupted.'} {left}") from error
            raise


def _problem(info: "JobInfo", job: RemoteJob, reason: str) -> str:
    """What went wrong in a job that has ended; "" if nothing did."""
    stage, message = str(getattr(info.status.stage, "value", info.status.stage)), info.status.message or ""
    seconds = (info.durations.running_secs if info.durations else None) or 0
    if stage == "COMPLETED":
        return ""
    if stage in ("CANCELED", "DELETED"):
        return "The job was cancelled before the training ended."
    if reason:
        return f"The training failed in the job: {reason}"
    if "timeout" in message.lower().replace(" ", "") or seconds >= job.limit_seconds:
        return (
            f"The job reached its limit of {job.limit_seconds / 60:.0f} minutes before the training ended; please give "
            "it more by --job-minutes."
        )
    said = "".join(each for each in message[:LINE_LENGTH] if each.isprintable()).rstrip(".")
    return f"The job failed{f': {said}' if said else ''}."
