"""`ArrowExampleGen`: stands where TFX's CsvExampleGen stood, writes what it wrote."""

import os

from google.protobuf import any_pb2, struct_pb2
from tfx.components.example_gen.component import FileBasedExampleGen
from tfx.dsl.components.base import executor_spec
from tfx.proto import example_gen_pb2, range_config_pb2

from components.example_gen import executor, side_tables, sources, spans
from schema.features import Dataset

# The component's id; that of a span's has the span's name (`spans.name`) after it.
EXAMPLE_GEN, BEFORE_SPAN = "ExampleGen", "-"
SERVING_EXAMPLE_GEN = "ServingExampleGen"  # what reads requests that were served
_HASH_BUCKETS = 1000  # the resolution of eval_fraction


class ArrowExampleGen(FileBasedExampleGen):
    """Reads a declared dataset in whole record batches and splits it as declared.

    Rows that cannot be used go to the folder `quarantine` beside the splits.

    CsvExampleGen takes row after row through Python, guesses types from the values, and
    knows neither other delimiters, nor files without a header, nor bad rows.

    Outputs:
        examples: `Examples`, splits `train` and `eval`, or `serving` alone where there
            is no label, serialized tf.Examples.
    """

    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(executor.Executor)

    def __init__(
        self,
        input_base: str,
        pattern: str,
        dataset: Dataset,
        code_version: str,
        span: int | None = None,
        labelled: bool = True,
        seen: bool = True,
    ) -> None:
        """Makes the component.

        Args:
            input_base: The folder that holds the files.
            pattern: Which of its files are read.
            dataset: What their columns are; side tables are `placed`.
            code_version: Stands for our code in the cache's key.
            span: The one to read, of a pattern with the marks of spans.
            labelled: Whether the label is read; rows without it are not split.
            seen: Whether the files can be looked at now.
        """
        settings = struct_pb2.Struct()
        settings[executor.DATASET_KEY] = dataset.model_dump_json(exclude={"window"})
        settings[executor.LABELLED_KEY] = labelled
        settings[executor.CODE_KEY] = code_version
        # TFX looks at the files of the pattern only, to see whether data is as it was.
        if seen:
            settings["tables"] = side_tables.digest(dataset)
        packed = any_pb2.Any()
        packed.Pack(settings)
        super().__init__(
            input_base=input_base,
            input_config=example_gen_pb2.Input(
                splits=[example_gen_pb2.Input.Split(name="all", pattern=pattern)]
            ),
            output_config=example_gen_pb2.Output(
                split_config=example_gen_pb2.SplitConfig(
                    splits=_splits(dataset, labelled)
                )
            ),
            custom_config=example_gen_pb2.CustomConfig(custom_config=packed),
            range_config=None
            if span is None
            else range_config_pb2.RangeConfig(
                static_range=range_config_pb2.StaticRange(
                    start_span_number=span, end_span_number=span
                )
            ),
        )


def _splits(
    dataset: Dataset, labelled: bool
) -> list[example_gen_pb2.SplitConfig.Split]:
    split = example_gen_pb2.SplitConfig.Split
    if not labelled:
        return [split(name="serving", hash_buckets=1)]
    eval_buckets = max(1, round(_HASH_BUCKETS * dataset.eval_fraction))
    return [
        split(name="train", hash_buckets=_HASH_BUCKETS - eval_buckets),
        split(name="eval", hash_buckets=eval_buckets),
    ]


def unseen_example_gen(
    dataset: Dataset, code_version: str, labelled: bool = True
) -> ArrowExampleGen:
    """Returns what reads a dataset that only the component itself can look at.

    Its base is the dataset's path, whatever that is: the component finds out, as
    `example_gens` does, and then reads the latest span, if there are any.
    """
    path = str(dataset.path)
    made = ArrowExampleGen(path, "*", dataset, code_version, None, labelled, seen=False)
    return made.with_id(EXAMPLE_GEN)


def example_gens(
    dataset: Dataset,
    code_version: str,
    labelled: bool = True,
    last: int | None = None,
) -> list[ArrowExampleGen]:
    """Returns what reads a dataset: one component, or one a span, the latest last.

    One ExampleGen reads one span, says TFX. A resolver over all that ever was ingested
    would find the others, but also what an earlier declaration, version or code made
    of the same span; and the spans of the window that no run has ingested would be
    missing. A component of its own for each span is cached by itself.

    Args:
        dataset: What is read.
        code_version: Stands for our code in the cache's key.
        labelled: Whether the label is read.
        last: The window's last span; without it, the latest that is there.
    """
    base, pattern = sources.locate(dataset)
    dataset = side_tables.placed(dataset)
    window = sources.find_spans(dataset, last)
    if not window:
        only = ArrowExampleGen(base, pattern, dataset, code_version, None, labelled)
        return [only.with_id(EXAMPLE_GEN)]
    components = []
    for span in window:
        path = os.path.join(base, spans.fill(pattern, span))
        read = dataset.model_copy(update={"path": path})
        component = ArrowExampleGen(
            base, pattern, read, code_version, span.number, labelled
        )
        name = spans.name(pattern, span.number)
        components.append(component.with_id(f"{EXAMPLE_GEN}{BEFORE_SPAN}{name}"))
    return components


def serving_example_gen(
    dataset: Dataset, code_version: str, seen: bool = True
) -> ArrowExampleGen:
    """Returns what reads requests that were served; of a log in spans, the latest."""
    if seen:
        [reader] = example_gens(dataset, code_version, labelled=False)
    else:
        reader = unseen_example_gen(dataset, code_version, labelled=False)
    return reader.with_id(SERVING_EXAMPLE_GEN)
