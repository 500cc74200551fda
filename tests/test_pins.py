"""Private names of other libraries that Distill uses: each is there and does what is relied on, and each is listed."""

import ast
import asyncio
import inspect
import io
import re
import sys
import zipfile
from pathlib import Path
from types import SimpleNamespace

import gradio as gr
import gradio_client
import pytest
import torch
import uvicorn
from gradio.queueing import Queue
from gradio.route_utils import XSS_SAFE_MIMETYPES, CustomCORSMiddleware
from gradio.routes import file_upload_statuses
from gradio.utils import set_task_name
from safetensors import safe_open
from starlette._utils import get_route_path
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware

from distill.models import ConvVQVAE

ROW = re.compile(r"\| (?P<library>[^|]+) \| (?P<names>[^|]+) \| (?P<files>[^|]+) \| [^|]+ \| `(?P<test>\w+)` \|")
CODE = re.compile(r"`([^`]+)`")


@pytest.fixture(scope="module")
def rows(repository) -> list[re.Match]:
    text = (repository / ".github" / "CONTRIBUTING.md").read_text(encoding="utf-8")
    section = text.split("## Private names of other libraries")[1]
    return [row for line in section.splitlines() if (row := ROW.fullmatch(line))]


def is_private(name: object) -> bool:
    return isinstance(name, str) and name.startswith("_") and len(name) > 1 and not name.startswith("__")


