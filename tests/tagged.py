"""A dataset with multi-valued columns, and rows to fit."""

TAGGED = {
    "name": "tagged",
    "file": {"null_tokens": ["", "?"]},
    "label": {"column": "click"},
    "features": {
        "price": {"type": "numeric", "buckets": 4, "scale": "raw"},
        "tags": {
            "type": "categorical",
            "separator": "|",
            "max_values": 3,
            "min_count": 2,
        },
        "user": {"type": "categorical", "min_count": 1},
        "site": {"type": "categorical", "hash_buckets": 10},
        "genres": {
            "type": "categorical",
            "separator": "; ",
            "max_values": 2,
            "hash_buckets": 10,
            "pooling": "sum",
        },
        "shops": {
            "type": "categorical",
            "separator": " ",
            "max_values": 2,
            "min_count": 1,
            "default": "none",
        },
        "age": {"type": "numeric", "buckets": 4, "scale": "z_score"},
    },
}
# Which columns of `ids_xf` each feature has.
COLUMNS = {
    "price": slice(0, 1),
    "tags": slice(1, 4),
    "user": slice(4, 5),
    "site": slice(5, 6),
    "genres": slice(6, 8),
    "shops": slice(8, 10),
    "age": slice(10, 11),
}


def row(**values):
    """Returns a raw row: the values of each column, none where missing."""
    defaults = {"tags": ["red"], "user": ["u"], "site": ["s"], "genres": ["jazz"]}
    others = {"shops": ["north"], "price": [2.0], "age": [30.0], "click": [1]}
    return {**defaults, **others, **values}


TRAIN = [
    row(tags=["red", "blue", "red"], price=[1.0], age=[20.0]),
    row(tags=["blue", "red", "green", "late"], price=[100.0]),  # late is cut off
    row(tags=["green", "rare"], shops=[], price=[]),
    row(tags=["red", "", "x", "late"], shops=["north", "south"], price=[-3.0]),
    row(tags=[], genres=[], shops=["south", "south"], age=[40.0]),
]
