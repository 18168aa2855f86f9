"""`deepfm compile` and `deepfm submit`."""

import sys
from typing import Annotated

import typer

from pipeline.options import Config, Data, Debug, Overrides
from schema.errors import ConfigError


def compile_pipeline(
    config: Config,
    output: Annotated[
        str, typer.Option("-o", "--output", help="The file to write, .yaml.")
    ],
    data: Data = None,
    overrides: Overrides = None,
    debug: Debug = False,
) -> None:
    """Write an experiment as a pipeline of Kubeflow Pipelines."""
    from pipeline import loading
    from pipeline.console import muted

    experiment = loading.load(config, overrides or [], data)
    with muted():
        from pipeline.kubeflow import compiling

        warning = compiling.compile_to(experiment, output)
    if warning:
        print(f"deepfm: {warning}", file=sys.stderr)
    print(f"compiled: {output}")


def submit(
    pipeline: Annotated[str, typer.Argument(help="What deepfm compile wrote.")],
    host: Annotated[str, typer.Option(help="URL of Kubeflow Pipelines.")],
    experiment: Annotated[
        str, typer.Option(help="That the run belongs to; made if it is not there.")
    ] = "deepfm",
    recurring: Annotated[
        str | None, typer.Option(metavar="CRON", help="Six fields, seconds first.")
    ] = None,
    given: Annotated[
        list[str] | None, typer.Option("--set", help="NAME=VALUE, a run's parameter.")
    ] = None,
    pipeline_root: Annotated[
        str | None, typer.Option(help="Where artifacts go, if elsewhere.")
    ] = None,
    wait: Annotated[bool, typer.Option("--wait", help="End as the run ends.")] = False,
    debug: Debug = False,
) -> None:
    """Run a compiled pipeline on a Kubeflow Pipelines installation."""
    if wait and recurring:
        raise ConfigError("--wait is for one run: leave --recurring or --wait out.")
    from pipeline.kubeflow.submit import Installation, typed

    values = typed(pipeline, given or [])
    installation = Installation(host)
    started = installation.submit(
        pipeline, experiment, values, pipeline_root, recurring
    )
    print(f"started: {started.page}", flush=True)
    if wait:
        installation.wait(started)
        print("the model is pushed")
