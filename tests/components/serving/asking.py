"""Every way to ask a running server for the scores of raw rows."""

import base64
import json
import urllib.request

import numpy as np

from components.serving.client import Client
from schema import contract
from schema.features import Categorical


class Asked:
    """A server, asked over gRPC and over REST.

    A row is a mapping of features to what the reader made of its cells: text, a number,
    a list of texts, None for missing.
    """

    def __init__(self, served, dataset):
        self._dataset, self._name = dataset, served.name
        self._target = f"localhost:{served.port}"
        self._url = f"http://localhost:{served.rest_port}/v1/models/{served.name}"

    def score(self, rows, examples):
        """Returns the scores of rows, (B,), by the name of the way.

        Args:
            rows: B of them.
            examples: The same as serialized tf.Examples.
        """
        encoded = [{"b64": base64.b64encode(example).decode()} for example in examples]
        with Client(self._target, self._name) as client:
            found = {
                "gRPC, Examples": client.score_examples(examples),
                "gRPC, columns": client.score(rows),
            }
        for signature in (contract.SERVING_DEFAULT, contract.PREDICT):
            found[f"REST, {signature}"] = self._predict(signature, instances=encoded)
        for kind in ("instances", "inputs"):
            given = self._rows(rows) if kind == "instances" else self._columns(rows)
            found[f"REST, {kind}"] = self._predict(
                contract.PREDICT_COLUMNS, **{kind: given}
            )
        plain = [self._plain(row) for row in rows]
        found["REST, regress"] = self._results(contract.REGRESSION, "regress", plain)
        classes = self._results(contract.CLASSIFICATION, "classify", plain)
        found["REST, classify"] = [dict(row)["1"] for row in classes]
        return found

    def rank(self, rows):
        """Returns the scores of rows that have one context, (N,), by way."""
        context = {name: rows[0][name] for name in self._dataset.context}
        candidates = [
            {name: value for name, value in row.items() if name not in context}
            for row in rows
        ]
        columns = self._columns(rows)
        columns |= {name: columns[name][:1] for name in context}
        with Client(self._target, self._name) as client:
            ranked = client.rank(context, candidates)
        return {
            "gRPC, rank": ranked,
            "REST, rank": self._predict(contract.RANK, inputs=columns),
        }

    def _predict(self, signature, **given):
        found = self._post("predict", {"signature_name": signature} | given)
        [answer] = found.values()
        if "instances" in given:  # a row each
            rows = [r["probabilities"] if isinstance(r, dict) else r for r in answer]
        else:
            rows = answer["probabilities"]
        return [score for [score] in rows]

    def _results(self, signature, verb, examples):
        body = {"signature_name": signature, "examples": examples}
        return self._post(verb, body)["results"]

    def _post(self, verb, body):
        data = json.dumps(body).encode()  # NaN, too, as TensorFlow Serving reads it
        with urllib.request.urlopen(f"{self._url}:{verb}", data, 30) as response:
            return json.loads(response.read())

    def _columns(self, rows):
        """Returns a list per feature, all of its rows as wide as the widest."""
        found = {}
        for name, feature in self._dataset.features.items():
            values = [row[name] for row in rows]
            if not isinstance(feature, Categorical):
                found[name] = [np.nan if v is None else v for v in values]
            elif feature.separator:
                width = max([1, *(len(v) for v in values if v)])
                padding = [""] * width
                found[name] = [[*(v or []), *padding][:width] for v in values]
            else:
                found[name] = [v or "" for v in values]
        return found

    def _rows(self, rows):
        columns = self._columns(rows)
        return [
            dict(zip(columns, values, strict=True))
            for values in zip(*columns.values(), strict=True)
        ]

    def _plain(self, row):
        return {name: value for name, value in row.items() if value is not None}
