"""The `deepfm` command: parses arguments, then makes one call."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from pipeline.kubeflow import commands
from pipeline.options import Config, Data, Debug, Overrides, Root
from schema.contract import DEFAULT_GRPC_PORT, DEFAULT_REST_PORT
from schema.errors import ConfigError, DataAnomalyError, DataError, NotPushedError

app = typer.Typer(
    help="From a raw click log to a click-through-rate model in production.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
schema_app = typer.Typer(help="What a dataset's columns are.", no_args_is_help=True)
app.add_typer(schema_app, name="schema")
_DEFAULT_CONFIG = Path(__file__).parent / "configs" / "generated.yaml"
_BAD_INPUT, _NOT_BLESSED, _ANOMALIES, _SERVER = 2, 3, 4, 5


@app.command()
def run(
    config: Config = str(_DEFAULT_CONFIG),
    data: Data = None,
    root: Root = "runs",
    overrides: Overrides = None,
    debug: Debug = False,
) -> None:
    """Train, evaluate and, if it is good enough, push a model."""
    from pipeline import loading, local_runner

    experiment = loading.load(config, overrides or [], data)
    summary = local_runner.run(experiment, root, debug)
    command = sys.argv[0] if sys.argv[0].endswith("deepfm") else "python -m pipeline"
    print(local_runner.describe(summary, command))
    if not summary["blessed"]:
        raise typer.Exit(_NOT_BLESSED)


@app.command()
def compare(
    config: Config = str(_DEFAULT_CONFIG),
    models: Annotated[
        str | None,
        typer.Option(
            help="Policy types, names of policy_configs, gbdt for LightGBM; by comma."
        ),
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, help="Trainings of each model.")] = 3,
    data: Data = None,
    root: Root = "runs",
    overrides: Overrides = None,
    debug: Debug = False,
) -> None:
    """Train models side by side on the same data, and say which is worth its cost."""
    from pipeline import comparison, loading

    experiment = loading.load(config, overrides or [], data)
    names = models.split(",") if models else comparison.DEFAULT_MODELS
    names = [name.strip() for name in names]
    print(
        comparison.describe(comparison.compare(experiment, names, seeds, root, debug))
    )


@app.command()
def serve(
    model_dir: Annotated[str, typer.Argument(help="The folder of versions.")],
    port: Annotated[
        int, typer.Option(help="Of gRPC; 0 for any free one.")
    ] = DEFAULT_GRPC_PORT,
    rest_port: Annotated[
        int, typer.Option(help="Of REST; 0 for any free one.")
    ] = DEFAULT_REST_PORT,
    debug: Debug = False,
) -> None:
    """Serve a pushed model over TensorFlow Serving's gRPC and REST APIs."""
    from pipeline.console import muted

    with muted():
        from components.serving import server

    server.serve(model_dir, port, rest_port)


@app.command()
def score(
    input_path: Annotated[str, typer.Argument(metavar="INPUT", help="A table.")],
    output_path: Annotated[str, typer.Argument(metavar="OUTPUT", help="A CSV.")],
    model: Annotated[str, typer.Option(help="The served model's name.")],
    target: Annotated[
        str, typer.Option(help="HOST:PORT of the server.")
    ] = f"localhost:{DEFAULT_GRPC_PORT}",
    config: Annotated[
        str, typer.Option(help="The experiment whose dataset block describes INPUT.")
    ] = str(_DEFAULT_CONFIG),
    restart: Annotated[
        bool, typer.Option("--restart", help="Throw away what a stopped run scored.")
    ] = False,
    debug: Debug = False,
) -> None:
    """Score a table through a server; OUTPUT has one probability per row, in order."""
    from pipeline import loading
    from pipeline.console import muted

    dataset = loading.load(config).dataset
    with muted():
        from pipeline import scoring

    rows = scoring.score(input_path, output_path, dataset, target, model, restart)
    print(f"{rows} rows scored: {output_path}")


@app.command()
def report(
    run: Annotated[str, typer.Argument(help="A run's folder, as runs/generated.")],
    other: Annotated[
        str | None, typer.Argument(help="Another's, to compare the first with.")
    ] = None,
    debug: Debug = False,
) -> None:
    """Write the page of a run anew, or one page that compares two runs."""
    from pipeline import reporting

    if other is None:
        print(reporting.rebuild(run, debug))
    else:
        print(reporting.compare(run, other, debug))


app.command(name="compile")(commands.compile_pipeline)
app.command()(commands.submit)


@schema_app.command()
def infer(
    data: Annotated[str, typer.Argument(help="A CSV, TSV or Parquet file or folder.")],
    output: Annotated[
        str | None, typer.Option("-o", "--output", help="The file to write.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite it.")] = False,
    label: Annotated[
        str | None, typer.Option(help="The column to predict; guessed without.")
    ] = None,
    positive: Annotated[
        list[str] | None, typer.Option(help="A value of it that means 1.")
    ] = None,
    pattern: Annotated[
        str | None, typer.Option(help="Which files of the folder, as '*.csv'.")
    ] = None,
    delimiter: Annotated[
        str | None, typer.Option(help="One character, or tab; found out without.")
    ] = None,
    header: Annotated[
        bool | None, typer.Option("--header/--no-header", help="Found out without.")
    ] = None,
    columns: Annotated[
        str | None, typer.Option(help="Names for a file without header: a,b,c.")
    ] = None,
    debug: Debug = False,
) -> None:
    """Write a first declaration of DATA's columns, from a sample of its rows."""
    from pipeline.inference import declaration
    from pipeline.inference.start import Hints

    if output is not None:
        declaration.check_output(output, force)
    names = tuple(name.strip() for name in columns.split(",")) if columns else None
    if delimiter in ("tab", r"\t"):
        delimiter = "\t"
    values = tuple(positive or ())
    hints = Hints(pattern, delimiter, header, names, label, values)
    text = declaration.infer(data, hints)
    if output is None:
        typer.echo(text.encode(), nl=False)  # UTF-8 in any locale, as it is read
    else:
        declaration.write(output, text)
    print(declaration.next_steps(output), file=sys.stderr if output is None else None)


def main() -> None:
    """Runs the command; the user's mistakes end in a sentence and an exit code."""
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    debug = "--debug" in sys.argv
    try:
        app()
    except (ConfigError, DataError, NotPushedError, ConnectionError) as error:
        if debug:
            raise
        print(f"deepfm: {error}", file=sys.stderr)
        if isinstance(error, DataAnomalyError):
            sys.exit(_ANOMALIES)
        if isinstance(error, NotPushedError):
            sys.exit(_NOT_BLESSED)
        sys.exit(_SERVER if isinstance(error, ConnectionError) else _BAD_INPUT)
    except Exception as error:
        if debug:
            raise
        print(
            f"deepfm: an error of ours, not of yours: {type(error).__name__}: {error}. "
            "--debug shows where; the full log is in the run's folder.",
            file=sys.stderr,
        )
        sys.exit(1)
