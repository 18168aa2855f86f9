"""Arguments that several commands take."""

from typing import Annotated

import typer

Config = Annotated[str, typer.Argument(help="The experiment.")]
Data = Annotated[str | None, typer.Option(help="Its data: a file or folder.")]
Root = Annotated[str, typer.Option(help="The folder of runs.")]
Overrides = Annotated[
    list[str] | None, typer.Option("--set", help="KEY=VALUE, over the file's.")
]
Debug = Annotated[
    bool, typer.Option("--debug", help="Show all that is printed, and tracebacks.")
]
