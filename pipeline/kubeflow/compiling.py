"""Compiles an experiment to a file that Kubeflow Pipelines v2 takes."""

import os
from pathlib import Path
from typing import Any

import yaml

import schema
from components.example_gen import component as example_gen
from components.files import write_whole
from pipeline.config import PipelineConfig
from pipeline.kubeflow import checks, parameters, spec
from pipeline.kubeflow.places import PACKAGED
from schema.errors import ConfigError


def compile_to(config: PipelineConfig, path: str) -> str | None:
    """Writes the pipeline spec of an experiment.

    Args:
        config: The experiment, with a `kubeflow` block.
        path: The file, `.yaml`.

    Returns:
        What is to be said of the image, if anything.

    Raises:
        ConfigError: A cluster could not run it, or the file cannot be written.
    """
    from pipeline.code_version import code_version

    if not path.endswith((".yaml", ".yml")):
        raise ConfigError(f"-o {path}: expected a file that ends in .yaml.")
    kubeflow = checks.settings(config)
    version = code_version()
    documents = compiled(config, version)
    try:
        write_whole(path, yaml.safe_dump_all(documents, sort_keys=True))
    except OSError as error:
        raise ConfigError(f"-o {path}: cannot be written: {error.strerror}.") from error
    return checks.image_warning(str(kubeflow.image), version)


def compiled(config: PipelineConfig, code_version: str) -> list[spec.Spec]:
    """Returns the documents of the file: the pipeline spec, and what is mounted.

    Args:
        config: The experiment, with a `kubeflow` block.
        code_version: Of our code: a component's cached output holds only for it.

    Raises:
        ConfigError: A cluster could not run it.
    """
    kubeflow = checks.settings(config)
    made = _by_tfx(config, code_version)
    declared = parameters.declared(config)
    spec.declare(made, declared)
    readers = {
        example_gen.EXAMPLE_GEN: parameters.DATA,
        example_gen.SERVING_EXAMPLE_GEN: parameters.SERVING_DATA,
    }
    for reader, data in readers.items():
        if reader in made["components"]:
            spec.watch_data(made, reader, data)
    checks.check_components(kubeflow, made["components"])
    spec.furnish(made, kubeflow, config.beam_args)
    spec.sign(made, code_version)
    made["defaultPipelineRoot"] = kubeflow.pipeline_root
    mounted = spec.mounts(made, kubeflow)
    return [made, mounted] if mounted else [made]


def _by_tfx(config: PipelineConfig, code_version: str) -> spec.Spec:
    try:
        from tfx.orchestration.kubeflow.v2 import kubeflow_v2_dag_runner as runner
    except ImportError as error:
        raise ConfigError(checks.NO_SDK) from error

    from pipeline.pipeline import create_pipeline

    kubeflow = checks.settings(config)
    name = checks.pipeline_name(config)
    dag = create_pipeline(
        _with_packaged_schema(config).model_copy(update={"name": name}),
        pipeline_root=str(kubeflow.pipeline_root),
        metadata_path="",  # nobody asks it
        serving_dir=str(config.push.destination),
        code_version=code_version,
        memory=os.path.join(str(kubeflow.memory), name),
    )
    settings = runner.KubeflowV2DagRunnerConfig(
        default_image=kubeflow.image,
        default_commands=spec.COMMAND,
        use_pipeline_spec_2_1=True,
    )
    job: dict[str, Any] = runner.KubeflowV2DagRunner(settings).run(dag, write_out=False)
    made: spec.Spec = job["pipelineSpec"]
    return made


def _with_packaged_schema(config: PipelineConfig) -> PipelineConfig:
    """Returns the experiment with its schema where containers find it.

    Raises:
        ConfigError: They find it nowhere.
    """
    path = config.dataset.curated_schema
    if path is None or path.startswith("gs://"):
        return config
    rooms = Path(schema.__path__[0]).parent
    if Path(path).is_relative_to(rooms / "schema"):
        place = f"{PACKAGED}{Path(path).relative_to(rooms)}"
    elif any(
        path.startswith(f"{one.path}/") for one in checks.settings(config).volumes
    ):
        return config
    else:
        raise ConfigError(
            f"dataset.curated_schema: {path} is out of reach of a cluster's "
            "containers. Name a file in gs://, on a volume (kubeflow.volumes), or put "
            "it into the project's schema folder, which is in the image."
        )
    dataset = config.dataset.model_copy(update={"curated_schema": place})
    return config.model_copy(update={"dataset": dataset})
