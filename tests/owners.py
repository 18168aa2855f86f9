"""Small logs of the known datasets, drawn by lot, in the files of their owners."""

import csv
import gzip

import numpy as np

from components.example_gen import click_log

PLAIN, ODD = 300, 24  # rows of a log; the odd ones are its last
_ODD_KINDS = ("missing", "unseen", "unicode")
_GENRES = ["Action", "Comedy", "Drama", "Film-Noir", "War"]
_FLAGS = 19  # of a film in MovieLens 100K: unknown, then genres
_PEOPLE = 12  # users, and films, of MovieLens
# Who is asked for in an odd row, beside those who are in no table.
_ODD_PEOPLE = {"missing": "90", "unseen": "91", "unicode": "92"}


def write(name, folder):
    """Writes the log of a known dataset, and its tables; returns the log's path."""
    return _WRITERS[name](folder, _Lot())


class _Lot:
    """Draws cells of a row of some kind; of the kind `plain`, those that come back."""

    def __init__(self):
        self._rng = np.random.default_rng(0)
        self._kind, self._odd = "plain", 0

    def rows(self):
        """Yields the number of each row, and makes its kind that of the cells."""
        for number in range(PLAIN):
            self._kind = "plain"
            yield number
        for self._odd in range(ODD):
            self.be(_ODD_KINDS[self._odd % len(_ODD_KINDS)])
            yield PLAIN + self._odd

    def be(self, kind):
        """Makes the cells that follow those of a kind."""
        self._kind = kind

    def name(self, stem, missing=""):
        """Returns a name of a column whose names begin with a stem."""
        match self._kind:
            case "missing" if self._is_missing():
                return missing
            case "unseen":
                return f"{stem}-{self._rng.integers(1 << 30)}"
            case "unicode":
                return f"{stem} Ærø 東京 🎬"
        return f"{stem}{self._rng.integers(4)}"

    def number(self, missing=""):
        """Returns a whole number."""
        match self._kind:
            case "missing" if self._is_missing():
                return missing
            case "unseen":
                return "1000000007"
            case "unicode":
                return "-1"
        return f"{int(self._rng.exponential(20.0))}"

    def latin(self, stem, missing=""):
        """Returns a name that Latin-1 has letters for."""
        found = self.name(stem, missing)
        return f"{stem} Misères" if self._kind == "unicode" else found

    def genres(self, missing=""):
        """Returns several names, more than a feature takes in a row of Unicode."""
        match self._kind:
            case "missing":
                return missing
            case "unseen":
                return "Mime|Drama"
            case "unicode":
                return "|".join(["Comédie", *_GENRES * 3])
        count = self._rng.integers(1, 4)
        return "|".join(sorted(self._rng.choice(_GENRES, count, replace=False)))

    def person(self):
        """Returns the number of a user or film; in the first odd row, none."""
        if self._kind == "plain":
            return f"{self._rng.integers(_PEOPLE)}"
        if self._odd < len(_ODD_KINDS):
            return {"missing": "", "unseen": "99", "unicode": "é"}[self._kind]
        return _ODD_PEOPLE[self._kind]

    def _is_missing(self):
        return self._odd == 0 or self._rng.random() < 0.5

    def people(self):
        """Yields the number of each user or film of a table."""
        for number in range(_PEOPLE):
            self.be("plain")
            yield f"{number}"
        for kind, number in _ODD_PEOPLE.items():
            self.be(kind)
            yield number


def _adult(folder, lot):
    lines = []
    for number in lot.rows():
        cells = [lot.number("?"), lot.name("Private", "?"), "77516"]
        cells += [lot.name("HS-grad", "?"), "13"]
        cells += [lot.name(stem, "?") for stem in ("Never", "Sales", "Wife", "White")]
        cells += [lot.name("Male", "?"), *(lot.number("?") for _ in range(3))]
        cells += [lot.name("Cuba", "?"), (">50K", "<=50K")[number % 2]]
        lines.append(", ".join(cells) + "\n")
    return _written(folder / "adult.data", lines)


def _criteo(file_name):
    def write(folder, lot):
        lines = []
        for number in lot.rows():
            cells = [f"{number % 2}", *(lot.number() for _ in range(13))]
            cells += [lot.name(f"{column:07x}") for column in range(26)]
            lines.append("\t".join(cells) + "\n")
        return _written(folder / file_name, lines)

    return write


