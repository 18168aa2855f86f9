"""Proposes what to make of a column, from a sample of its cells, and says why."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.inference.wording import share, shown

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,199}")  # longer ones are no YAML key
# Nothing but a missing value; and words that may be a value in a column of text.
_NULLS = tuple(r"? \N NULL null (null) <NA> #N/A N/A n/a NaN nan".split())
_MAYBE_NULLS = tuple("NA None none - -- . inf -inf Infinity -Infinity".split())
_NUMBER = r"^-?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$"
_PADDED = r"^-?0[0-9]"
_DATE = r"^[0-9]{4}[-/.][0-9]{2}[-/.][0-9]{2}([T ][0-9]{2}:[0-9]{2}.*)?$"
_ID_NAME = re.compile(r"(^|_)(id|ids|code|key|zip|hash|uuid)$|Id$|ID$", re.ASCII)
_TIME_NAME = re.compile(r"time|date|(^|_)(ts|at)$|^ts_", re.IGNORECASE)
_EPOCHS = ((3e8, 5e9), (3e11, 5e12), (3e14, 5e15), (3e17, 5e18))  # s, ms, us, ns
_FEW = 32  # values of integers that are names rather than amounts
_MANY_ROWS = 20  # fewer do not tell whether values come back
_MIN_COUNT = 5
_HEAVY = 3.0  # skewness; a normal distribution has 0, an exponential one 2
_FLOAT32_MAX = float(np.finfo(np.float32).max)
_SEPARATORS = "|;,"


@dataclass(frozen=True)
class Proposal:
    """What to declare of a column, None to leave it out, and why."""

    settings: dict[str, Any] | None
    why: str


@dataclass(frozen=True)
class Profile:
    """What a sample's column holds, missing cells apart."""

    name: str
    rows: int
    missing: int  # rows
    values: pa.Array  # different ones
    counts: np.ndarray[Any, Any]  # rows of each value
    numbers: np.ndarray[Any, Any]  # each value as float64, NaN where it is no number

    @property
    def numeric(self) -> bool:
        """Whether all values are finite numbers of float32."""
        return bool(len(self.values)) and not np.isnan(self.numbers).any()

    @property
    def integral(self) -> bool:
        """Whether all values are whole numbers."""
        return self.numeric and bool(np.all(self.numbers == np.floor(self.numbers)))


def find_nulls(columns: Mapping[str, pa.Array]) -> tuple[list[str], dict[str, str]]:
    """Returns what stands for a missing value, and what may, by where it was seen."""
    nulls: dict[str, None] = {}
    seen: dict[str, str] = {}
    for name, column in columns.items():
        values = pc.unique(column)
        found = set(values.filter(_among(values, _NULLS + _MAYBE_NULLS)).to_pylist())
        nulls.update(dict.fromkeys(token for token in _NULLS if token in found))
        maybe = [token for token in _MAYBE_NULLS if token in found]
        if maybe:
            profile = describe(name, column, (*_NULLS, *_MAYBE_NULLS))
            if profile.numeric:
                nulls.update(dict.fromkeys(maybe))
            else:
                seen.update({token: seen.get(token, name) for token in maybe})
    return list(nulls), {t: name for t, name in seen.items() if t not in nulls}


def describe(name: str, column: pa.Array, nulls: Iterable[str]) -> Profile:
    """Counts a column's values.

    Args:
        name: The column's.
        column: Its cells as text without spaces around.
        nulls: What stands for a missing value, besides null and the empty text.
    """
    present = column.filter(pc.invert(_among(column, ("", *nulls)))).drop_null()
    values, counts = present.value_counts().flatten()
    numbers = np.full(len(values), np.nan)
    looks = pc.match_substring_regex(values, _NUMBER).to_numpy(zero_copy_only=False)
    if looks.any():
        numbers[looks] = values.filter(pa.array(looks)).cast(pa.float64()).to_numpy()
    numbers[np.abs(numbers) > _FLOAT32_MAX] = np.nan
    missing = len(column) - len(present)
    return Profile(name, len(column), missing, values, counts.to_numpy(), numbers)


def propose(profile: Profile, separator: str | None = None) -> Proposal:
    """Says what to declare of a column, and why.

    Args:
        profile: The column's.
        separator: What surely lies between the values of a cell.
    """
    if not _NAME.fullmatch(profile.name):
        return Proposal(
            None, "a name is letters, digits and _, 200 at most; rename the column"
        )
    if reason := _useless(profile):
        return Proposal(None, reason)
    separator = separator or _find_separator(profile)
    if separator:
        return _several(profile, separator)
    if profile.numeric and not _is_code(profile):
        return _number(profile)
    if _nearly_numbers(profile):
        return _spoilt(profile)
    if reason := _never_seen_again(profile):
        return Proposal(None, reason)
    return _category(profile)


def _among(column: pa.Array, tokens: Iterable[str]) -> pa.Array:
    return pc.is_in(column, pa.array(list(tokens), pa.string()))


