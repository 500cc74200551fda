"""HTTP clients of visitors at the gate, and bodies of their requests."""

import httpx

URL = "http://distill"


JSON = {"content-type": "application/json"}


def visitor(gate, cookie=None):
    headers = {"cookie": f"distill={cookie * 40}"} if cookie else {}
    return httpx.AsyncClient(transport=httpx.ASGITransport(gate), base_url=URL, headers=headers)


async def send(client, *contents, name="a.wav"):
    answer = await client.post("/gradio_api/upload", files=[("files", (name, content)) for content in contents])
    return answer.json() if answer.status_code == 200 else answer


def call(*data, page="a-page", **fields):
    return {"data": list(data), "fn_index": 0, "session_hash": page} | fields


def served(gate, page="a-page", **fields):
    return {"data": {}, "component_id": gate.box, "fn_name": "look", "session_hash": page} | fields


def file_data(path):
    return call({"path": path, "meta": {"_type": "gradio.FileData"}})


def visitor_third(client):
    return httpx.AsyncClient(transport=client._transport, base_url=URL, headers={"cookie": f"distill={'3' * 40}"})