def private_names(path: Path) -> set[str]:
    """Names with an underscore that a module uses and does not define: attributes of what is not its own, imports,
    keywords, and attributes asked for by name."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    used, own = set(), set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            own.add(node.name)
        elif isinstance(node, ast.Attribute) and is_private(node.attr):
            is_own = isinstance(node.value, ast.Name) and node.value.id in ("self", "cls")
            (own if is_own else used).add(node.attr)
        elif isinstance(node, ast.ImportFrom) and not (node.module or "").startswith("distill"):
            parts = (node.module or "").split(".")
            names = [alias.name for alias in node.names]
            if any(map(is_private, [*parts, *names])):
                used |= {".".join([*parts[1:], name]) for name in names}
        elif isinstance(node, ast.Call):
            used |= {keyword.arg for keyword in node.keywords if is_private(keyword.arg)}
            if isinstance(node.func, ast.Name) and node.func.id in ("getattr", "hasattr", "setattr", "delattr"):
                used |= {arg.value for arg in node.args[1:2] if isinstance(arg, ast.Constant) and is_private(arg.value)}
    return used - own


def test_every_private_name_in_the_code_is_in_the_list_and_every_listed_one_in_the_code(repository, rows):
    found = {
        (name, str(path.relative_to(repository)))
        for path in (repository / "distill").rglob("*.py")
        for name in private_names(path)
    }
    listed = {
        (name, file) for row in rows for name in CODE.findall(row["names"]) for file in CODE.findall(row["files"])
    }
    assert found - listed == set(), "not in the list of .github/CONTRIBUTING.md"
    for name, file in listed:
        words = (repository / file).read_text(encoding="utf-8")
        assert re.search(rf"\b{name.rpartition('.')[2]}\b", words), f"{name} is not in {file} any more"
    assert {(name, file) for name, file in listed if "_" in (name[0], name.rpartition(".")[2][0])} <= found


def test_every_listed_name_has_a_test_here_and_every_test_its_names(rows):
    here = {name for name, thing in vars(sys.modules[__name__]).items() if inspect.isfunction(thing)}
    tests = [row["test"] for row in rows]
    assert rows
    assert set(tests) <= here
    assert {name for name in here if name.startswith("test_") and not name.startswith("test_every_")} == set(tests)


@pytest.fixture
def blocks() -> gr.Blocks:
    with gr.Blocks() as blocks:
        gr.Button().click(lambda: 1, None, None, api_name="call")
    return blocks


def test_the_path_of_a_route_is_without_its_prefix():
    assert get_route_path({"path": "/a/b", "root_path": "/a"}) == "/b"
    assert get_route_path({"path": "/b"}) == "/b"


def test_an_archives_directory_is_measured_before_it_is_read():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("clip.wav", b"sound")
        start = file.tell()
    record = zipfile._EndRecData(file)
    assert record[zipfile._ECD_SIZE] == len(file.getvalue()) - start - 22  # the end record itself
    assert not zipfile._EndRecData(io.BytesIO(b"no archive at all, but long enough"))


async def test_gradios_queue_keeps_calls_and_answers_under_these_names(blocks):
    queue = blocks._queue
    kept = (queue.event_ids_to_events, queue.pending_messages_per_session, queue.pending_event_ids_session)
    assert isinstance(queue, Queue)
    assert all(len(each) == 0 for each in kept)
    await queue.clean_events(event_id="a call that there is not")


def test_gradios_table_of_calls_is_made_as_seldom_as_is_asked(blocks):
    queue = blocks._queue
    queue.ANAYLTICS_CACHE_FREQUENCY = sys.maxsize
    made = []
    queue._get_df = made.append
    queue.events_recorded = 10
    assert queue.compute_analytics_summary([{"function": "call"}]) is queue.cached_event_analytics_summary
    assert made == []


async def test_the_task_of_a_call_has_its_event_in_its_name(blocks):
    async def wait():
        await asyncio.sleep(60)

    task = asyncio.create_task(wait())
    set_task_name(task, "page", 3, "event", batch=False)
    assert task.get_name().endswith("<gradio-sep>event")
    assert isinstance(blocks._queue._asyncio_tasks, set)
    task.cancel()


def test_the_page_itself_has_a_number(blocks):
    assert isinstance(blocks._id, int)
    assert blocks._id not in blocks.fns


def test_what_a_component_offers_is_marked():
    def draw(value: str) -> str:
        return value

    component = gr.HTML(server_functions=[draw])
    assert component.draw._is_server_fn
    assert not hasattr(component.postprocess, "_is_server_fn")


async def test_the_progress_of_uploads_is_kept_under_these_names():
    file_upload_statuses.track("a name")
    assert await file_upload_statuses.is_tracked("a name")
    assert file_upload_statuses._statuses.pop("a name")
    assert file_upload_statuses._signals.pop("a name")


def test_an_event_brings_its_data_as_it_was_sent():
    sent = {"start": 1.5}
    assert gr.EventData(None, sent)._data is sent


def test_a_start_can_do_without_a_look_at_its_own_page():
    assert inspect.signature(gr.Blocks.launch).parameters["_frontend"].default is True
    assert inspect.getsource(gr.Blocks.launch).count("_frontend") == 2, "it decides nothing but the look at the page"


def test_an_app_of_our_own_can_be_launched():
    parameters = inspect.signature(gr.Blocks.launch).parameters
    assert parameters["_app"].default is None
    assert {"app_kwargs", "max_threads", "state_session_capacity", "ssr_mode", "footer_links"} <= set(parameters)


def test_what_gradio_keeps_of_a_page_is_kept_under_these_names(blocks):
    holder = blocks.state_holder
    assert "page" not in holder
    holder["page"]
    assert "page" in holder
    assert set(holder.session_data) == set(holder.time_last_used) == {"page"}
    assert blocks.upload_file_set == set()
    assert all(block.temp_files == set() for block in blocks.blocks.values())


def test_gradio_leaves_other_sites_to_a_parent_that_sees_to_them():
    parent = SimpleNamespace(user_middleware=[Middleware(CORSMiddleware)])
    assert CustomCORSMiddleware(lambda: None, parent_app=parent).parent_configures_cors()
    assert not CustomCORSMiddleware(lambda: None, parent_app=None).parent_configures_cors()


def test_a_visitors_mistake_can_be_kept_out_of_the_log():
    assert gr.Error("a mistake").print_exception is True
    assert gr.Error("a mistake", print_exception=False).print_exception is False


def test_gradio_knows_which_files_a_browser_may_show():
    assert {"image/png", "audio/wav"} & set(XSS_SAFE_MIMETYPES)
    assert not {"text/html", "image/svg+xml", "application/javascript"} & set(XSS_SAFE_MIMETYPES)


def test_gradio_tells_its_page_from_scripts_by_a_header():
    values = re.compile(r"""["']?x-gradio-user["']?\]?\s*[:=]\s*["'`](\w+)""")
    page = Path(gr.__file__).parent / "templates" / "frontend" / "assets"
    sent = {value for path in page.glob("*.js") for value in values.findall(path.read_text(encoding="utf-8"))}
    assert "app" in sent
    assert values.findall(inspect.getsource(gradio_client.client)) == ["api"]


def test_uvicorn_believes_no_proxy_where_none_is_named(monkeypatch):
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", "")
    assert uvicorn.Config(lambda: None).forwarded_allow_ips == ""


def test_ray_can_be_kept_to_this_machine():
    import ray

    assert '"_node_ip_address"' in inspect.getsource(ray.init)


def test_the_tensors_of_a_codec_are_named_as_its_files_have_them(codec_path):
    model = ConvVQVAE(codebook_dim=32)
    with safe_open(codec_path, "pt") as file:
        tensors = {name for name in file.keys() if not name.startswith("vocoder.")}  # noqa: SIM118
    assert tensors == set(model.state_dict())
    names = {name.rpartition("._codebook.")[2] for name in tensors if "._codebook." in name}
    assert names == {"initted", "cluster_size", "embed", "embed_avg"}
    assert not any(value.any() for name, value in model.state_dict().items() if name.endswith("_codebook.initted"))


def test_levels_are_left_out_as_that_is_switched():
    torch.manual_seed(0)
    rvq = ConvVQVAE(codebook_dim=4, codebook_size=8, level_dropout=True).quantizer.rvq.train()
    assert rvq.quantize_dropout is True
    rvq.quantize_dropout = False
    left_out = []
    for switched in (False, True):
        rvq.quantize_dropout = switched
        left_out.append(any((rvq(torch.randn(1, 64, 4))[1] == -1).any() for _ in range(10)))
    assert left_out == [False, True]
