import contextlib
import socket
import subprocess
import sys
import time
import urllib.request

import pytest

_SECONDS = 120  # for a busy machine to start it


@pytest.fixture(scope="session")
def mlflow_server(tmp_path_factory):
    """The URL of MLflow's own server, on SQLite."""
    place = tmp_path_factory.mktemp("mlflow")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "mlflow", "server", "--workers", "1"]
    command += ["--host", "127.0.0.1", "--port", str(port)]
    command += ["--backend-store-uri", f"sqlite:///{place}/mlflow.db"]
    command += ["--artifacts-destination", str(place / "artifacts")]
    url, end = f"http://127.0.0.1:{port}", time.monotonic() + _SECONDS
    with open(place / "log", "w") as log:
        process = subprocess.Popen(command, cwd=place, stdout=log, stderr=log)
    try:
        while not _answers(url):
            assert process.poll() is None and time.monotonic() < end, (
                place / "log"
            ).read_text()
            time.sleep(0.2)
        yield url
    finally:
        process.terminate()
        process.wait()


def _answers(url):
    with contextlib.suppress(OSError), urllib.request.urlopen(f"{url}/health"):
        return True
    return False
