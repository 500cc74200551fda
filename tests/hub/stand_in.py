"""A stand-in for the Hugging Face Hub on this machine: as much of its HTTP API as ``huggingface_hub`` asks for.

Repositories are of models or of data sets. Large files go by way of Git LFS, and are downloaded from another host
name, as on the Hub.
"""

import base64
import hashlib
import json
import re
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import unquote, urlsplit

WRITES, READS = "hf_ada_writes", "hf_ada_reads"
TOKENS = {WRITES: ("ada", True), READS: ("ada", False)}
"""Owner of each token, and whether it may write."""
LICENCES = ("cc0-1.0", "cc-by-4.0", "other")
LARGE = (".distill", ".png", ".flac", ".safetensors", ".whl")


@dataclass
class Repository:
    """Its commits, oldest first: the content of each file by its path."""

    private: bool = False
    gated: bool = False
    commits: dict[str, dict[str, bytes]] = field(default_factory=dict)
    announces_sizes: bool = True

    @property
    def files(self) -> dict[str, bytes]:
        return next(reversed(self.commits.values()), {})

    def commit(self, files: dict[str, bytes]) -> str:
        name = hashlib.sha1(f"{len(self.commits)}{sorted(files)}".encode()).hexdigest()
        self.commits[name] = files
        return name

    def at(self, revision: str) -> str | None:
        """The commit that a branch, or the name of a commit, stands for."""
        return (
            next(reversed(self.commits), None) if revision == "main" else revision if revision in self.commits else None
        )


class StandIn:
    """The server; ``repositories`` are all that it has, ``asked`` are the requests that came."""

    def __init__(self) -> None:
        self.repositories: dict[str, Repository] = {}
        self.blobs: dict[str, bytes] = {}
        self.asked: list[str] = []
        self.failing = 0
        """HTTP status of all answers; 0 for the right ones."""
        self.refuses: dict[str, int] = {}
        """HTTP status of the answers to some requests, by a pattern of "METHOD path"."""
        stand_in = self

        class Handler(HubHandler):
            hub = stand_in

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def routes(self) -> tuple:
        """Method, pattern of the path, and answer of each kind of request."""
        return ROUTES

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


class RefusalError(Exception):
    def __init__(self, status: int, message: str, code: str = "", **fields: object) -> None:
        self.status, self.message, self.code, self.fields = status, message, code, fields


