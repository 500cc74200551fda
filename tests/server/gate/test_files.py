"""The gate serves files only to their visitors, and limits uploads."""

import hashlib
from pathlib import Path

import anyio
import httpx
import pytest

from distill.server.askers import owner_of
from distill.settings import MIB
from tests.server.gate.knocking import JSON, URL, file_data, send, visitor_third


async def test_an_upload_can_be_read_only_by_its_visitor(one, other, nobody):
    (path,) = await send(one, b"mine")
    assert (await one.get(f"/gradio_api/file={path}")).content == b"mine"
    for stranger in (other, nobody):
        answer = await stranger.get(f"/gradio_api/file={path}")
        assert answer.status_code == 404
        assert "data" not in answer.text
        assert (await stranger.post("/gradio_api/queue/join", json=file_data(path))).status_code == 403
    assert (await one.post("/gradio_api/queue/join", json=file_data(path))).json()["sent"] == file_data(path)


async def test_two_visitors_may_send_the_same_file_at_the_same_time(one, other):
    (mine,), (theirs,) = await send(one, b"same"), await send(other, b"same")
    Path(mine).unlink()
    assert (await other.get(f"/gradio_api/file={theirs}")).content == b"same"


async def test_gradios_copy_at_the_hash_of_its_content_is_not_served(one, other, storage):
    await send(one, b"guessed")
    path = storage.files / hashlib.sha256(b"guessed").hexdigest() / "a.wav"
    assert path.exists()
    for client in (one, other):
        assert (await client.get(f"/gradio_api/file={path}")).status_code == 404


async def test_the_pages_own_files_can_be_read_by_all_and_used_in_calls_by_nobody(nobody, storage):
    path = f"{storage.files}/picture/page.png"
    assert (await nobody.get(f"/gradio_api/file={path}")).content == b"public"
    assert (await nobody.post("/gradio_api/queue/join", json=file_data(path))).status_code == 403
    storage.discard(Path(path))
    assert Path(path).exists()


async def test_the_gate_refuses_the_same_behind_a_url_prefix(gate, storage, one):
    (path,) = await send(one, b"mine")

    async def prefixed(scope, receive, send):
        await gate(scope | {"root_path": "/x"}, receive, send)

    transport = httpx.ASGITransport(prefixed)
    async with httpx.AsyncClient(transport=transport, base_url=URL, headers={"cookie": f"distill={'2' * 40}"}) as other:
        assert (await other.get(f"/x/gradio_api/file={path}")).status_code == 404
        answer = await other.post("/x/gradio_api/upload", files=[("files", ("a.wav", b"theirs"))])
        assert owner_of(f"distill={'2' * 40}") in answer.json()[0]


async def test_two_uploads_do_not_both_take_the_last_room(one, other):
    async def upload(client):
        return await client.post("/gradio_api/upload", files=[("files", ("a.wav", bytes(2 * MIB - 5000)))])

    async with anyio.create_task_group() as together:
        answers = []

        async def note(client):
            answers.append((await upload(client)).status_code)

        for client in (one, other, visitor_third(one)):
            together.start_soon(note, client)
    assert answers.count(507) >= 1  # the three together are larger than the disk's limit


@pytest.mark.parametrize(
    "path",
    ["/etc/passwd", "{files}/../../../etc/passwd", "{files}/{owner}/../{other}/x", "http://example.com", "", "."],
)
async def test_other_paths_are_neither_served_nor_accepted_as_files(one, storage, path):
    path = path.format(
        files=storage.files, owner=owner_of(f"distill={'1' * 40}"), other=owner_of(f"distill={'2' * 40}")
    )
    assert (await one.get(f"/gradio_api/file={path}")).status_code == 404
    answer = await one.post("/gradio_api/queue/join", json=file_data(path))
    assert answer.status_code == 403
    assert "passwd" not in answer.text


async def test_a_link_out_of_a_visitors_folder_leads_nowhere(one, storage):
    with storage.filling(owner_of(f"distill={'1' * 40}")) as folder:
        link = folder / "link"
    link.symlink_to("/etc/passwd")
    assert (await one.get(f"/gradio_api/file={link}")).status_code == 404


