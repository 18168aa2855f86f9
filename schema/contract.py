"""Names that a served model and the stages before it agree on.

Signature and key names are those of TensorFlow Serving; `_xf` is that of the TFX
templates.
"""

from collections import Counter
from collections.abc import Iterable

SERVING_DEFAULT = "serving_default"
EXAMPLES = "examples"  # input: serialized tf.Examples of raw features, string (B,)
PROBABILITIES = "probabilities"  # output: float32 (B, 1)

DEFAULT_GRPC_PORT = 8500
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
