"""Refuses an experiment that a cluster could not run, before anything is written."""

import re
from collections.abc import Iterable, Iterator

from components.example_gen import inputs
from pipeline.config import PipelineConfig
from pipeline.kubeflow.config import KubeflowConfig
from schema.errors import ConfigError, did_you_mean

NO_SDK = (
    "Kubeflow Pipelines' SDK is not installed. Install kfp at the version that "
    "requirements.lock names: pip install 'deepfm-tfx[kfp]'."
)
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,127}")  # what Kubeflow Pipelines takes
_IMAGE = re.compile(r"[^\s:@]+(:[0-9]+/[^\s:@]+)?(:[\w.-]+)?(@sha256:[0-9a-f]{64})?")
# What its launcher takes, and what TensorFlow reads by itself.
_ROOTS, _READ = ("gs://", "s3://", "minio://"), ("gs://",)
# Beam runners whose workers live in the component's own container.
_OWN_WORKERS = ("FnApiRunner", "DirectRunner", "PrismRunner")


def settings(config: PipelineConfig) -> KubeflowConfig:
    """Returns the `kubeflow` block of an experiment that a cluster can run.

    Raises:
        ConfigError: It cannot: the key, and what is allowed.
    """
    kubeflow = config.kubeflow
    if kubeflow is None:
        raise ConfigError(
            "kubeflow: the block is missing. It names at least image, pipeline_root "
            "and memory."
        )
    _check_name(kubeflow, config.name)
    _check_image(kubeflow)
    _check_root(kubeflow)
    for key, path in _places(config, kubeflow):
        _check_place(key, path, kubeflow)
    if config.dataset.window > 1:
        raise ConfigError(
            f"dataset.window: {config.dataset.window} spans are wanted, but under "
            "Kubeflow Pipelines a run reads one, the latest. Set it to 1, or use "
            "deepfm run."
        )
    _check_beam(config, kubeflow)
    return kubeflow


def pipeline_name(config: PipelineConfig) -> str:
    """Returns the pipeline's name: its own, or the experiment's."""
    own = config.kubeflow.pipeline_name if config.kubeflow else None
    return own or config.name


def image_warning(image: str, code_version: str) -> str | None:
    """Returns what is to be said of an image that may hold other code, if anything."""
    if "@sha256:" in image or code_version in image.rpartition(":")[2]:
        return None
    return (
        f"kubeflow.image: the tag of {image} does not hold this code's fingerprint, "
        f"{code_version}: it may hold other code. make image tags it so."
    )


def check_components(kubeflow: KubeflowConfig, known: Iterable[str]) -> None:
    """Refuses settings of a component that is not there.

    Raises:
        ConfigError: There are such.
    """
    known = sorted(known)
    for name in kubeflow.components:
        if name not in known:
            near = did_you_mean(name, known)
            raise ConfigError(
                f"kubeflow.components.{name}: there is no such component{near} The "
                f"components are {', '.join(known)}."
            )


def _check_name(kubeflow: KubeflowConfig, name: str) -> None:
    key, given = "name", name
    if kubeflow.pipeline_name is not None:
        key, given = "kubeflow.pipeline_name", kubeflow.pipeline_name
    if not _NAME.fullmatch(given):
        raise ConfigError(
            f"{key}: Kubeflow Pipelines takes no pipeline named {given!r}: lower case "
            "letters, digits and dashes are allowed, 128 at most, none a dash first. "
            f"Set kubeflow.pipeline_name, as {_allowed(given)!r}."
        )


def _allowed(name: str) -> str:
    return re.sub("[^a-z0-9]+", "-", name.lower()).strip("-")[:128] or "ctr"


def _check_image(kubeflow: KubeflowConfig) -> None:
    if kubeflow.image is None:
        raise ConfigError(
            "kubeflow.image: the key is missing. Name the image that make image "
            "built, by tag or by digest."
        )
    if not _IMAGE.fullmatch(kubeflow.image):
        raise ConfigError(
            f"kubeflow.image: {kubeflow.image!r} is no image. Expected "
            "REGISTRY/NAME:TAG or REGISTRY/NAME@sha256:DIGEST."
        )


def _check_root(kubeflow: KubeflowConfig) -> None:
    root = kubeflow.pipeline_root
    if root is None or not root.startswith(_ROOTS):
        raise ConfigError(
            f"kubeflow.pipeline_root: received {root!r}, but Kubeflow Pipelines keeps "
            f"artifacts in object stores: {', '.join(_ROOTS)} are allowed."
        )


def _places(
    config: PipelineConfig, kubeflow: KubeflowConfig
) -> Iterator[tuple[str, str | None]]:
    yield "dataset.path (or --data)", config.dataset.path
    for index, table in enumerate(config.dataset.tables):
        if table.path.startswith("/") or inputs.is_remote(table.path):
            yield f"dataset.tables.{index}.path", table.path
    if config.validation.serving_data is not None:
        yield "validation.serving_data", config.validation.serving_data
    yield "push.destination", config.push.destination
    yield "kubeflow.memory", kubeflow.memory


def _check_place(key: str, path: str | None, kubeflow: KubeflowConfig) -> None:
    if path is None:
        raise ConfigError(
            f"{key}: not given; a cluster's containers share no folder of yours. Name "
            "a place in gs://, or below a volume (kubeflow.volumes)."
        )
    mounts = [volume.path for volume in kubeflow.volumes]
    if path.startswith(_READ) or any(path.startswith(f"{one}/") for one in mounts):
        return
    below = f", or below {' or '.join(mounts)}" if mounts else " (kubeflow.volumes)"
    raise ConfigError(
        f"{key}: {path} is out of reach of a cluster's containers. Name a place in "
        f"gs://, or on a volume that they mount{below}."
    )


def _check_beam(config: PipelineConfig, kubeflow: KubeflowConfig) -> None:
    """Refuses workers that would have to read a container's own disk."""
    if str(kubeflow.pipeline_root).startswith(_READ):
        return
    given = {"beam_args": config.beam_args}
    given["kubeflow.containers.beam_args"] = kubeflow.containers.beam_args or ()
    for name, container in kubeflow.components.items():
        given[f"kubeflow.components.{name}.beam_args"] = container.beam_args or ()
    for key, args in given.items():
        for runner in (arg.partition("=")[2] for arg in args if "--runner" in arg):
            if runner not in _OWN_WORKERS:
                raise ConfigError(
                    f"{key}: the workers of {runner} read artifacts where they lie, "
                    f"which they can in gs:// only; kubeflow.pipeline_root is "
                    f"{kubeflow.pipeline_root}."
                )