def _avazu(folder, lot):
    names = [
        "C1", "banner_pos", "site_id", "site_domain", "site_category", "app_id",
        "app_domain", "app_category", "device_id", "device_ip", "device_model",
        "device_type", "device_conn_type", *(f"C{number}" for number in range(14, 22)),
    ]  # fmt: skip
    lines = [",".join(["id", "click", "hour", *names]) + "\n"]
    for number in lot.rows():
        cells = [f"{10**19 + number}", f"{number % 2}", f"141021{number % 24:02}"]
        cells += [lot.name(f"{column:07x}") for column in range(len(names))]
        lines.append(",".join(cells) + "\n")
    path = folder / "train.gz"
    path.write_bytes(gzip.compress("".join(lines).encode()))
    return path


def _generated(folder, lot):
    plan = click_log.load_plan()
    path = click_log.ensure(str(folder), plan | {"rows": PLAIN})
    with open(path, "a", newline="") as file:
        writer = csv.writer(file)
        for number in lot.rows():
            if number < PLAIN:
                continue
            cells = [lot.name(stem) for stem in plan["categorical"]]
            cells += [lot.number() for _ in plan["numeric"]]
            writer.writerow([number % 2, *cells])
    return folder / "clicks.csv"


def _movielens(folder, lot):
    names = "user_id,movie_id,rating,timestamp,gender,age,occupation,zip_code,genres"
    lines = [f"{names}\n"]
    for number in lot.rows():
        cells = [
            lot.person(),
            lot.person(),
            f"{number % 5 + 1}",
            f"{978300000 + number}",
        ]
        cells += [lot.name(stem) for stem in ("F", "25", "7", "48067")]
        cells.append(lot.genres("(no genres listed)"))
        lines.append(",".join(cells) + "\n")
    return _written(folder / "joined.csv", lines)


def _movielens_100k(folder, lot):
    users, films = [], []
    for user in lot.people():
        cells = [user, lot.number(), *(lot.name(s) for s in ("M", "artist", "48067"))]
        users.append("|".join(cells) + "\n")
    for film in lot.people():
        listed = lot.genres().split("|")
        flags = [str(int(genre in listed)) for genre in _GENRES]
        flags = ["0"] * (_FLAGS - len(flags)) + flags
        cells = [film, lot.latin("Up"), "01-Jan-1995", "", "http://x/", *flags]
        films.append("|".join(cells) + "\n")
    _written(folder / "u.user", users)
    _written(folder / "u.item", films, "latin-1")
    return _ratings(folder / "u.data", lot, "\t")


def _movielens_1m(folder, lot):
    users, films = [], []
    for user in lot.people():
        cells = [user, *(lot.name(stem) for stem in ("F", "25", "7", "48067"))]
        users.append("::".join(cells) + "\n")
    for film in lot.people():
        films.append("::".join([film, lot.latin("Up"), lot.genres()]) + "\n")
    _written(folder / "users.dat", users)
    _written(folder / "movies.dat", films, "latin-1")
    return _ratings(folder / "ratings.dat", lot, "::")


def _movielens_20m(folder, lot):
    films = ["movieId,title,genres\n"]
    for film in lot.people():
        films.append(f'{film},"{lot.name("Up")}",{lot.genres("(no genres listed)")}\n')
    _written(folder / "movies.csv", films)
    return _ratings(
        folder / "ratings.csv", lot, ",", ["userId,movieId,rating,timestamp\n"]
    )


def _ratings(path, lot, delimiter, header=()):
    lines = [*header]
    for number in lot.rows():
        cells = [
            lot.person(),
            lot.person(),
            f"{number % 5 + 1}",
            f"{978300000 + number}",
        ]
        lines.append(delimiter.join(cells) + "\n")
    return _written(path, lines)


def _written(path, lines, encoding="utf-8"):
    path.write_text("".join(lines), encoding)
    return path


_WRITERS = {
    "adult": _adult,
    "avazu": _avazu,
    "criteo": _criteo("train.txt"),
    "criteo_terabyte": _criteo("day_0"),
    "generated": _generated,
    "movielens": _movielens,
    "movielens_100k": _movielens_100k,
    "movielens_1m": _movielens_1m,
    "movielens_20m": _movielens_20m,
}
