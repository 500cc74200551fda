"""The kernel in the package is what its C becomes, and modules become one script."""

import shutil
import subprocess

import pytest

from distill.browser import FOLDER, KERNELS, one_script


def test_the_kernels_are_built_from_their_c(repository, tmp_path):
    subprocess.run([repository / ".ci" / "kernel", tmp_path], check=True, timeout=300)
    for name in KERNELS:
        assert (tmp_path / name).read_bytes() == (FOLDER / name).read_bytes(), f"{name} is old: run .ci/kernel"


@pytest.mark.parametrize("name", ["codec_worker", "page_codec", "codec"])
def test_a_module_and_its_imports_can_be_one_script(tmp_path, name):
    (tmp_path / "script.mjs").write_text(one_script(name))
    node = shutil.which("node") or pytest.skip("This test needs Node.")
    subprocess.run([node, "--check", tmp_path / "script.mjs"], check=True, timeout=60)
