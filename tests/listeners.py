"""Somebody whom a run tells what it does."""


class Silent:
    """One who takes no notice."""

    def started(self, job):
        pass

    def advanced(self, job, fraction):
        pass

    def finished(self, report):
        pass
