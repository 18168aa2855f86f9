"""Names that a served model and the stages before it agree on.

Signature and key names are those of TensorFlow Serving; `_xf` and `_vocab` are those of
the TFX templates.
"""

SERVING_DEFAULT = "serving_default"
EXAMPLES = "examples"  # input: serialized tf.Examples of raw features, string (B,)
PROBABILITIES = "probabilities"  # output: float32 (B, 1)

DEFAULT_GRPC_PORT = 8500

# Id 0 of every field says that the value is missing. Known values follow, and after
# them the buckets for values that training never saw.
MISSING_ID = 0


def ids_name(feature: str) -> str:
    """Returns the name of a feature's transformed ids, int64 (B, 1)."""
    return f"{feature}_xf"


def values_name(feature: str) -> str:
    """Returns the name of a scaled numeric feature's multiplier, float32 (B, 1)."""
    return f"{feature}_value_xf"


def vocabulary_name(feature: str) -> str:
    """Returns the name under which Transform stores a feature's vocabulary."""
    return f"{feature}_vocab"
