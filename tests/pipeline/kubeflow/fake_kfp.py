"""A small Kubeflow Pipelines REST API, v2beta1: what `deepfm submit` asks of it."""

import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

_API = "/apis/v2beta1"


class FakeKfp:
    """Keeps what a client sent; answers as a state says.

    Attributes:
        refusal: A status that everything is answered with, if any.
        run: How each run looks when it is asked for.
        posted: What was created: (kind, body).
        uploads: Names of uploaded pipelines and versions, with their files' bytes.
    """

    def __init__(self):
        self.refusal = None
        self.run = {"state": "SUCCEEDED"}
        self.posted, self.uploads = [], []
        self._pipelines, self._versions = {}, {}
        fake = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                self._answer("GET")

            def do_POST(self):
                self._answer("POST")

            def log_message(self, *_):
                pass

            def _answer(self, method):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                code, found = fake.answer(method, self.path, body)
                content = json.dumps(found).encode()
                self.send_response(code)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()

    def answer(self, method, path, body):
        parts = urlsplit(path)
        query = {key: value[0] for key, value in parse_qs(parts.query).items()}
        where = parts.path.removeprefix(_API)
        if self.refusal:
            return self.refusal, {"message": "no"}
        match method, where:
            case "GET", "/healthz":
                return 200, {"multi_user": False}
            case "GET", "/pipelines":
                return 200, {"pipelines": self._found(self._pipelines, query)}
            case "POST", "/pipelines/upload":
                made = {"pipeline_id": "p1", "display_name": query["name"]}
                self._pipelines[query["name"]] = made
                self.uploads.append((query["name"], _file(body)))
                return 200, made
            case "GET", "/pipelines/p1/versions":
                found = self._found(self._versions, query)
                return 200, {"pipeline_versions": found}
            case "POST", "/pipelines/upload_version":
                made = {
                    "pipeline_id": query["pipelineid"],
                    "pipeline_version_id": f"v{len(self._versions) + 1}",
                    "display_name": query["name"],
                }
                self._versions[query["name"]] = made
                self.uploads.append((query["name"], _file(body)))
                return 200, made
            case "GET", "/experiments":
                return 200, {"experiments": []}
            case "POST", "/experiments" | "/runs" | "/recurringruns":
                kind = where.strip("/")
                self.posted.append((kind, json.loads(body)))
                key = {"experiments": "experiment", "runs": "run"}.get(kind)
                identifier = {f"{key or 'recurring_run'}_id": f"{kind}-1"}
                return 200, json.loads(body) | identifier
            case "GET", "/runs/runs-1":
                return 200, {"run_id": "runs-1", **self.run}
        return 404, {"message": f"{method} {path}"}

    def _found(self, known, query):
        [asked] = json.loads(query["filter"])["predicates"]
        assert asked["key"] == "display_name"
        name = asked.get("stringValue", asked.get("string_value"))
        return [known[name]] if name in known else []


def _file(body):
    """Returns what is in the only part of a multipart body."""
    return re.split(rb"\r\n\r\n", body, maxsplit=1)[1].rsplit(b"\r\n--", 1)[0]