def _useless(profile: Profile) -> str | None:
    if not len(profile.values):
        return "no row has a value"
    if len(profile.values) == 1 and not profile.missing:
        return f"all rows have {shown(profile.values[0].as_py())}"
    dates = pc.match_substring_regex(profile.values, _DATE)
    if pc.all(dates).as_py() or _is_epoch(profile):
        return "a time, which never comes back; make columns such as hour or weekday"
    return None


def _is_epoch(profile: Profile) -> bool:
    if not (_TIME_NAME.search(profile.name) and profile.integral):
        return False
    least, most = profile.numbers.min(), profile.numbers.max()
    return any(start <= least and most <= end for start, end in _EPOCHS)


def _never_seen_again(profile: Profile) -> str | None:
    present, different = profile.rows - profile.missing, len(profile.values)
    if present >= _MANY_ROWS and different >= 0.99 * present:
        return f"nearly every row has its own value ({different:,} in {present:,})"
    return None


def _is_code(profile: Profile) -> bool:
    """Returns whether numbers are names: few, of an id, or padded with zeros."""
    different = len(profile.values)
    if not profile.integral:
        return False
    if pc.any(pc.match_substring_regex(profile.values, _PADDED)).as_py():
        return True
    if _ID_NAME.search(profile.name) or _is_row_number(profile):
        return True
    return different <= 2 or different <= min(_FEW, profile.rows // 4)


def _is_row_number(profile: Profile) -> bool:
    """Returns whether whole numbers count the rows."""
    steps = np.diff(profile.numbers)  # values are in the order of their first row
    unique = len(profile.values) == profile.rows >= _MANY_ROWS
    return unique and bool(np.all(steps == 1))


def _number(profile: Profile) -> Proposal:
    numbers, counts = profile.numbers, profile.counts
    least, most = _written(numbers.min()), _written(numbers.max())
    why = f"numbers, {least} to {most}{_missing(profile)}"
    deviations = numbers - np.average(numbers, weights=counts)
    spread = np.sqrt(np.average(deviations**2, weights=counts))
    skewness = np.average((deviations / (spread or 1.0)) ** 3, weights=counts)
    if abs(skewness) <= _HEAVY:
        return Proposal({"type": "numeric"}, why)
    order = np.argsort(numbers)
    ranks = np.cumsum(counts[order])
    median = _written(numbers[order][np.searchsorted(ranks, ranks[-1] / 2)])
    settings = {"type": "numeric", "scale": "log_z_score"}
    return Proposal(settings, f"{why}; heavy tail, the median is {median}")


def _written(number: float) -> str:
    whole = number == np.floor(number) and abs(number) < 1e12
    return f"{number:,.0f}" if whole else f"{number:,.4g}"


def _nearly_numbers(profile: Profile) -> bool:
    numbers = profile.counts[~np.isnan(profile.numbers)].sum()
    return not profile.numeric and numbers >= 0.9 * profile.counts.sum()


def _spoilt(profile: Profile) -> Proposal:
    other = profile.values[int(np.argmax(np.isnan(profile.numbers)))].as_py()
    return Proposal(
        {"type": "categorical", "min_count": _MIN_COUNT},
        f"nearly all are numbers, but {shown(other)} is not: mend it or add it to "
        f"null_tokens for {{type: numeric}}{_missing(profile)}",
    )


def _category(profile: Profile) -> Proposal:
    different = len(profile.values)
    noun = "value" if different == 1 else "values"
    why = f"{different:,} {noun} in {profile.rows:,} rows{_missing(profile)}"
    if profile.numeric:
        why += "; whole numbers taken for names, else {type: numeric}"
    rare = int(profile.counts[profile.counts < _MIN_COUNT].sum())
    present = profile.rows - profile.missing
    if rare > 0.1 * present:
        why += f"; {share(rare, present)} of rows have one that under {_MIN_COUNT} have"
    return Proposal({"type": "categorical", "min_count": _MIN_COUNT}, why)


def _several(profile: Profile, separator: str) -> Proposal:
    cells = pc.split_pattern(profile.values, separator)
    parts = pc.utf8_trim_whitespace(cells.flatten())
    different = len(pc.unique(parts))
    most = int(pc.max(pc.list_value_length(cells)).as_py())
    settings = {"type": "categorical", "min_count": _MIN_COUNT, "separator": separator}
    if most > 10:
        settings["max_values"] = min(most, 50)
    why = f"up to {most} of {different:,} values a row{_missing(profile)}"
    return Proposal(settings, why)


def _find_separator(profile: Profile) -> str | None:
    """Returns what joins values that come back one by one, in other combinations."""
    if profile.numeric:
        return None
    for separator in _SEPARATORS:
        joined = pc.match_substring(profile.values, separator)
        rows = profile.counts[joined.to_numpy(zero_copy_only=False)].sum()
        if rows < 0.1 * profile.counts.sum():
            continue
        cells = pc.split_pattern(profile.values, separator)
        parts = pc.utf8_trim_whitespace(cells.flatten())
        different = len(pc.unique(parts))
        if separator == "|" and different < len(parts):
            return separator  # in text it hardly has another use
        if different < len(profile.values) and len(parts) >= 3 * different:
            return separator
    return None


def _missing(profile: Profile) -> str:
    if not profile.missing:
        return ""
    return f", {share(profile.missing, profile.rows)} missing"
