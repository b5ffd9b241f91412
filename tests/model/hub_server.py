"""A small server that speaks the Hugging Face hub's API on the loopback, with commits and LFS."""

import base64
import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

Files = dict[str, bytes]


def sha1(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


@dataclass
class Hub:
    """What the server holds, and what it was asked.

    Attributes:
        url: Where it listens.
        commits: Files of each commit, by repository and commit.
        refs: Commit of each branch and tag, by repository.
        private: Repositories that were made private.
        asked: Method and path of each request.
    """

    url: str = ""
    commits: dict[str, dict[str, Files]] = field(default_factory=dict)
    refs: dict[str, dict[str, str]] = field(default_factory=dict)
    private: set[str] = field(default_factory=set)
    uploads: Files = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def commit(self, repo: str, files: Files) -> str:
        """Add a commit to a repository's main branch."""
        whole = self.files(repo, "main") | files
        name = hashlib.sha1(repr(sorted(whole.items())).encode()).hexdigest()
        self.commits.setdefault(repo, {})[name] = whole
        self.refs.setdefault(repo, {})["main"] = name
        return name

    def resolve(self, repo: str, revision: str) -> str | None:
        name = self.refs.get(repo, {}).get(revision, revision)
        return name if name in self.commits.get(repo, {}) else None

    def files(self, repo: str, revision: str) -> Files:
        name = self.resolve(repo, revision)
        return {} if name is None else self.commits[repo][name]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: Hub

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        self._answer()

    do_HEAD = do_POST = do_PUT = do_GET

    def _answer(self) -> None:
        path = unquote(urlsplit(self.path).path)
        self.hub.asked.append(f"{self.command} {path}")
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        parts = path.strip("/").split("/")
        if path == "/api/repos/create":
            self._create(json.loads(body))
        elif path == "/api/validate-yaml":
            self._json({"errors": [], "warnings": []})
        elif parts[0] == "lfs":
            self.hub.uploads[parts[1]] = body
            self._json({})
        elif parts[:2] == ["api", "models"]:
            self._api("/".join(parts[2:4]), parts[4:], body)
        elif path.endswith(".git/info/lfs/objects/batch"):
            self._batch(json.loads(body))
        else:
            self._file("/".join(parts[:2]), parts[3], "/".join(parts[4:]))

    def _create(self, asked: dict) -> None:
        repo = f"{asked['organization']}/{asked['name']}"
        if asked.get("private") or asked.get("visibility") == "private":
            self.hub.private.add(repo)
        self.hub.refs.setdefault(repo, {})
        self._json({"url": f"{self.hub.url}/{repo}"})

    def _api(self, repo: str, parts: list[str], body: bytes) -> None:
        if repo not in self.hub.refs:
            self._json({"error": "Repository not found"}, 404, {"X-Error-Code": "RepoNotFound"})
            return
        verb, revision = parts[0] if parts else "revision", parts[1] if parts[1:] else "main"
        if verb == "preupload":
            modes = [
                {
                    "path": one["path"],
                    "uploadMode": "regular" if one["path"].endswith((".json", ".md")) else "lfs",
                    "shouldIgnore": False,
                    "oid": None,
                }
                for one in json.loads(body)["files"]
            ]
            self._json({"files": modes})
            return
        if verb == "commit":
            self._commit(repo, [json.loads(line) for line in body.splitlines() if line])
            return
        name = self.hub.resolve(repo, revision)
        if name is None and self.hub.commits.get(repo):
            self._json({"error": "no revision"}, 404, {"X-Error-Code": "RevisionNotFound"})
            return
        files = self.hub.files(repo, revision)
        if verb == "tree":
            self._json(
                [
                    {"type": "file", "path": path, "size": len(data), "oid": sha1(data)}
                    for path, data in files.items()
                ]
            )
        else:
            siblings = [{"rfilename": path} for path in files]
            self._json({"id": repo, "modelId": repo, "sha": name, "siblings": siblings})

    def _commit(self, repo: str, lines: list[dict]) -> None:
        files: Files = {}
        for line in lines:
            value = line["value"]
            if line["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "lfsFile":
                files[value["path"]] = self.hub.uploads[value["oid"]]
        name = self.hub.commit(repo, files)
        self._json({"commitUrl": f"{self.hub.url}/{repo}/commit/{name}", "commitOid": name})

    def _batch(self, asked: dict) -> None:
        objects = [
            one | {"actions": {"upload": {"href": f"{self.hub.url}/lfs/{one['oid']}"}}}
            for one in asked["objects"]
        ]
        self._json({"transfer": "basic", "objects": objects})

    def _file(self, repo: str, revision: str, path: str) -> None:
        data = self.hub.files(repo, revision).get(path)
        if data is None:
            self._json({"error": "no file"}, 404, {"X-Error-Code": "EntryNotFound"})
            return
        name = self.hub.resolve(repo, revision) or ""
        self._send(data, 200, {"ETag": f'"{sha1(data)}"', "X-Repo-Commit": name})

    def _json(self, values: object, status: int = 200, headers: dict | None = None) -> None:
        kind = {"Content-Type": "application/json"}
        self._send(json.dumps(values).encode(), status, kind | (headers or {}))

    def _send(self, data: bytes, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)


@contextmanager
def serving() -> Iterator[Hub]:
    """Run the server on a free port."""
    hub = Hub()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (Handler,), {"hub": hub}))
    hub.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
