import dataclasses
import json
from pathlib import Path

from tfx.types import standard_artifacts
from tfx.types.experimental.simple_artifacts import File

from components.report import component, executor, page


def test_the_component_writes_the_page_of_its_inputs(run, tmp_path):
    inputs, words = {}, "stored as int8 the model lost 0.0001 of AUC"
    for key, channel in component.ReportSpec.INPUTS.items():
        inputs[key] = [channel.type()]
        inputs[key][0].uri = getattr(run, key, "")
    inputs["blessing"][0].set_int_custom_property("blessed", 1)
    infra = inputs["infra_blessing"][0]
    infra.set_int_custom_property("blessed", 0)
    infra.set_string_custom_property("findings", json.dumps(["it answers too late"]))
    inputs["blessing"][0].set_string_custom_property("storing", words)
    pushed = standard_artifacts.PushedModel()
    pushed.set_int_custom_property("pushed", 0)
    inputs["pushed_model"] = [pushed]
    report = File()
    report.uri = str(tmp_path / "report")
    properties = {
        executor.CONFIG: json.dumps(run.config),
        executor.METADATA_PATH: "",
        executor.CODE_VERSION: "abc",
    }
    executor.Executor().Do(inputs, {executor.REPORT: [report]}, properties)

    written = (Path(report.uri) / "report.html").read_text()
    sources = dataclasses.replace(
        run,
        blessed=False,
        pushed_version=None,
        storing=words,
        infra_findings=["it answers too late"],
    )
    assert words in written
    assert "it answers too late" in written
    assert written == page.write(sources)
    versions = json.loads(report.get_string_custom_property("versions"))
    assert versions["code"] == "abc"
