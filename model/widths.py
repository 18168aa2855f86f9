"""How wide each field's embedding is."""

from collections.abc import Sequence

from model.config import ModelConfig
from schema.features import EmbeddingField

_NARROWEST, _WIDEST = 4, 64


def embedding_widths(
    fields: Sequence[EmbeddingField], config: ModelConfig
) -> list[int]:
    """Returns the width of each field's embedding, in order.

    A field's own width comes first, then the one of all. `auto` is the fourth root of
    the number of ids, rounded up to a power of two between 4 and 64: fields of one
    width share a table, so few widths mean few look-ups.

    Reference:
        The fourth root is the rule of thumb of Google's feature columns,
        https://developers.googleblog.com/introducing-tensorflow-feature-columns/
    """
    return [
        config.embedding_dims.get(field.name)
        or (
            automatic_width(field.num_ids)
            if config.embedding_dim == "auto"
            else config.embedding_dim
        )
        for field in fields
    ]


def automatic_width(num_ids: int) -> int:
    """Returns the width that `embedding_dim: auto` gives a field of so many ids."""
    width = _NARROWEST
    while width < _WIDEST and width**4 < num_ids:
        width *= 2
    return width
