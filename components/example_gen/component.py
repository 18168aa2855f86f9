"""`ArrowExampleGen`: stands where TFX's CsvExampleGen stood, writes what it wrote."""

from google.protobuf import any_pb2, struct_pb2
from tfx.components.example_gen import component
from tfx.dsl.components.base import executor_spec
from tfx.proto import example_gen_pb2

from components.example_gen import executor
from schema.features import Dataset

_HASH_BUCKETS = 1000  # the resolution of eval_fraction


class ArrowExampleGen(component.FileBasedExampleGen):
    """Reads a declared dataset in whole record batches and splits it by hash.

    Rows that cannot be used go to the folder `quarantine` beside the splits.

    CsvExampleGen takes row after row through Python, guesses types from the values, and
    knows neither other delimiters, nor files without a header, nor bad rows.

    Outputs:
        examples: `Examples`, splits `train` and `eval`, serialized tf.Examples.
    """

    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(executor.Executor)

    def __init__(
        self, input_base: str, pattern: str, dataset: Dataset, code_version: str
    ) -> None:
        """Makes the component.

        Args:
            input_base: The folder that holds the files.
            pattern: Which of its files are read.
            dataset: What their columns are.
            code_version: Stands for our code in the cache's key.
        """
        eval_buckets = max(1, round(_HASH_BUCKETS * dataset.eval_fraction))
        settings = struct_pb2.Struct()
        settings[executor.DATASET_KEY] = dataset.model_dump_json()
        settings["code_version"] = code_version
        packed = any_pb2.Any()
        packed.Pack(settings)
        splits = example_gen_pb2.SplitConfig.Split
        super().__init__(
            input_base=input_base,
            input_config=example_gen_pb2.Input(
                splits=[example_gen_pb2.Input.Split(name="all", pattern=pattern)]
            ),
            output_config=example_gen_pb2.Output(
                split_config=example_gen_pb2.SplitConfig(
                    splits=[
                        splits(name="train", hash_buckets=_HASH_BUCKETS - eval_buckets),
                        splits(name="eval", hash_buckets=eval_buckets),
                    ]
                )
            ),
            custom_config=example_gen_pb2.CustomConfig(custom_config=packed),
        )
