"""Names that a served model and the stages before it agree on.

Signature and key names are those of TensorFlow Serving; `_xf` is that of the TFX
templates.
"""

from collections import Counter
from collections.abc import Iterable
from typing import Literal

# Signatures of a served model, and their inputs and outputs. B examples, N candidates.
SERVING_DEFAULT = "serving_default"  # EXAMPLES -> PROBABILITIES
PREDICT = "predict"  # the same
# A column per raw feature -> PROBABILITIES and LOGITS. A column holds text or float32
# numbers, (B,), or (1,) for all examples; of several values a row, (B, values), those
# that a row does not have empty. "" and NaN are missing, as is a column left out.
PREDICT_COLUMNS = "predict_columns"
# As predict_columns, but that the columns of the context (`dataset.context`) are (1,)
# and transformed once for all N candidates.
RANK = "rank"
CLASSIFICATION = "classification"  # INPUTS -> CLASSES, SCORES; for Classify
REGRESSION = "regression"  # INPUTS -> OUTPUTS; for Regress
TRANSFORM_FEATURES = "transform_features"  # EXAMPLES -> what a model is given
EMBEDDINGS = "embeddings"  # EXAMPLES -> for each field float32 (B, its width)

EXAMPLES = "examples"  # serialized tf.Examples of raw features, string (B,)
PROBABILITIES = "probabilities"  # float32 (B, 1)
LOGITS = "logits"  # float32 (B, 1): those of the probabilities
INPUTS = "inputs"  # as EXAMPLES; TensorFlow Serving fixes these four names
CLASSES, SCORES = "classes", "scores"  # string (B, 2): "0", "1"; float32 (B, 2)
OUTPUTS = "outputs"  # float32 (B, 1): the probability

# Beside the SavedModel: what a server sends a version before it takes traffic. Each
# record holds the response, too, as the trained model gave it before it was saved.
WARMUP_PATH = "assets.extra/tf_serving_warmup_requests"

# How a SavedModel stores embeddings; and beside it, where that is not float32, what it
# cost: a JSON object (`components/trainer/storing.py`).
Storage = Literal["float32", "float16", "int8"]
STORING_PATH = "assets.extra/storing.json"
# And what correcting its probabilities changed (`components/correction.py`).
CORRECTION_PATH = "assets.extra/correction.json"

# Of the InfraValidator's blessing: what is wrong with a model as a server serves it, a
# JSON list of sentences.
FINDINGS_PROPERTY = "findings"
# In a ModelRun: a training's figures, a line per epoch, named as Keras names them.
HISTORY = "history.csv"
# There, too: the settings that were used, a JSON object of `policy` and `training`.
SETTINGS = "settings.json"
REPORT_PAGE = "report.html"  # in the Report's artifact, and in the run's folder

DEFAULT_GRPC_PORT = 8500
DEFAULT_REST_PORT = 8501
METRICS_PATH = "/monitoring/prometheus/metrics"
STABLE, CANARY = "stable", "canary"  # labels of versions: for most users, and for some
MAX_MESSAGE_BYTES = 64 << 20  # of a request or response, for server and client

# Id 0 of every field says that the value is missing. Known values follow, and after
# them the buckets for values that training never saw.
MISSING_ID = 0
# Fills the columns of a multi-valued field that a row has no value for.
PADDING_ID = -1

# What Transform hands to a model, all fields side by side. T = F, but that a
# multi-valued field takes as many columns as it can have values.
IDS = "ids_xf"  # int64 (B, T)
VALUES = "values_xf"  # float32 (B, S): the multipliers of the S scaled fields
# Beside these, what is for training alone: the label, under its own name, and
WEIGHT = "weight_xf"  # float32 (B, 1): how much a row counts, where that is declared

# Tensors inside of the transform graph, by which serving enters it where its values are
# dense: n cells, each a value and the number of the column that it is of.
TEXT_CELLS, TEXT_OWNERS = "text_cells", "text_owners"  # string (n,), int64 (n,)
TEXT_IDS = "text_ids"  # int64 (n,)
NUMBER_CELLS, NUMBER_OWNERS = "number_cells", "number_owners"  # float32, int64 (n,)
NUMBER_IDS, MULTIPLIERS = "number_ids", "multipliers"  # int64, float32 (n,)

# The transform graph's asset, one file for all fields: per field a line for the empty
# value, which is missing, then a line per known value; and the end.
VOCABULARY = "vocabulary"
VOCABULARY_END = ":"


def vocabulary_line(feature: str, value: str) -> str:
    """Returns the line of the vocabulary file that stands for a feature's value."""
    return f"{feature}:{value}"


def vocabulary_sizes(lines: Iterable[str]) -> Counter[str]:
    """Returns how many lines each feature has: its known values, and missing."""
    # A feature's name has no colon, so the first one ends it.
    return Counter(line.split(":", 1)[0] for line in lines)
