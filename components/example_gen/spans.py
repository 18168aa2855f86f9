"""The marks by which a path says where a span's number or date and version stand.

A span is a part of a log that grows: a day, as a rule. The marks `{SPAN}`, `{VERSION}`,
`{YYYY}`, `{MM}` and `{DD}` are those of TFX's ExampleGens, and so is their meaning: a
date is the span of so many days since 1970.
"""

import dataclasses
import datetime
import re

from schema.errors import ConfigError, DataError

_MARK = re.compile(r"\{(?:(SPAN|VERSION)(?::([^}]*))?|(YYYY|MM|DD))\}")
_GLOB = re.compile(r"\*|\?|\[[^]]+\]")
_DIGITS = {"YYYY": 4, "MM": 2, "DD": 2}
_EPOCH = datetime.date(1970, 1, 1).toordinal()


@dataclasses.dataclass(frozen=True)
class Span:
    """A span that lies there.

    Attributes:
        number: Of the span.
        version: The latest one, None if the pattern knows no versions.
        files: Those of this version, sorted.
    """

    number: int
    version: int | None
    files: tuple[str, ...]


def marked(pattern: str) -> bool:
    """Returns whether a path or pattern holds any mark."""
    return _MARK.search(pattern) is not None


def cut(path: str) -> tuple[str, str]:
    """Returns the folder above all marks and globs of a path, and what is below it."""
    found = _MARK.search(path)
    first = found.start() if found else len(path)
    if (glob := _GLOB.search(path)) and glob.start() < first:
        first = glob.start()
    folder, slash, _ = path[:first].rpartition("/")
    return folder or slash, path[len(folder) + len(slash) :]


def check(pattern: str, key: str) -> None:
    """Refuses marks that say no span, or two.

    Raises:
        ConfigError: They do.
    """
    marks = [(found[1] or found[3], found[2]) for found in _MARK.finditer(pattern)]
    names = [name for name, _ in marks]
    dated = [name for name in _DIGITS if name in names]
    where = f"{key}: {pattern!r} has "
    if "SPAN" in names and dated:
        raise ConfigError(
            f"{where}{{SPAN}} and {{{dated[0]}}} both. A span is a number or a date: "
            "keep one."
        )
    for name in names:
        if names.count(name) > 1:
            raise ConfigError(f"{where}{{{name}}} more than once: keep one.")
    if dated and len(dated) < len(_DIGITS):
        missing = ", ".join(f"{{{name}}}" for name in _DIGITS if name not in names)
        raise ConfigError(f"{where}{{{dated[0]}}}, but lacks {missing}.")
    if "SPAN" not in names and not dated:
        raise ConfigError(
            f"{where}{{VERSION}}, but no span that it would be a version of: add "
            "{SPAN}, or {YYYY}, {MM} and {DD}."
        )
    for name, width in marks:
        if width is not None and not re.fullmatch("[1-9][0-9]?", width):
            raise ConfigError(
                f"{where}{{{name}:{width}}}; a width in digits is expected, as "
                f"{{{name}:3}}."
            )


def as_glob(pattern: str) -> str:
    """Returns the glob that finds the files of all spans and versions."""
    return _MARK.sub("*", pattern)


def match(path: str, pattern: str) -> tuple[int, int | None]:
    """Returns span and version of a file.

    Args:
        path: Below the folder that the pattern starts at.
        pattern: One that `check` accepts.

    Raises:
        DataError: The file has no number, or no date, where the marks stand.
    """
    found = re.fullmatch(_as_regex(pattern), path)
    try:
        if found is None:
            raise ValueError
        parts = {name: int(digits) for name, digits in found.groupdict().items()}
        number = parts["SPAN"] if "SPAN" in parts else _number(parts)
    except ValueError:
        raise DataError(
            f"{path} fits {as_glob(pattern)!r}, but has no number or date where "
            f"{pattern!r} expects one. Take it away, or mend the pattern: leading "
            "zeros need a width, as in {SPAN:3}."
        ) from None
    return number, parts.get("VERSION")


def name(pattern: str, number: int) -> str:
    """Returns what a user calls a span: its date, or its number."""
    if "{YYYY}" in pattern:
        return datetime.date.fromordinal(_EPOCH + number).isoformat()
    return str(number)


def fill(pattern: str, span: Span) -> str:
    """Returns a pattern with the marks replaced by those of a span."""
    values = {"SPAN": span.number, "VERSION": span.version or 0}
    if "{YYYY}" in pattern:
        date = datetime.date.fromordinal(_EPOCH + span.number)
        values |= {"YYYY": date.year, "MM": date.month, "DD": date.day}

    def replaced(found: re.Match[str]) -> str:
        kind = found[1] or found[3]
        return str(values[kind]).zfill(int(found[2] or _DIGITS.get(kind, 1)))

    return _MARK.sub(replaced, pattern)


def _number(parts: dict[str, int]) -> int:
    date = datetime.date(parts["YYYY"], parts["MM"], parts["DD"])
    return date.toordinal() - _EPOCH


def _as_regex(pattern: str) -> str:
    regex, end = "", 0
    for found in re.finditer(f"{_MARK.pattern}|{_GLOB.pattern}", pattern):
        regex += re.escape(pattern[end : found.start()])
        end = found.end()
        if kind := found[1] or found[3]:
            width = found[2] or _DIGITS.get(kind)
            digits = f"[0-9]{{{width}}}" if width else "(?:0|[1-9][0-9]*)"
            regex += f"(?P<{kind}>{digits})"
        elif found[0] in "*?":
            regex += "[^/]" + found[0].replace("?", "")
        else:
            regex += found[0].replace("[!", "[^", 1)
    return regex + re.escape(pattern[end:])
