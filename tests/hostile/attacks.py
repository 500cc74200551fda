"""What one stranger sends, again and again: each attack makes ready, and gives the function that sends once.

An attack is a function of a :class:`Stage`. What it returns is called by many threads at once, and tells whether the
server did what was asked: a refusal costs nobody anything.
"""

import itertools
import json
import socket
import time
from pathlib import Path

import httpx
import torch

from distill.codec import Codec
from distill.models import ConvVQVAE
from tests.hostile.stage import Send, Stage
from tests.hostile.strangers import Stranger, answered, closing, half_upload, long_text, origin


def _ok(answer: httpx.Response) -> bool:
    """Whether a server function did what was asked."""
    return answer.status_code == 200 and "error" not in answer.text[:200]


# What takes much of a machine in one call.


def uploads_that_never_end(stage: Stage) -> Send:
    """Uploads announced as 1 GiB, of which a byte comes now and then."""

    def send() -> bool:
        connection = half_upload(stage.url, address=stage.address, announced=2**30)
        with closing([connection]):
            for _ in range(40):
                if stage.stop.wait(1.0) or answered([connection], 0.01) != [""]:
                    return False
        return True

    return send


def one_file_many_times(stage: Stage) -> Send:
    """One upload, named 600 times in a call to add clips."""
    path = stage.sound("named.flac")

    def send() -> bool:
        (file,) = stage.mine().upload(path)
        return bool(stage.mine().call("add_clips", [file] * 600))

    return send


def long_grids_edited_at_once(stage: Stage) -> Send:
    """Texts of some 150 characters that are long grids, each with edits of a whole level."""
    strangers = [stage.come() for _ in range(3)]
    for stranger in strangers:
        stranger.open_text(long_text(stage.codec, stage.seconds))
    turn = itertools.count()

    def send() -> bool:
        number = next(turn)
        stranger = strangers[number % len(strangers)]
        region = {"levels": [0, 0], "rows": [0, 7], "columns": [0, stranger.shape[2] - 1]}
        asked = {"kind": "set", "code": number % stranger.codebook_size, **region}
        return _ok(stranger.post("component_server", stranger.serving("edit", **asked)))

    return send


def both_ends_of_a_long_grid(stage: Stage) -> Send:
    """One cell at each end of a long grid, in one edit, and its undo."""
    stranger = stage.come()
    stranger.open_text(long_text(stage.codec, stage.seconds))
    turn = itertools.count()

    def send() -> bool:
        code = next(turn) % stranger.codebook_size
        cells = [[0, 0], [0, stranger.shape[2] - 1]]
        asked = {"kind": "undo"} if code % 2 else {"kind": "paint", "level": 0, "cells": cells, "code": code}
        return _ok(stranger.post("component_server", stranger.serving("edit", **asked)))

    return send


def a_clip_asked_for_and_hung_up(stage: Stage) -> Send:
    """Edits of a whole level, and 130 requests for the sound of the same clip, hung up at once."""
    stranger = stage.come()
    stranger.open_text(long_text(stage.codec, stage.seconds))
    turn = itertools.count()

    def send() -> bool:
        if next(turn) % 2:
            hang_up(stranger, 130)
            return False
        code = next(turn) % stranger.codebook_size
        region = {"levels": [0, 0], "rows": [0, 7], "columns": [0, stranger.shape[2] - 1]}
        return _ok(stranger.post("component_server", stranger.serving("edit", kind="set", code=code, **region)))

    return send


