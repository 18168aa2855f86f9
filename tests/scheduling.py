"""Which tests `pytest -n` gives to one process."""

from xdist.scheduler import LoadFileScheduling

# Its files go on with one run of a pipeline, in the order of their names.
ONE_RUN = "tests/e2e/small"


class ByRun(LoadFileScheduling):
    """A file's tests stay together, and so do the files that go on with one run."""

    def _split_scope(self, nodeid):
        together = nodeid.startswith(f"{ONE_RUN}/")
        return ONE_RUN if together else super()._split_scope(nodeid)
