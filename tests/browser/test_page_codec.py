"""The codec in a worker of a real browser: its sounds, what is urgent, and workers that fail."""

import base64
import functools
import http.server
import json
import threading

import numpy as np
import pytest

from distill.browser import FOLDER, KERNELS, one_script
from distill.codec.page_file import page_file
from tests.browser.conftest import random_grid

SETTINGS = {"codebook_dim": 4, "codebook_size": 16, "num_quantizers": 3}
OPEN = """
    const { PageCodec } = await import("/distill/browser/page_codec.js");
    const bytes = Uint8Array.from(atob(given.file), (c) => c.charCodeAt(0));
    const codes = Uint16Array.from(given.codes);
    const open = (options) => PageCodec.open(bytes.buffer, options);
    // A worker that does `fault` instead of answering the requests for which `when` is true.
    const script = (text) => URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
    const faulty = (when, fault) => () => {
      const first = script(`addEventListener("message", (event) => {
        const { data } = event;
        if (!(${when})) return;
        event.stopImmediatePropagation();
        ${fault};
      });`);
      const both = `import "${first}"; import "${location.origin}/distill/browser/codec_worker.js";`;
      return new Worker(script(both), { type: "module" });
    };
    const DIES = "throw new Error('the worker dies')";
    const all = async (parts) => {
      const samples = [];
      for await (const part of parts) samples.push(...part.samples);
      return samples;
    };
"""


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


@pytest.fixture(scope="module")
def site(repository):
    """The address of a server of the checkout."""
    handler = functools.partial(Quiet, directory=repository)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(scope="module")
def browser(new_browser):
    return new_browser()


@pytest.fixture(scope="module")
def small(random_codec):
    return random_codec(0, (16, 32, 2, 2), **SETTINGS)


@pytest.fixture
def evaluate(browser, site, small):
    """Runs a script in the page of a browser, with a codec and a grid of 100 frames at hand."""
    page = browser.new_page()
    page.goto(f"{site}/distill/browser/")
    given = {
        "file": base64.b64encode(page_file(small, encoder=True)).decode(),
        "codes": random_grid(small, 100).indices.ravel().tolist(),
    }

    def run(script: str, **more: object):
        return page.evaluate(f"async (given) => {{ {OPEN} {script} }}", given | more)

    yield run
    page.close()


def assert_is_the_sound_of(small, indices, samples, first: int, last: int) -> None:
    grid = random_grid(small, 100)
    expected = small.decode_frames(grid.with_indices(indices) if indices is not None else grid, slice(first, last))
    assert len(samples) == len(expected)
    assert np.abs(np.array(samples) - expected).max() < 1e-3 * max(1, np.abs(expected).max())


def test_a_grid_and_a_code_sound_as_in_torch(evaluate, small):
    sound, code, facts = evaluate("""
        const codec = await open();
        const grid = codec.openGrid(codes, 7, 100);
        const { levels, size, timeStride, hasEncoder, modelId } = codec;
        return [await all(grid.sound(3, 97)), [...await codec.audition(1, 5)],
                { levels, size, timeStride, hasEncoder, modelId }];
    """)
    assert_is_the_sound_of(small, None, sound, 3, 97)
    expected = small.audition(1, 5)
    assert np.abs(np.array(code) - expected).max() < 1e-3 * max(1, np.abs(expected).max())
    assert facts == {"levels": 3, "size": 16, "timeStride": 16, "hasEncoder": True, "modelId": small.model_id}


def test_a_clip_is_encoded_as_in_torch_part_by_part(evaluate, small):
    wave = (0.3 * np.sin(np.arange(300_000) * 0.03) * np.sin(np.arange(300_000) * 1e-4)).astype(np.float32)
    codes, columns, shares = evaluate(
        """
        const codec = await open();
        const wave = new Float32Array(Uint8Array.from(atob(given.wave), (c) => c.charCodeAt(0)).buffer);
        const shares = [];
        const grid = await codec.encode(wave, { onprogress: (share) => shares.push(share) });
        return [[...grid.codes], grid.columns, shares];
        """,
        wave=base64.b64encode(wave.tobytes()).decode(),
    )
    grid = small.encode(wave, 44_100)
    assert columns == grid.columns
    assert np.array_equal(np.array(codes).reshape(grid.indices.shape), grid.indices)
    assert len(shares) == 3
    assert shares[-1] == 1


def test_what_is_urgent_comes_before_what_is_not_and_begins_with_a_short_part(evaluate):
    order, parts = evaluate("""
        const codec = await open();
        const grid = codec.openGrid(codes, 7, 100);
        const order = [];
        const slow = Array.from({ length: 20 }, () => all(grid.sound(0, 16)).then(() => order.push("slow")));
        const parts = [];
        for await (const { first, samples } of grid.sound(20, 60, { urgent: true }))
          parts.push([first, samples.length / 512]);
        order.push("urgent");
        await Promise.all(slow);
        return [order, parts];
    """)
    assert order.index("urgent") < 6
    assert parts == [[20, 8], [28, 16], [44, 16]]


def test_a_sound_that_is_under_way_while_a_code_changes_has_the_new_code(evaluate, small):
    sound = evaluate("""
        const codec = await open();
        const grid = codec.openGrid(codes, 7, 100);
        const parts = all(grid.sound(0, 100));
        grid.put([[3, (codes[3] + 1) % 16]]);
        return parts;
    """)
    indices = random_grid(small, 100).indices.copy()
    indices[0, 0, 3] = (indices[0, 0, 3] + 1) % 16
    assert_is_the_sound_of(small, indices, sound, 0, 100)