class HubHandler(BaseHTTPRequestHandler):
    hub: StandIn

    def log_message(self, *_) -> None:
        pass

    def do_GET(self) -> None:
        self._answer()

    do_HEAD = do_POST = do_PUT = do_DELETE = do_GET  # noqa: N815

    def _answer(self) -> None:
        path = unquote(urlsplit(self.path).path)
        self.body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.hub.asked.append(f"{self.command} {path}")
        try:
            if self.hub.failing:
                raise RefusalError(self.hub.failing, "A fault.")
            for pattern, status in self.hub.refuses.items():
                if re.fullmatch(pattern, f"{self.command} {path}"):
                    raise RefusalError(status, "A refusal.")
            for method, pattern, answer in self.hub.routes():
                if method in (self.command, "ANY") and (match := re.fullmatch(pattern, path)):
                    return answer(self, *match.groups())
            raise RefusalError(404, f"No route for {self.command} {path}")
        except RefusalError as refusal:
            headers = {"X-Error-Message": refusal.message} | ({"X-Error-Code": refusal.code} if refusal.code else {})
            self._send(json.dumps({"error": refusal.message} | refusal.fields).encode(), refusal.status, headers)

    def _send(self, body: bytes, status: int = 200, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in ({"Content-Length": str(len(body))} | (headers or {})).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _json(self, value: object) -> None:
        self._send(json.dumps(value).encode())

    def _asker(self) -> tuple[str, bool]:
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        if token and token not in TOKENS:
            raise RefusalError(401, "Invalid credentials in Authorization header")
        return TOKENS.get(token, ("", False))

    def _repository(self, name: str) -> Repository:
        """The repository, if the asker may read it."""
        asker, _ = self._asker()
        repository = self.hub.repositories.get(name)
        if repository is None or (repository.private and not name.startswith(f"{asker}/")):
            if asker:
                raise RefusalError(404, "Repository not found", "RepoNotFound")
            raise RefusalError(401, "Invalid username or password.")
        return repository

    def _writable(self, name: str) -> Repository:
        asker, writes = self._asker()
        if not asker:
            raise RefusalError(401, "Invalid username or password.")
        if not writes or not name.startswith(f"{asker}/"):
            raise RefusalError(403, "You have read access but not the required permissions for this operation")
        return self._repository(name)

    def create(self) -> None:
        asked = json.loads(self.body)
        asker, writes = self._asker()
        if not asker:
            raise RefusalError(401, "Invalid username or password.")
        name = f"{asked['organization'] or asker}/{asked['name']}"
        if not writes or not name.startswith(f"{asker}/"):
            raise RefusalError(403, f"You don't have the rights to create a repo under the namespace of {name}")
        if name in self.hub.repositories:
            raise RefusalError(409, "You already created this repo", url=f"{self.hub.url}/{name}")
        self.hub.repositories[name] = Repository(asked.get("visibility") == "private" or bool(asked.get("private")))
        self.hub.repositories[name].commit({".gitattributes": b""})
        self._json({"url": f"{self.hub.url}/{name}"})

    def validate(self) -> None:
        licence = re.search(r"^license: (.*)$", json.loads(self.body)["content"], re.MULTILINE)
        if not licence or licence[1] not in LICENCES:
            raise RefusalError(400, "Bad metadata", errors=[{"message": '"license" must be one of those known'}])
        self._json({"errors": [], "warnings": []})

    def preupload(self, name: str) -> None:
        self._writable(name)
        modes = [
            {"path": each["path"], "uploadMode": "lfs" if each["path"].endswith(LARGE) else "regular"}
            for each in json.loads(self.body)["files"]
        ]
        self._json({"files": [mode | {"shouldIgnore": False} for mode in modes]})

    def batch(self, name: str) -> None:
        self._writable(name)
        objects = [
            each | {"actions": {"upload": {"href": f"{self.hub.url}/lfs/{each['oid']}"}}}
            for each in json.loads(self.body)["objects"]
        ]
        self._json({"transfer": "basic", "objects": objects})

    def store(self, name: str) -> None:
        assert hashlib.sha256(self.body).hexdigest() == name
        self.hub.blobs[name] = self.body
        self._send(b"")

    def commit(self, name: str) -> None:
        repository = self._writable(name)
        files = dict(repository.files)
        for line in self.body.splitlines():
            item = json.loads(line)
            kind, value = item["key"], item["value"]
            if kind == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif kind == "lfsFile":
                files[value["path"]] = self.hub.blobs[value["oid"]]
            elif kind == "deletedFile":
                del files[value["path"]]
        oid = repository.commit(files)
        self._json({"commitUrl": f"{self.hub.url}/{name}/commit/{oid}", "commitOid": oid})

    def model(self, name: str) -> None:
        repository = self._repository(name)
        siblings = [{"rfilename": path} for path in repository.files]
        self._json({"id": name, "private": repository.private, "siblings": siblings})

    def dataset(self, name: str, revision: str | None = None) -> None:
        repository = self._repository(name)
        commit = repository.at(revision or "main")
        if commit is None:
            raise RefusalError(404, "Invalid rev id", "RevisionNotFound")
        files = repository.commits[commit]
        siblings = [{"rfilename": path, "size": len(content)} for path, content in files.items()]
        self._json({"id": name, "sha": commit, "private": repository.private, "siblings": siblings})

    def tree(self, name: str, revision: str) -> None:
        repository = self._repository(name)
        files = repository.commits[repository.at(revision) or ""]
        self._json(
            [
                {"type": "file", "path": path, "size": len(content), "oid": hashlib.sha1(content).hexdigest()}
                for path, content in files.items()
            ]
        )

    def resolve(self, name: str, revision: str, path: str) -> None:
        repository = self._repository(name)
        if repository.gated:
            raise RefusalError(403, "Access to this model is restricted", "GatedRepo")
        commit = repository.at(revision)
        if commit is None:
            raise RefusalError(404, "Invalid rev id", "RevisionNotFound")
        content = repository.commits[commit].get(path)
        headers = {"X-Repo-Commit": commit}
        if content is None:
            raise RefusalError(404, "Entry not found", "EntryNotFound")
        digest = hashlib.sha256(content).hexdigest()
        if not path.endswith(LARGE):
            return self._send(content, headers=headers | {"ETag": f'"{digest}"'})
        self.hub.blobs[digest] = content
        elsewhere = self.hub.url.replace("127.0.0.1", "localhost")
        headers |= {"Location": f"{elsewhere}/blob/{digest}", "X-Linked-Etag": f'"{digest}"'}
        if repository.announces_sizes:
            headers["X-Linked-Size"] = str(len(content))
        return self._send(b"", 302, headers)

    def blob(self, name: str) -> None:
        assert "Authorization" not in self.headers  # a token stays with the Hub
        self._send(self.hub.blobs[name])


NAME = r"([^/]+/[^/]+)"
ROUTES = (
    ("POST", "/api/repos/create", HubHandler.create),
    ("POST", "/api/validate-yaml", HubHandler.validate),
    ("POST", f"/api/(?:models|datasets)/{NAME}/preupload/main", HubHandler.preupload),
    ("POST", f"/(?:datasets/)?{NAME}\\.git/info/lfs/objects/batch", HubHandler.batch),
    ("PUT", "/lfs/(\\w+)", HubHandler.store),
    ("POST", f"/api/(?:models|datasets)/{NAME}/commit/main", HubHandler.commit),
    ("GET", f"/api/models/{NAME}", HubHandler.model),
    ("GET", f"/api/datasets/{NAME}", HubHandler.dataset),
    ("GET", f"/api/datasets/{NAME}/revision/([^/]+)", HubHandler.dataset),
    ("GET", f"/api/datasets/{NAME}/tree/([^/]+)", HubHandler.tree),
    ("ANY", f"/datasets/{NAME}/resolve/([^/]+)/(.+)", HubHandler.resolve),
    ("ANY", f"/{NAME}/resolve/([^/]+)/(.+)", HubHandler.resolve),
    ("GET", "/blob/(\\w+)", HubHandler.blob),
)
