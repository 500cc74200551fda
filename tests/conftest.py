"""What the tests share: the codec and the clips that come with Distill, short clips, and a small untrained codec."""

import asyncio
import inspect
import os
import shutil
import signal
import socket
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch
from hypothesis import HealthCheck, settings
from xdist.scheduler import LoadFileScheduling

from distill.audio import SAMPLE_RATE, Clip, LogMel, load_clip
from distill.cli import main
from distill.codec import Codec
from distill.codes import CodeGrid
from distill.models import ConvVQVAE
from distill.training.config import VQVAEConfig
from distill.training.dataset import MelClip, to_mel_clip
from tests.eager import train_eagerly
from tests.hub.stand_in import WRITES, StandIn
from tests.waiting import PATIENCE

settings.register_profile(
    "repeatable",
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=50,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
settings.load_profile("repeatable")
CHROMIUM_FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
train_eagerly()
torch.set_num_threads(1)  # the models are small: on a busy machine, threads wait for each other longer than they work


SERVED = ("hostile", "space")
"""Rooms whose tests talk to a server, as strangers do: each room to a few servers of its own."""
LONGEST = ("e2e", *SERVED, "test_system.py", "bench", "editing", "training", "jobs", "server", "test_cli.py", "codec")
"""Rooms and files whose tests take longest, in this order; each file elsewhere takes a few seconds."""


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Two processes for many files; this one alone for one file, and for ``-s``: others could not print."""
    files = {Path(argument.split("::")[0]) for argument in config.args}
    are_many = len(files) > 1 or any(file.is_dir() for file in files)
    return 2 if are_many and config.option.capture != "no" else 0


class RoomScheduling(LoadFileScheduling):
    """All of a room that talks to servers is for one process, which starts them once; other rooms go file by file."""

    def _split_scope(self, nodeid: str) -> str:
        file = Path(super()._split_scope(nodeid))
        return file.parent.name if file.parent.name in SERVED else str(file)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadFileScheduling:
    return RoomScheduling(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest comes first, or one process would wait for the other in the end."""
    tests = Path(__file__).parent
    places = {tests / name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path, places.get(item.path.parent, len(places))))


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Tests that await run in a thread with a loop of its own: the browser's tests keep one in the main thread."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    given = {name: pyfuncitem.funcargs[name] for name in inspect.signature(pyfuncitem.obj).parameters}
    with ThreadPoolExecutor(1) as thread:
        thread.submit(lambda: asyncio.run(pyfuncitem.obj(**given))).result()
    return True


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="session")
def repository() -> Path:
    return Path(__file__).parents[1]


@pytest.fixture(scope="session")
def new_browser():
    """Starts Chromium, with more flags where they are given; each is closed in the end."""
    path = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    if path is None:
        reason = "A browser test needs Chromium: apt-get install chromium, or set CHROMIUM to its path."
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    from playwright.sync_api import expect, sync_playwright  # one for all: two cannot stand in one process

    expect.set_options(timeout=1000 * PATIENCE)
    with sync_playwright() as playwright:
        started = []

        def start(*flags):
            started.append(playwright.chromium.launch(executable_path=path, args=[*CHROMIUM_FLAGS, *flags]))
            return started[-1]

        yield start
        for browser in started:
            browser.close()


@pytest.fixture(scope="session")
def examples(repository: Path) -> Path:
    return repository / "examples"


@pytest.fixture(scope="session")
def codec_path(examples: Path) -> Path:
    return examples / "models" / "loops.distill"


@pytest.fixture(scope="session")
def codec(codec_path: Path) -> Codec:
    return Codec.load(codec_path)


@pytest.fixture(scope="session")
def drums(examples: Path) -> Clip:
    """Percussion of 2.5 s: 14 columns."""
    return load_clip(examples / "clips" / "loop_perc1.flac")


@pytest.fixture(scope="session")
def drone(examples: Path) -> Clip:
    """A held chord of 4.9 s: 27 columns."""
    return load_clip(examples / "clips" / "loop_drone_g_97.flac")


@pytest.fixture(scope="session")
def grid(codec: Codec, drums: Clip) -> CodeGrid:
    return codec.encode(drums.waveform, SAMPLE_RATE)


@pytest.fixture(scope="session")
def decoded(codec: Codec, grid: CodeGrid) -> np.ndarray:
    return codec.decode(grid)