def hang_up(stranger: Stranger, count: int, **request: object) -> None:
    """Ask so many times for a clip's sound, and do not wait for the answers."""
    host, port = origin(str(stranger.http.base_url))
    body = json.dumps(stranger.serving("sound", track="edited", piece=0)).encode()
    head = (
        f"POST /gradio_api/component_server HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Type: application/json\r\n"
        f"Cookie: distill={stranger.cookie}\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode()
    for _ in range(count):
        with socket.create_connection((host, port), timeout=10, source_address=(stranger.address, 0)) as connection:
            connection.sendall(head + body)


def long_clips(stage: Stage) -> Send:
    """Clips of ten minutes, a visit each."""
    path = stage.sound("long.flac")

    def send() -> bool:
        stranger = stage.come()
        stranger.open_clip(path)
        return True

    return send


def write_codecs(folder: Path, count: int, size: int = 64, dim: int = 32) -> list[Path]:
    """Untrained codecs, each another one."""
    torch.manual_seed(0)
    model = ConvVQVAE(codebook_dim=dim, codebook_size=size, num_quantizers=3)
    with torch.no_grad():
        model.train()(torch.randn(2, 1, 128, 64))
    paths = [folder / f"codec-{number}.distill" for number in range(count)]
    for number, path in enumerate(paths):
        with torch.no_grad():
            next(model.decoder.parameters()).view(-1)[0] = float(number)
        Codec(model.eval()).save(path)
    return paths


def codecs(stage: Stage) -> Send:
    """Codecs of many codes, each another one, a few for each visit."""
    paths, turn = write_codecs(stage.folder, 16, size=1024, dim=512), itertools.count()

    def send() -> bool:
        path = paths[next(turn) % len(paths)]
        return bool(stage.mine().call("load_codec", stage.mine().upload(path)[0]))

    return send


def uploads_at_once(stage: Stage) -> Send:
    """Uploads of 9 MB by one visit."""
    stranger, path = stage.come(), stage.folder / "nine.wav"
    path.write_bytes(b"RIFF" + bytes(9 * 2**20))

    def send() -> bool:
        return bool(stranger.upload(path))

    return send


def trainings_that_are_stopped(stage: Stage) -> Send:
    """A set of long clips in a small archive, trained on, and the training stopped."""
    paths = [stage.sound(f"set-{number}.flac", seed=number) for number in range(6)]

    def send() -> bool:
        stranger = stage.come()
        stranger.call("add_clips", stranger.upload(*paths))
        joined = stranger.join("train", 2, 8, 0.25, 15, True)
        time.sleep(2)
        list(stranger.stream("stop"))
        return joined.status_code == 200

    return send


def trainings_that_nobody_waits_for(stage: Stage) -> Send:
    """A visit each with five clips of 20 ms, a training of 15 minutes, and the page closed."""
    paths = [stage.sound(f"short-{number}.wav", 0.02, number) for number in range(5)]

    def send() -> bool:
        stranger = stage.come()
        stranger.call("add_clips", stranger.upload(*paths))
        told = next(iter(stranger.stream("train", 2, 8, 0.25, 15, True)))
        stranger.close()
        return bool(told)

    return send


def tiny_files(stage: Stage) -> Send:
    """Uploads of 600 files of 3 bytes."""
    strangers, turn = [stage.come() for _ in range(20)], itertools.count()
    files = [("files", (f"{number}.wav", b"abc")) for number in range(600)]

    def send() -> bool:
        stranger = strangers[next(turn) % len(strangers)]
        return stranger.http.post("/gradio_api/upload", files=files).status_code == 200

    return send


def answers_that_nobody_fetches(stage: Stage) -> Send:
    """Calls with large answers, each of a page of its own, whose stream is never opened."""
    stranger = stage.come()
    stranger.open_text(long_text(stage.codec, min(60.0, stage.seconds), seed=1))
    turn = itertools.count()

    def send() -> bool:
        return stranger.join("edit_listen", page=f"page{next(turn) % 60}").status_code == 200

    return send


def texts_that_nobody_fetches(stage: Stage) -> Send:
    """Calls of 250 bytes that open a long grid, their sender gone at once."""
    stranger, text = stage.come(), long_text(stage.codec, stage.seconds)
    turn = itertools.count()

    def send() -> bool:
        return stranger.join("open_text", text, page=f"gone{next(turn)}").status_code == 200

    return send


# What is small, but comes again and again.


def pages(stage: Stage) -> Send:
    """The page itself."""
    stranger = stage.come()
    return lambda: stranger.http.get("/").status_code == 200


def brackets(stage: Stage) -> Send:
    """Bodies of 59 000 empty brackets."""
    stranger = stage.come()
    stranger.open_page()
    body = json.dumps(stranger.serving("edit", kind="paint", cells="HERE")).replace(
        '"HERE"', "[" + "[]," * 58_990 + "0]"
    )
    headers = {"Content-Type": "application/json"}

    def send() -> bool:
        return stranger.http.post("/gradio_api/component_server", content=body, headers=headers).status_code == 200

    return send


def many_cells(stage: Stage) -> Send:
    """Edits that name 59 000 cells."""
    stranger, turn = stage.come(), itertools.count()
    stranger.open_page()
    cells = [[0, column % stranger.shape[2]] for column in range(59_000)]
    asked = {"kind": "paint", "level": 0, "cells": cells}
    bodies = [
        json.dumps(stranger.serving("edit", **asked, code=code)).encode() for code in range(stranger.codebook_size)
    ]
    headers = {"Content-Type": "application/json"}

    def send() -> bool:
        body = bodies[next(turn) % len(bodies)]
        return _ok(stranger.http.post("/gradio_api/component_server", content=body, headers=headers))

    return send


def auditions(stage: Stage) -> Send:
    """Codes by themselves."""
    stranger, turn = stage.come(), itertools.count()
    stranger.open_page()

    def send() -> bool:
        code = next(turn) % stranger.codebook_size
        return _ok(stranger.post("component_server", stranger.serving("audition", level=code % 3, code=code)))

    return send


def streams_of_no_page(stage: Stage) -> Send:
    """Streams of pages that do not exist."""
    stranger, turn = stage.come(), itertools.count()

    def send() -> bool:
        path = f"/gradio_api/queue/data?session_hash=nobody{next(turn)}"
        with stranger.http.stream("GET", path, timeout=5) as answer:
            answer.read()
            return answer.status_code == 200

    return send


def example_clips(stage: Stage) -> Send:
    """The examples, opened one after another."""
    turn, names = itertools.count(), ["loop_amen", "loop_tabla", "loop_mika", "loop_safari"]
    return lambda: bool(stage.mine().call("explore_example", names[next(turn) % len(names)]))


def pictures(stage: Stage) -> Send:
    """Explore's pictures of a part of the clip."""
    turn = itertools.count()
    return lambda: bool(stage.mine().call("explore_view", 0.01 * (next(turn) % 50), 1.5))


def health(stage: Stage) -> Send:
    """What the server says of itself."""
    stranger = stage.come()
    return lambda: stranger.http.get("/health").status_code == 200


def headers_that_never_end(stage: Stage) -> Send:
    """Requests whose headers go on and on."""
    host, port = origin(stage.url)

    def send() -> bool:
        with socket.create_connection((host, port), timeout=10, source_address=(stage.address, 0)) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\n")
            for number in range(30):
                connection.sendall(f"X-{number}: {number}\r\n".encode())
                if stage.stop.wait(1.0):
                    return False
        return True

    return send


ONCE = {
    uploads_that_never_end: 27, one_file_many_times: 1, long_grids_edited_at_once: 3, both_ends_of_a_long_grid: 1,
    a_clip_asked_for_and_hung_up: 2, long_clips: 4, codecs: 4, uploads_at_once: 12, trainings_that_are_stopped: 2,
    trainings_that_nobody_waits_for: 4, tiny_files: 4, answers_that_nobody_fetches: 4, texts_that_nobody_fetches: 8,
}  # fmt: skip
"""Attacks by which a few calls take much, with the number of connections."""
AGAIN = dict.fromkeys(
    (
        *(pages, brackets, many_cells, auditions, streams_of_no_page, tiny_files, example_clips, pictures, health),
        headers_that_never_end,
    ),
    50,
)
"""Attacks by many calls, with the number of connections."""
