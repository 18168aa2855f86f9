"""The image: hadolint's rules, by their numbers, and the build itself on request."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from pipeline.code_version import code_version
from tests import dockerfile

REPOSITORY = Path(__file__).parents[1]
STEPS = dockerfile.read(REPOSITORY / "Dockerfile")
CERTIFICATES = "etc/certificates-of-the-host.pem"
BUILD_TOOLS = ("gcc", "g++", "cc", "make", "pip", "pip3", "uv")


def texts(name):
    return [step.text for step in STEPS if step.name == name]


def test_images_and_folders_are_named_in_full():
    for text in texts("FROM"):
        assert ":" in text.split()[0], "DL3006"
        assert not text.split()[0].endswith(":latest"), "DL3007"
    assert all(text.startswith("/") for text in texts("WORKDIR")), "DL3000"
    assert not texts("ADD"), "DL3020"
    for text in texts("COPY"):
        *sources, target = [word for word in text.split() if word[:2] != "--"]
        assert len(sources) < 2 or target.endswith("/"), "DL3021"


def test_commands_are_run_as_they_should():
    assert texts("SHELL") and all("pipefail" in text for text in texts("SHELL")), (
        "DL4006"
    )
    for text in texts("RUN"):
        assert "sudo" not in text, "DL3004"
        assert " cd " not in text, "DL3003"
        for installing in text.split("&&"):
            if "apt-get install" in installing:
                assert " -y " in installing, "DL3014"
                assert "--no-install-recommends" in installing, "DL3015"
                assert "rm -rf /var/lib/apt/lists/*" in text, "DL3009"
            if "pip install" in installing:
                assert "--no-cache" in installing, "DL3042"
    for text in texts("CMD"):
        assert isinstance(json.loads(text), list), "DL3025"
    assert len(texts("CMD")) == 1, "DL4003"
    assert texts("USER")[-1] != "root", "DL3002"


def test_what_is_copied_is_there_and_reaches_the_build():
    ignored = (REPOSITORY / ".dockerignore").read_text().splitlines()
    assert ignored[0] == "*"
    for text in texts("COPY"):
        if text.startswith("--from="):
            continue
        for source in text.split()[:-1]:
            assert (REPOSITORY / source).exists()
            assert f"!{source}" in ignored


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """The root folder of a Debian 13 with nothing in it."""
    if os.geteuid() != 0:
        pytest.skip("chroot needs root")
    if shutil.which("debootstrap") is None:
        pytest.skip("debootstrap is not installed")
    root = tmp_path_factory.mktemp("debian") / "plain"
    made = subprocess.run(
        ["debootstrap", "--variant=minbase", "trixie", str(root)],
        capture_output=True,
        text=True,
    )
    if made.returncode:
        pytest.skip(f"debootstrap made no Debian 13: {made.stdout[-300:]}")
    shutil.copy("/etc/resolv.conf", root / "etc" / "resolv.conf")
    if own := os.environ.get("SSL_CERT_FILE"):
        shutil.copy(own, root / CERTIFICATES)
    return root


@pytest.mark.image
@pytest.mark.timeout(3600)
def test_every_step_succeeds_and_leaves_no_build_tools(plain):
    arguments = {"CODE_VERSION": code_version()}
    place = (
        f"/{CERTIFICATES}"  # the host's, if it has such: it may stand behind a proxy
    )
    given = dict.fromkeys(("SSL_CERT_FILE", "PIP_CERT"), place)
    given = given if (plain / CERTIFICATES).exists() else {}
    builder = dockerfile.Builder(plain, plain.parent, REPOSITORY, arguments, given)
    root = builder.build(STEPS)
    folders = [root / name for name in ("usr/bin", "usr/local/bin", "opt/deepfm/bin")]
    for tool in BUILD_TOOLS:
        assert not [folder for folder in folders if (folder / tool).exists()], tool
    assert (root / "home" / "deepfm").stat().st_uid == 1000