@pytest.fixture(scope="session")
def clip_folder(examples: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the first 0.6 to 1.1 s of six of the example clips."""
    folder = tmp_path_factory.mktemp("clips")
    for number, path in enumerate(sorted((examples / "clips").glob("*.flac"))[:6]):
        waveform = load_clip(path).waveform[: int((0.6 + 0.1 * number) * SAMPLE_RATE)]
        soundfile.write(folder / f"{path.stem}.wav", waveform, SAMPLE_RATE)
    return folder


@pytest.fixture(scope="session")
def mel_clips(clip_folder: Path) -> Sequence[MelClip]:
    log_mel = LogMel()
    return [to_mel_clip(load_clip(path), log_mel) for path in sorted(clip_folder.iterdir())]


@pytest.fixture(scope="session")
def quick_config() -> VQVAEConfig:
    """Twelve steps of a model with few codes, without a clock."""
    return VQVAEConfig(
        codebook_size=16, codebook_dim=8, crop_frames=32, batch_size=8, epochs=6, minutes=None, validations=3
    )


@pytest.fixture(scope="session")
def small_model() -> Callable[..., ConvVQVAE]:
    """Builds a model whose codebooks have seen one batch of noise."""

    def build(seed: int = 0, **settings: float) -> ConvVQVAE:
        torch.manual_seed(seed)
        model = ConvVQVAE(**({"codebook_dim": 8, "codebook_size": 16, "num_quantizers": 3} | settings))
        with torch.no_grad():
            model.train()(torch.randn(2, 1, 128, 64))
        return model.eval()

    return build


@pytest.fixture(scope="session", params=[8, 4])
def fine_codec(request: pytest.FixtureRequest, codec: Codec, small_model: Callable[..., ConvVQVAE]) -> Codec:
    """An untrained codec with a time stride of 8, and one of 4. Its sounds are about as loud as those of ``codec``."""
    model = small_model(time_stride=request.param)
    model.set_statistics(codec.model.mel_mean.flatten(), codec.model.mel_std.flatten())
    return Codec(model)


@pytest.fixture(scope="session")
def other_codec_path(small_model: Callable[..., ConvVQVAE], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("codec") / "other.distill"
    Codec(small_model()).save(path)
    return path


@pytest.fixture(scope="session")
def other_codec(other_codec_path: Path) -> Codec:
    return Codec.load(other_codec_path)


@pytest.fixture(scope="session")
def unused_port() -> int:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        return server.getsockname()[1]


@pytest.fixture(scope="session")
def is_one_sentence() -> Callable[..., bool]:
    """Whether an error is one sentence that names what it is about."""

    def check(error: object, *names: str) -> bool:
        message = str(error)
        one = message.endswith(".") and "\n" not in message and ". " not in message
        return one and all(name in message for name in names) and "/" not in message

    return check


@pytest.fixture(scope="session")
def clip_path(clip_folder) -> Path:
    return clip_folder / "loop_amen.wav"


@pytest.fixture
def distill(capsys) -> Callable[..., tuple[int, str, str]]:
    """Return a function that runs a command and returns its exit status, stdout and stderr."""

    def run(*arguments: object) -> tuple[int, str, str]:
        handler = signal.getsignal(signal.SIGINT)
        try:
            status = main([str(argument) for argument in arguments])
        except SystemExit as end:
            status = end.code
        finally:
            signal.signal(signal.SIGINT, handler)
        printed = capsys.readouterr()
        return status, printed.out, printed.err

    return run


@pytest.fixture
def as_the_hub(monkeypatch, tmp_path) -> Callable[[StandIn], StandIn]:
    """Lets the real client of the Hugging Face Hub talk to a stand-in, with ada's token that may write."""
    from huggingface_hub import constants

    def connect(stand_in: StandIn) -> StandIn:
        monkeypatch.setattr(constants, "ENDPOINT", stand_in.url)
        monkeypatch.setattr(
            constants, "HUGGINGFACE_CO_URL_TEMPLATE", f"{stand_in.url}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
        )
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        monkeypatch.setenv("HF_TOKEN", WRITES)
        return stand_in

    return connect


@pytest.fixture
def hub(as_the_hub) -> Iterator[StandIn]:
    """A stand-in for the Hugging Face Hub."""
    stand_in = as_the_hub(StandIn())
    yield stand_in
    stand_in.close()
