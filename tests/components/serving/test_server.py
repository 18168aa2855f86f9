import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request

import grpc
import numpy as np
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from tensorflow_serving.apis import (
    get_model_status_pb2,
    model_management_pb2,
    model_service_pb2_grpc,
    prediction_service_pb2_grpc,
)

from components.serving import server
from components.serving.client import Client
from components.serving.embedded.limits import Limits
from schema.errors import ConfigError
from tests.components.serving import tiny

SERVICES = (
    "",
    "tensorflow.serving.PredictionService",
    "tensorflow.serving.ModelService",
)
SERVING = health_pb2.HealthCheckResponse.SERVING


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("serving") / "tiny"
    folder.mkdir()
    for version in (7, 12):
        tiny.save(folder, version)
    return folder


@pytest.fixture(scope="module")
def target(folder):
    with server.running(str(folder)) as served:
        yield f"localhost:{served.port}"


def predictions(channel):
    return prediction_service_pb2_grpc.PredictionServiceStub(channel)


def test_it_says_what_is_served_and_where(folder):
    with server.running(str(folder), rest_port=0) as served:
        assert (served.name, served.version) == ("tiny", 12)
        url = f"http://localhost:{served.rest_port}/v1/models/tiny"
        with urllib.request.urlopen(url, timeout=10) as response:
            assert response.status == 200
    with pytest.raises(urllib.error.URLError):  # it has ended
        urllib.request.urlopen(url, timeout=10)
    with server.running(str(folder)) as served:
        assert served.rest_port is None


def test_client_returns_one_probability_a_row(target):
    with Client(target, "tiny") as client:
        scores = client.score_examples(tiny.examples(*range(5)))
    np.testing.assert_allclose(scores, tiny.sigmoid(range(5)), rtol=1e-6)


def test_health_of_each_service_and_of_all(target):
    with grpc.insecure_channel(target) as channel:
        health = health_pb2_grpc.HealthStub(channel)
        for service in SERVICES:
            message = health_pb2.HealthCheckRequest(service=service)
            assert health.Check(message).status == SERVING
        with pytest.raises(grpc.RpcError) as error:
            health.Check(health_pb2.HealthCheckRequest(service="another"))
        assert error.value.code() == grpc.StatusCode.NOT_FOUND


def test_a_full_queue_says_so_at_once(folder):
    """Whatever the request holds, and while it answers who asks for something else."""
    slow = tiny.predict_request(signature="slow", turns=[4000])
    with (
        server.running(str(folder), 0, 0, Limits(queued_requests=4)) as served,
        grpc.insecure_channel(f"localhost:{served.port}") as channel,
    ):
        calls: list[grpc.Future] = []
        while not any(call.done() for call in calls):
            calls.append(predictions(channel).Predict.future(slow))
            time.sleep(0.1)
        refused = [call.exception() for call in calls if call.done()]
        taken = [call for call in calls if not call.done()]
        unread = channel.unary_unary(f"/{SERVICES[1]}/Predict")
        more = [predictions(channel).Predict.future(slow) for _ in range(10)]
        refused += [call.exception() for call in more]
        refused.append(unread.future(b"no request" * 1_000_000).exception())
        for error in refused:
            assert error.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
            assert "queue is full" in error.details()
        url = f"http://localhost:{served.rest_port}/v1/models/tiny"
        with pytest.raises(urllib.error.HTTPError) as refusal:
            urllib.request.urlopen(f"{url}:predict", b"no JSON", timeout=10)
        assert refusal.value.code == 429
        asked = get_model_status_pb2.GetModelStatusRequest()
        asked.model_spec.name = "tiny"
        models = model_service_pb2_grpc.ModelServiceStub(channel)
        assert models.GetModelStatus(asked).model_version_status
        assert len(taken) >= (os.cpu_count() or 1) + 4  # that run, and that wait
        assert not any(call.done() for call in taken)
        for call in taken:
            call.cancel()


