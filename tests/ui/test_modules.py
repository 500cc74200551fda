"""The page's modules as they are served: under names with a hash of their content, and no other file beside them."""

import re
import shutil
import subprocess
from importlib import resources
from pathlib import Path

import httpx
import pytest

from distill.settings import Settings
from distill.ui import build_app
from distill.ui.app import Front
from distill.ui.components import modules

AT = f"/page/{modules.VERSION}"
JOINED = modules.JOINED


@pytest.fixture(scope="module")
def front(tmp_path_factory):
    """The page's web application with its gate, called without a network."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_TEMP_DIR", "")
        app = build_app(settings=Settings(folder=tmp_path_factory.mktemp("space")))
        yield Front(app)
        app.backend.close()


def asking(front, root_path=""):
    transport = httpx.ASGITransport(front, root_path=root_path)
    return httpx.AsyncClient(transport=transport, base_url="http://distill")


async def test_each_module_is_served_as_javascript_that_browsers_may_cache(front):
    async with asking(front) as client:
        for name, code in modules.MODULES.items():
            answer = await client.get(f"{AT}/{name}")
            assert answer.content == code
            kind = "application/wasm" if name.endswith(".wasm") else "text/javascript"
            assert answer.headers["content-type"].startswith(kind)
            assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert "script-src 'self'" in answer.headers["content-security-policy"]


async def test_modules_are_served_compressed_and_head_requests_are_answered(front):
    async with asking(front) as client:
        packed = await client.get(f"{AT}/{JOINED}", headers={"accept-encoding": "br"})
        assert packed.headers["content-encoding"] == "br"
        assert int(packed.headers["content-length"]) < len(modules.MODULES[JOINED]) / 2
        head = await client.head(f"{AT}/{JOINED}")
        assert (head.status_code, head.content) == (200, b"")


@pytest.mark.parametrize(
    "path",
    [
        *(
            "/page/",
            f"{AT}/",
            f"{AT}/nothing.js",
            f"/page/0123456789abcdef/{JOINED}",
            f"{AT}/../base.py",
            f"{AT}/joined.js",
        ),
        *(f"{AT}/..%2fbase.py", f"{AT}/%2e%2e/base.py", f"{AT}/{JOINED}/", f"{AT}/{JOINED}%00", f"{AT}//etc/passwd"),
        *(f"{AT}/ui/components/code_grid.css", f"{AT}/browser/Joined.js", f"{AT}/ui/components/base.py"),
        *(
            f"{AT}/{modules.COMPONENTS}/../base.py",
            f"{AT}/{modules.COMPONENTS}/..%2fbase.py",
            f"{AT}/{modules.COMPONENTS}",
        ),
    ],
)
async def test_no_other_file_is_served_beside_the_modules(front, path):
    async with asking(front) as client:
        assert (await client.get(path)).status_code == 404


async def test_modules_are_found_behind_a_root_path(front):
    async with asking(front, root_path="/spaces/distill") as client:
        assert (await client.get(f"/spaces/distill{AT}/{JOINED}")).status_code == 200


def test_all_modules_of_the_page_are_one_file_and_the_worker_another(tmp_path):
    imports = re.compile(rb'\bfrom "\.|\bimport\("')
    assert not [name for name, code in modules.MODULES.items() if name.endswith(".js") and imports.search(code)]
    (tmp_path / "joined.mjs").write_bytes(modules.MODULES[JOINED])
    script = "import(process.argv[1]).then((all) => console.log(Object.keys(all).join()))"
    node = shutil.which("node") or pytest.skip("This test needs Node.")
    run = subprocess.run([node, "-e", script, tmp_path / "joined.mjs"], capture_output=True, text=True, timeout=60)
    folder = resources.files("distill").joinpath(modules.COMPONENTS)
    there = {file.name.removesuffix(".js") for file in folder.iterdir() if file.name.endswith(".js")}
    assert set(run.stdout.strip().split(",")) == there, run.stderr


def test_the_page_holds_no_script_of_its_own_beyond_the_call_of_a_module():
    folder = Path(modules.__file__).parents[1]
    for path in folder.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        if path.name != "modules.py":
            assert not re.search(r"=>|document\.querySelector|addEventListener", text), path
    assert len(modules.mounting("player").splitlines()) == len(modules.calling("a", "b").splitlines()) == 1
