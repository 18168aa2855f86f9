import pytest
from ml_metadata import MetadataStore
from ml_metadata.proto import metadata_store_pb2 as mlmd
from tfx.types import standard_artifacts

from pipeline.baseline import LatestFitModelStrategy

TYPES = {
    "model": standard_artifacts.Model,
    "model_blessing": standard_artifacts.ModelBlessing,
    "infra_blessing": standard_artifacts.InfraBlessing,
    "examples": standard_artifacts.Examples,
}


class Runs:
    """Runs of a pipeline, as ML Metadata has them."""

    def __init__(self):
        connection = mlmd.ConnectionConfig()
        connection.fake_database.SetInParent()
        self.store = MetadataStore(connection)
        self._executions = self.store.put_execution_type(mlmd.ExecutionType(name="any"))
        self.artifacts = {key: [] for key in TYPES}
        self._examples = self._add("examples")

    def train(self):
        """Returns a new model."""
        return self._add("model")

    def judge(self, model, evaluator, infra_validator):
        """Adds what both say of a model; None: it was not asked."""
        if evaluator is not None:
            self._add("model_blessing", blessed=evaluator, current_model_id=model.id)
        if infra_validator is not None:
            blessing = self._add("infra_blessing", blessed=infra_validator)
            self._record([model, self._examples], blessing)

    def latest(self):
        """Returns what the strategy finds."""
        given = {key: list(self.artifacts[key]) for key in TYPES if key != "examples"}
        return LatestFitModelStrategy().resolve_artifacts(self.store, given)

    def _add(self, key, **properties):
        made = TYPES[key]()
        for name, value in properties.items():
            made.set_int_custom_property(name, int(value))
        if made.type_id is None or not made.type_id:
            kind = made.artifact_type
            made.type_id = self.store.put_artifact_type(kind, can_add_fields=True)
        [made.id] = self.store.put_artifacts([made.mlmd_artifact])
        self.artifacts[key].append(made)
        return made

    def _record(self, inputs, output):
        execution = mlmd.Execution(type_id=self._executions)
        [number] = self.store.put_executions([execution])
        kinds = [*((one, mlmd.Event.INPUT) for one in inputs)]
        for artifact, kind in [*kinds, (output, mlmd.Event.OUTPUT)]:
            event = mlmd.Event(artifact_id=artifact.id, execution_id=number, type=kind)
            self.store.put_events([event])


@pytest.fixture
def runs():
    return Runs()


def test_without_a_run_there_is_nothing_to_be_compared_with(runs):
    assert runs.latest() == {"model": [], "model_blessing": [], "infra_blessing": []}


@pytest.mark.parametrize(
    ("evaluator", "infra_validator"),
    [(True, False), (False, True), (False, False), (True, None), (None, True)],
)
def test_a_model_that_one_of_both_refused_is_passed_over(
    runs, evaluator, infra_validator
):
    fit, unfit = runs.train(), runs.train()
    runs.judge(unfit, evaluator, infra_validator)
    assert runs.latest()["model"] == []
    runs.judge(fit, True, True)
    runs.judge(unfit, evaluator, infra_validator)
    found = runs.latest()
    assert [artifact.id for artifact in found["model"]] == [fit.id]
    assert all(
        found[key][0].get_int_custom_property("blessed")
        for key in found
        if key != "model"
    )


def test_the_latest_model_counts_not_the_latest_blessing(runs):
    older, newer = runs.train(), runs.train()
    runs.judge(newer, True, True)
    runs.judge(older, True, True)
    assert [model.id for model in runs.latest()["model"]] == [newer.id]


def test_a_model_that_was_pushed_stays_one_that_others_are_held_to(runs):
    model = runs.train()
    runs.judge(model, True, True)
    runs.judge(model, True, False)  # the same model, asked to be quicker
    assert [found.id for found in runs.latest()["model"]] == [model.id]