def test_an_end_drains(folder):
    """What runs is finished, what comes is refused, and health says so meanwhile."""
    slow = tiny.predict_request(signature="slow", turns=[2000])
    with contextlib.ExitStack() as stack:
        running = stack.enter_context(contextlib.ExitStack())
        served = running.enter_context(server.running(str(folder)))
        channel = grpc.insecure_channel(f"localhost:{served.port}")
        stack.enter_context(channel)
        health = health_pb2_grpc.HealthStub(channel)
        call = predictions(channel).Predict.future(slow)
        time.sleep(0.3)
        ending = threading.Thread(target=running.close)
        ending.start()
        while health.Check(health_pb2.HealthCheckRequest()).status == SERVING:
            time.sleep(0.01)
        with pytest.raises(grpc.RpcError) as error:
            predictions(channel).Predict(slow)
        assert error.value.code() == grpc.StatusCode.UNAVAILABLE
        assert call.result().outputs["turns"].int_val == [2000]
        ending.join(30)
        assert not ending.is_alive()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_command_well(folder, number):
    ports = ["--port", "0", "--rest-port", "0"]
    process = subprocess.Popen(
        [sys.executable, "-m", "pipeline", "serve", str(folder), *ports],
        stdout=subprocess.PIPE,
        text=True,
    )
    line = process.stdout.readline()
    assert line.startswith("serving tiny, version 12, on port ")
    port = int(line.split("port ")[1].split(" ")[0])
    slow = tiny.predict_request(signature="slow", turns=[1000])
    with grpc.insecure_channel(f"localhost:{port}") as channel:
        call = predictions(channel).Predict.future(slow)
        time.sleep(0.3)
        process.send_signal(number)
        assert call.result().outputs["turns"].int_val == [1000]
    assert process.wait(30) == 0


def test_models_are_reloaded_over_the_wire(tmp_path):
    folder = tmp_path / "tiny"
    folder.mkdir()
    tiny.save(folder, 1, scale=1.0)
    tiny.save(folder, 2, scale=2.0)
    message = model_management_pb2.ReloadConfigRequest()
    one = message.config.model_config_list.config.add(name="tiny")
    one.base_path, one.model_platform = str(folder), "tensorflow"
    one.model_version_policy.all.SetInParent()
    with (
        server.running(str(folder), rest_port=0) as served,
        grpc.insecure_channel(f"localhost:{served.port}") as channel,
    ):
        models = model_service_pb2_grpc.ModelServiceStub(channel)
        models.HandleReloadConfigRequest(message)
        one.version_labels["stable"] = 1
        assert models.HandleReloadConfigRequest(message).status.error_code == 0
        asked = get_model_status_pb2.GetModelStatusRequest()
        asked.model_spec.name = "tiny"
        states = models.GetModelStatus(asked).model_version_status
        assert [(each.version, each.state) for each in states] == [(2, 30), (1, 30)]
        url = (
            f"http://localhost:{served.rest_port}/v1/models/tiny/labels/stable:regress"
        )
        body = {"signature_name": "regression", "examples": [{"x": 1.0}]}
        with urllib.request.urlopen(url, json.dumps(body).encode(), 10) as response:
            [found] = json.loads(response.read())["results"]
        assert found == pytest.approx(tiny.sigmoid(1.0))
        one.base_path = str(folder / ".." / ".." / "..")
        with pytest.raises(grpc.RpcError, match="outside of") as error:
            models.HandleReloadConfigRequest(message)
        assert error.value.code() == grpc.StatusCode.INVALID_ARGUMENT


def start(folder, **ports):
    with server.running(str(folder), **ports):
        pass


def test_a_port_in_use_is_refused(target, folder):
    port = int(target.rsplit(":", 1)[1])
    for ports in ({"port": port}, {"rest_port": port}):
        with pytest.raises(ConfigError, match=f"port {port} cannot be used"):
            start(folder, **ports)


def test_what_is_no_model_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="does not exist"):
        start(tmp_path / "nowhere")
    with pytest.raises(ConfigError, match="holds no version"):
        start(tmp_path)
    (tmp_path / "1").mkdir()
    (tmp_path / "1" / "saved_model.pb").write_bytes(b"\xff")
    with pytest.raises(ConfigError, match="1 does not load"):
        start(tmp_path)


def test_client_says_what_is_wrong(target):
    with Client(target, "huge") as client, pytest.raises(ConfigError, match="huge"):
        client.score_examples(tiny.examples(0.0))
    with socket.socket() as free:
        free.bind(("localhost", 0))
        nowhere = f"localhost:{free.getsockname()[1]}"
    with (
        Client(nowhere, "tiny") as client,
        pytest.raises(ConnectionError, match=f"no answer .* at {nowhere}"),
    ):
        client.score_examples(tiny.examples(0.0))