async def test_without_a_cookie_the_unguessable_path_opens_a_file(nobody):
    (path,) = await send(nobody, b"mine")
    assert (await nobody.get(f"/gradio_api/file={path}")).content == b"mine"
    assert "anyone-" in path


async def test_too_much_is_refused_in_a_sentence(one, is_one_sentence):
    for contents in ([bytes(4 * MIB)], [b"1", b"2", b"3", b"4"]):
        answer = await send(one, *contents)
        assert answer.status_code == 413
        assert is_one_sentence(answer.text)
    answer = await one.post("/gradio_api/queue/join", content=bytes(MIB + 1), headers=JSON)
    assert answer.status_code == 413
    assert is_one_sentence(answer.json()["detail"])


async def test_an_upload_without_a_content_length_is_cut_off_at_the_limit(one):
    async def endless():
        yield b'--x\r\nContent-Disposition: form-data; name="files"; filename="a"\r\n\r\n'
        for _ in range(10_000):
            yield bytes(10_000)

    answer = await one.post(
        "/gradio_api/upload", content=endless(), headers={"content-type": "multipart/form-data; boundary=x"}
    )
    assert answer.status_code == 413


async def test_a_full_disk_is_one_sentence(one, other, is_one_sentence):
    await send(one, bytes(MIB + MIB // 2))
    answer = await send(one, bytes(MIB + MIB // 2 + 1))
    assert (answer.status_code, is_one_sentence(answer.text)) == (507, True)
    await send(other, bytes(MIB + MIB // 2))
    answer = await send(visitor_third(one), bytes(MIB + MIB // 2))
    assert (answer.status_code, "no room" in answer.text) == (507, True)


@pytest.mark.parametrize(
    ("asked", "status", "content"),
    [
        ("bytes=0-3", 206, b"0123"),
        ("bytes=6-", 206, b"6789"),
        ("bytes=-2", 206, b"89"),
        ("bytes=2-99", 206, b"23456789"),
        ("bytes=10-", 416, None),
        ("bytes=5-2", 400, None),
        ("bytes=0-1-2", 200, b"0123456789"),
        ("bytes=+1-2", 200, b"0123456789"),
        ("items=0-1", 200, b"0123456789"),
        ("nonsense", 200, b"0123456789"),
    ],
)
async def test_a_range_of_a_file_has_the_requested_bytes(one, asked, status, content):
    (path,) = await send(one, b"0123456789")
    answer = await one.get(f"/gradio_api/file={path}", headers={"range": asked, "cookie": f"distill={'1' * 40}"})
    assert answer.status_code == status
    if content is not None:
        assert answer.content == content
    if status == 206:
        first = b"0123456789".index(content)
        assert answer.headers["content-range"] == f"bytes {first}-{first + len(content) - 1}/10"
    assert "1" * 40 not in str(answer.headers)


async def test_two_ranges_of_a_file_come_in_two_parts(one):
    (path,) = await send(one, b"0123456789")
    answer = await one.get(f"/gradio_api/file={path}", headers={"range": "bytes=0-0,4-5"})
    assert answer.status_code == 206
    assert answer.headers["content-type"].startswith("multipart/byteranges")
    assert b"bytes 0-0/10" in answer.content
    assert b"bytes 4-5/10" in answer.content


async def test_the_progress_of_an_upload_is_told_only_to_its_sender(one, other):
    await one.post("/gradio_api/upload?upload_id=x", files=[("files", ("secret.wav", b"a"))])
    assert (await one.get("/gradio_api/upload_progress?upload_id=x")).status_code == 200
    assert (await other.get("/gradio_api/upload_progress?upload_id=x")).status_code == 404
    assert (await one.get("/gradio_api/upload_progress?upload_id=y")).status_code == 404


async def test_a_disk_that_is_full_while_an_upload_comes_is_told_in_a_sentence(gate, one, is_one_sentence):
    async def full(scope, receive, send):
        raise OSError(28, "No space left on device")

    gate._uploads._app = full
    answer = await one.post("/gradio_api/upload", files=[("files", ("a", b"a"))])
    assert answer.status_code == 507
    assert "disk is full" in answer.text
