"""The calls of programs as tools of an agent: the Model Context Protocol, over HTTP and without sessions.

Gradio has such a server too. It is not used: ``gradio[mcp]`` cannot stand beside the pydantic that Distill needs, it
offers all calls of the page, and it writes what agents send to files that nobody counts.
"""

import json
from typing import Any
from urllib.parse import quote

from distill import __version__
from distill.server.askers import Asker
from distill.server.faults import sentence
from distill.server.programs import CALLS, Programs, schema_of

VERSIONS = ("2025-11-25", "2025-06-18", "2025-03-26")
"""Versions of the protocol, the newest first; what is used here is the same in all of them."""
INSTRUCTIONS = (
    "Distill turns a sound into a grid of whole numbers and such a grid into sound. Call describe first. To send a "
    "sound, upload it (curl -F files=@clip.wav …/gradio_api/upload) and give the path that comes back to encode. "
    "Change the grid by edit_grid, and hear it by decode. The server keeps nothing between calls."
)
INVALID, NO_METHOD, NO_TOOL = -32600, -32601, -32602
"""Codes of errors (JSON-RPC 2.0, section 5.1)."""


async def respond(programs: Programs, sent: Any, asker: Asker, root: str) -> dict[str, Any] | None:
    """Answer a message of an agent.

    Parameters
    ----------
    programs : Programs
    sent : object
        A message in JSON-RPC 2.0; a value from a stranger may be anything.
    asker : Asker
        Who sends it; the page is a name of this message alone.
    root : str
        The app's URL without a slash at the end, from which sounds are fetched.

    Returns
    -------
    dict or None
        The response; None if the message is a notification, which has none.
    """
    if not isinstance(sent, dict) or sent.get("jsonrpc") != "2.0" or not isinstance(sent.get("method"), str):
        return _error(None, INVALID, "This is no message of JSON-RPC 2.0.")
    id, params = sent.get("id"), sent.get("params")
    if "id" not in sent:
        return None
    if type(id) not in (str, int):
        return _error(None, INVALID, "The id of a message must be text or a whole number.")
    params = params if isinstance(params, dict) else {}
    match sent["method"]:
        case "initialize":
            return _result(id, _greeting(params.get("protocolVersion")))
        case "ping":
            return _result(id, {})
        case "tools/list":
            return _result(id, {"tools": tools()})
        case "tools/call" if (name := params.get("name")) in list(CALLS):
            return _result(id, await _called(programs, name, params.get("arguments"), asker, root))
        case "tools/call":
            return _error(id, NO_TOOL, f"There is no such tool here; there are {', '.join(CALLS)}.")
        case _:
            return _error(id, NO_METHOD, "This server has tools alone: tools/list and tools/call.")


def tools() -> list[dict[str, Any]]:
    """The tools as the protocol lists them: name, description and the JSON schema of the arguments.

    Examples
    --------
    >>> [tool["name"] for tool in tools()]
    ['describe', 'encode', 'decode', 'edit_grid']
    """
    listed = []
    for name in CALLS:
        schema = schema_of(name)
        listed.append({"name": name, "description": schema.pop("description"), "inputSchema": schema})
    return listed


async def _called(programs: Programs, name: str, arguments: Any, asker: Asker, root: str) -> dict[str, Any]:
    """The result of a tool; a failure is a sentence for the agent."""
    try:
        answer = await programs.answer(name, arguments, asker)
    except Exception as error:
        return {"content": [{"type": "text", "text": sentence(error)}], "isError": True}
    if path := answer.get("sound"):
        answer |= {"sound": {"url": f"{root}/gradio_api/file={quote(path)}", "path": path}}
    return {"content": [{"type": "text", "text": json.dumps(answer)}], "structuredContent": answer, "isError": False}


def _greeting(version: object) -> dict[str, Any]:
    return {
        "protocolVersion": version if version in VERSIONS else VERSIONS[0],
        "capabilities": {"tools": {}},
        "serverInfo": {"name": "distill", "version": __version__},
        "instructions": INSTRUCTIONS,
    }


def _result(id: object, result: dict[str, Any]) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": id, "result": result}


def _error(id: object, code: int, message: str) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": id, "error": {"code": code, "message": message}}
