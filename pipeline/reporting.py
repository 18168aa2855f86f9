"""A run's page in its folder: put there, made anew, or made of two runs."""

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

from components.files import write_whole
from pipeline.console import quiet
from schema.contract import REPORT_PAGE
from schema.errors import ConfigError

if TYPE_CHECKING:
    from components.report.sources import Sources
    from pipeline.record import RunRecord

_LOGS = "tensorboard"


def publish(record: "RunRecord", folder: Path) -> str:
    """Copies the page that the Report component wrote; returns where it is.

    Args:
        record: The run.
        folder: Of the run.
    """
    written = Path(record.output("Report", "report").uri) / REPORT_PAGE
    path = folder / REPORT_PAGE
    write_whole(path, written.read_bytes())
    return str(path)


def link_logs(record: "RunRecord", folder: Path) -> None:
    """Links the logs of the run's training, beside those of earlier ones.

    Args:
        record: The run.
        folder: Of the run.
    """
    logs = Path(record.output("Trainer", "model_run").uri)
    link = folder / _LOGS / logs.name
    link.parent.mkdir(exist_ok=True)
    link.unlink(missing_ok=True)
    link.symlink_to(os.path.relpath(logs, link.parent))


def rebuild(run: str, debug: bool = False) -> str:
    """Writes the page of a run anew, from its folder alone; returns where it is.

    Args:
        run: The folder.
        debug: Lets everything that libraries print through.

    Raises:
        ConfigError: It is not a run's folder, or its run got not far enough.
    """
    folder = _checked(run)
    with quiet(str(folder / "log.txt"), debug):
        from components.report import page

        write_whole(folder / REPORT_PAGE, page.write(sources(run)))
    return str(folder / REPORT_PAGE)


def compare(run: str, other: str, debug: bool = False) -> str:
    """Writes one page of two runs into the first one's folder; returns where it is.

    Args:
        run: The first one's folder.
        other: The other's.
        debug: Lets everything that libraries print through.

    Raises:
        ConfigError: One is not a run's folder, or its run got not far enough.
    """
    first, second = _checked(run), _checked(other)
    if first.resolve() == second.resolve():
        raise ConfigError(f"{run} is compared with itself: give another run.")
    path = first / f"compared_with_{second.resolve().name}.html"
    with quiet(str(first / "log.txt"), debug):
        from components.report import comparison

        runs = {str(folder): sources(str(folder)) for folder in (first, second)}
        write_whole(path, comparison.write(runs))
    return str(path)


def sources(run: str) -> "Sources":
    """Returns what a run's page is made of, wherever its folder has been moved.

    Args:
        run: The folder.

    Raises:
        ConfigError: It is not a run's folder, or its run got not far enough.
    """
    from components.report import executor, lineage
    from components.report.sources import gather, versions

    folder = _checked(run)
    metadata_path = str(folder / "metadata.db")
    asked = lineage.asked(metadata_path)
    if asked is None:
        raise ConfigError(
            f"no run in {folder} got as far as a report. {folder}/log.txt says where "
            "the last one ended; run it again."
        )
    for artifact in asked.inputs.values():
        placed = folder.joinpath("artifacts", *Path(artifact.uri).parts[-3:])
        artifact.uri = str(placed)
    used = versions(asked.properties[executor.CODE_VERSION])
    if written := asked.outputs.get(executor.REPORT):
        used = json.loads(
            written.custom_properties[executor.VERSIONS_PROPERTY].string_value
        )
    config = json.loads(asked.properties[executor.CONFIG])
    return gather(asked.inputs, config, metadata_path, used)


def _checked(run: str) -> Path:
    folder = Path(run)
    if not (folder / "metadata.db").is_file():
        raise ConfigError(
            f"{run} is not a run's folder: it has no metadata.db. Give the folder that "
            "`deepfm run` names, as runs/generated."
        )
    return folder
