"""What Ray does: workers by Ray Data (https://docs.ray.io/en/latest/data/data.html), each with a codec of its own."""

import contextlib
import json
import os
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

from distill import __version__
from distill.errors import DistillError

if TYPE_CHECKING:
    import pyarrow as pa

WORKER_BYTES = 3 * 1024**3 // 2
"""Memory that a worker asks of a machine of a cluster: torch, the codec, a clip of ten minutes and its log-mels."""
STORE_BYTES = 80 * 1024**2
"""Memory of Ray's object store on this machine, near the least that Ray takes; more answers wait on the disk."""
TRIES, START_TRIES = 2, 5
Say = Callable[[dict[str, Any]], None]


class RefusedError(Exception):
    """A sentence for the person who gave the command."""


class RayWorker:
    """A worker in a process of Ray's.

    Parameters
    ----------
    job : dict
        The fields of :class:`~distill.scale.rows.Job`.
    codec : bytes
        The ``.distill`` file; machines of a cluster need not see it.
    """

    def __init__(self, job: dict[str, str], codec: bytes) -> None:
        import torch

        from distill.scale.rows import Job, open_worker

        torch.set_num_threads(1)
        self._stack = contextlib.ExitStack()
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "codec.distill")
            path.write_bytes(codec)
            self._do = self._stack.enter_context(open_worker(Job(**job | {"codec": str(path)})))

    def __call__(self, batch: "pa.Table") -> "pa.Table":
        """Do a batch: a column ``item`` of JSON in, a column ``answer`` of JSON out, in the same order."""
        import pyarrow as pa

        return pa.table({"answer": [json.dumps(self._answer(json.loads(text))) for text in batch["item"].to_pylist()]})

    def _answer(self, numbered: dict[str, Any]) -> dict[str, Any]:
        try:
            return {"item": numbered["number"], "answer": self._do(numbered["item"])}
        except DistillError as error:
            return {"failed": str(error)}
        except Exception as error:
            return {"failed": f"A worker failed: {type(error).__name__}, {str(error).partition(chr(10))[0]:.200}."}


def look(folder: str) -> tuple[str, bool]:
    """What a machine of the cluster has: its version of Distill, and whether it sees a folder."""
    return __version__, os.path.isdir(folder)


def run(request: dict[str, Any], say: Say) -> None:
    """Start Ray or connect to it, do all items, and say each answer.

    Items whose worker ended are tried again once, and then twice by themselves; what ends each worker has no answer but
    ``reason`` and ``may_pass``.

    Raises
    ------
    RefusedError
        If there is no machine for a worker, or a machine lacks Distill or the folder.
    """
    import ray
    import ray.data

    address, workers = request["address"], request["workers"]
    _start(ray, address, workers)
    say({"connected": True})
    needs: dict[str, Any] = {"num_cpus": 1} | ({"memory": WORKER_BYTES} if address else {})
    if address:
        workers = _count_room(ray.nodes(), workers)
        _check_machine(ray, request, needs)
    say({"ready": workers})
    codec = Path(request["codec"]).read_bytes()
    job = {name: request[name] for name in ("task", "codec", "folder", "vocoder")}
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.max_errored_blocks = -1
    waiting = dict(enumerate(request["items"]))
    for batch in (request["batch"], 1):
        if waiting:
            _do_all(ray, waiting, (job, codec), min(workers, len(waiting)), batch, needs, say)
    from distill.audio.archives import printable
    from distill.scale.pool import LOST

    for number, item in waiting.items():
        name = printable(PurePath(item.get("file", "A row")).name)
        say({"item": number, "answer": {"reason": LOST.format(name=name), "may_pass": True}})
    if address:
        ray.shutdown()


def _start(ray: Any, address: str | None, workers: int) -> None:
    """Connect to a cluster, or start Ray on this machine; a busy machine may need more time than Ray gives itself."""
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR"}
    if address:
        ray.init(address=address, **quiet)
        return
    for attempt in range(START_TRIES):
        try:
            ray.init(
                address="local",
                num_cpus=workers,
                num_gpus=0,
                object_store_memory=STORE_BYTES,
                include_dashboard=False,
                _node_ip_address="127.0.0.1",  # nothing of it can be reached from elsewhere, and no network is needed
                **quiet,
            )
            return
        except Exception:
            if attempt == START_TRIES - 1:
                raise
            ray.shutdown()


def _do_all(
    ray: Any,
    waiting: dict[int, Any],
    given: tuple[dict[str, str], bytes],
    workers: int,
    batch: int,
    needs: dict[str, Any],
    say: Say,
) -> None:
    """Give items to workers, say their answers, and take those that have one out of ``waiting``."""
    numbered = [{"item": json.dumps({"number": number, "item": item})} for number, item in waiting.items()]
    answered = ray.data.from_items(numbered, override_num_blocks=-(-len(numbered) // batch)).map_batches(
        RayWorker,
        fn_constructor_args=given,
        batch_size=batch,
        batch_format="pyarrow",
        compute=ray.data.ActorPoolStrategy(size=workers, max_tasks_in_flight_per_actor=1 if batch == 1 else 2),
        ray_remote_args_fn=lambda: {"max_restarts": -1, "max_task_retries": TRIES - 1},
        **needs,
    )
    for block in answered.iter_batches(batch_size=None, batch_format="pyarrow", prefetch_batches=0):
        for text in block["answer"].to_pylist() if "answer" in block.column_names else ():
            message = json.loads(text)
            if "failed" in message:
                raise RefusedError(message["failed"])
            if waiting.pop(message["item"], None) is not None:  # of two answers, the first counts
                say(message)


def _count_room(nodes: Sequence[dict[str, Any]], asked: int) -> int:
    """How many workers a cluster takes: as many as asked for, or as fit on its machines.

    Raises
    ------
    RefusedError
        If none fits on any machine.
    """
    resources = [node["Resources"] for node in nodes if node["Alive"]]
    room = [min(int(has.get("CPU", 0)), int(has.get("memory", 0) // WORKER_BYTES)) for has in resources]
    if not sum(room):
        raise RefusedError(
            "No machine of the cluster is large enough: a worker needs a processor and "
            f"{WORKER_BYTES / 1024**3:.1f} GiB of memory."
        )
    return min(asked, sum(room)) if asked else sum(room)


def _check_machine(ray: Any, request: dict[str, Any], needs: dict[str, Any]) -> None:
    """Let one machine of the cluster say what it has."""
    try:
        version, sees = ray.get(ray.remote(**needs)(look).remote(request["folder"]), timeout=request["room_seconds"])
    except ray.exceptions.GetTimeoutError as error:
        seconds = request["room_seconds"]
        raise RefusedError(f"No machine of the cluster had room for a worker within {seconds:.0f} seconds.") from error
    except Exception as error:
        if "No module named" not in str(error):
            raise
        raise RefusedError(
            f"The machines of the cluster lack Distill {__version__}; please install it there."
        ) from error
    if version != __version__:
        raise RefusedError(f"The machines of the cluster have Distill {version}, and this one has {__version__}.")
    if not sees:
        name = Path(request["folder"]).name
        raise RefusedError(f"The machines of the cluster do not see the folder {name}; it must have one path on all.")