def test_parts_and_edits_have_the_bits_of_the_whole_in_a_browser_as_well(evaluate):
    different = evaluate("""
        const [codec, other] = await Promise.all([open(), open()]);
        const grid = codec.openGrid(codes, 7, 100);
        let different = 0;
        for (const [position, code] of [[3, 1], [25, 2], [167, 3], [80, 4]]) {
          grid.put([[position, code]]);
          codes[position] = code;
          const part = await all(grid.sound(40, 60, { urgent: true }));
          const whole = await all(other.openGrid(codes, 7, 100).sound(0, 100));
          const again = await all(grid.sound(0, 100));
          different += part.filter((sample, i) => sample !== whole[40 * 512 + i]).length;
          different += again.filter((sample, i) => sample !== whole[i]).length;
        }
        return different;
    """)
    assert different == 0


def test_an_aborted_sound_ends_early(evaluate):
    parts = evaluate("""
        const codec = await open();
        const grid = codec.openGrid(codes, 7, 100);
        const control = new AbortController();
        let parts = 0;
        for await (const part of grid.sound(0, 100, { signal: control.signal }))
          if (++parts === 2) control.abort();
        return parts;
    """)
    assert parts == 2


@pytest.mark.parametrize(
    "fault",
    ["throw new Error('the worker dies')", "for (;;);", "close()"],
    ids=["dies", "hangs", "closes"],
)
def test_a_worker_that_fails_is_replaced_and_nothing_is_lost(evaluate, small, fault):
    sound, started = evaluate(
        """
        const good = faulty("false", ""), bad = faulty("data.kind === 'sound' && data.first > 20", given.fault);
        let started = 0;
        const codec = await open({ patience: 1, makeWorker: () => (started++ ? good() : bad()) });
        const grid = codec.openGrid(codes, 7, 100);
        grid.put([[3, (codes[3] + 1) % 16]]);
        return [await all(grid.sound(0, 100)), started];
        """,
        fault=fault,
    )
    assert started == 2
    indices = random_grid(small, 100).indices.copy()
    indices[0, 0, 3] = (indices[0, 0, 3] + 1) % 16
    assert_is_the_sound_of(small, indices, sound, 0, 100)


def test_a_request_that_ends_every_worker_is_given_up_and_others_go_on(evaluate):
    sentence, length, lost = evaluate("""
        const bad = faulty("data.kind === 'sound' && data.first === 40", DIES);
        const codec = await open({ makeWorker: bad });
        let lost = "";
        codec.onlost = (sentence) => { lost = sentence; };
        const grid = codec.openGrid(codes, 7, 100);
        const sentence = await all(grid.sound(40, 50)).catch((error) => error.message);
        return [sentence, (await all(grid.sound(0, 10))).length, lost];
    """)
    assert sentence == "The codec in this page stopped at this request."
    assert length == 10 * 512
    assert lost == ""


def test_a_codec_whose_workers_all_die_is_lost_with_a_sentence(evaluate, is_one_sentence):
    sentences, lost = evaluate("""
        let started = 0;
        const bad = faulty("true", DIES), good = faulty("data.kind === 'sound'", DIES);
        const codec = await open({ makeWorker: () => (started++ ? bad() : good()) });
        const lost = new Promise((resolve) => { codec.onlost = resolve; });
        const grid = codec.openGrid(codes, 7, 100);
        const asked = [grid.sound(0, 10), grid.sound(10, 20)].map((parts) => all(parts).catch((e) => e.message));
        const sentences = await Promise.all(asked);
        sentences.push(await codec.audition(0, 0).then(String, (error) => error.message));
        return [sentences, await lost];
    """)
    assert all(is_one_sentence(sentence) for sentence in [*sentences, lost])


def test_a_file_that_is_refused_is_a_sentence(evaluate, is_one_sentence):
    sentence, nothing = evaluate("""
        bytes[bytes.length - 100] = 0;
        const cut = bytes.slice(0, -10).buffer;
        const sentence = await PageCodec.open(cut).catch((error) => error.message);
        const nothing = await PageCodec.open(bytes.buffer, { makeWorker: () => { throw new Error("no"); } })
          .catch((error) => error.message);
        return [sentence, nothing];
    """)
    assert is_one_sentence(sentence, "cut short")
    assert is_one_sentence(nothing, "worker")


def test_a_page_without_a_server_has_the_codec_in_one_file(browser, small, tmp_path):
    def encoded(data: bytes) -> str:
        return base64.b64encode(data).decode()

    given = {
        "file": encoded(page_file(small)),
        "worker": one_script("codec_worker"),
        "kernels": {name: encoded((FOLDER / name).read_bytes()) for name in KERNELS},
        "codes": random_grid(small, 100).indices.ravel().tolist(),
    }
    script = """
        const bytes = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
        const worker = URL.createObjectURL(new Blob([given.worker], { type: "text/javascript" }));
        const codec = await module_page_codec.PageCodec.open(bytes(given.file).buffer, {
          makeWorker: () => new Worker(worker),
          kernel: async (name) => bytes(given.kernels[name]),
        });
        const grid = codec.openGrid(Uint16Array.from(given.codes), 7, 100);
        window.samples = [];
        for await (const part of grid.sound(0, 100)) samples.push(...part.samples);
        document.title = "done";
    """
    data = json.dumps(given).replace("</", "<\\/")
    html = f'<script type="module">const given = {data};\n{one_script("page_codec")}\n{script}</script>'
    (tmp_path / "page.html").write_text(html)
    page = browser.new_page()
    page.context.set_offline(True)
    page.goto((tmp_path / "page.html").as_uri())
    page.wait_for_function("document.title === 'done'")
    assert_is_the_sound_of(small, None, page.evaluate("samples"), 0, 100)
    page.close()
