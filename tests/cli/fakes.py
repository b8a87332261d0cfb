"""A pipeline that takes no networks: it copies the input's bytes, or fails as the bytes say."""

import time

from rawtool.batch import develop as batch
from rawtool.batch.journey import check_source
from rawtool.errors import CorruptFileError, OutputExistsError, UnsupportedRawError
from rawtool.pipelines import develop as pipeline
from rawtool.pipelines.clock import JourneyReport
from rawtool.pipelines.darkroom import Darkroom

FAILURES = {
    b"corrupt": CorruptFileError,
    b"unsupported": UnsupportedRawError,
    b"bug": TypeError,
    b"memory": MemoryError,
}


def develop(source, target, darkroom, settings, *, overwrite=False, on_progress=None):
    content = source()
    if content in FAILURES:
        raise FAILURES[content](f"{content.decode()}; it is so; do something")
    for step in range(1 if content != b"slow" else 2000):
        on_progress(step / 2000)
        time.sleep(0.005 if content == b"slow" else 0)
    if target.exists() and not overwrite:
        raise OutputExistsError(f"{target} exists")
    target.write_bytes(b"developed " + content)
    return JourneyReport(
        seconds=(("read", 0.25), ("infer", 0.5)),
        tiles=6,
        warnings=("no matrix",) if content == b"odd" else (),
        model="cameranet-s",
        model_sha256="ab" * 32,
        device="cpu",
        provider="CPUExecutionProvider",
    )


def read(source):
    check_source(source, "raw file", "copy it again from the card")
    return source.read_bytes()


class Opened:
    """Counts how often networks are opened and with which words."""

    def __init__(self):
        self.calls = []

    def __call__(self, *words):
        self.calls.append(words)
        return object.__new__(Darkroom)


def install(patch):
    """Put the fake in the place of the real pipeline; patch is setattr-like."""
    opened = Opened()
    patch(pipeline, "develop", develop)
    patch(pipeline, "open_darkroom", opened)
    patch(batch, "_read", read)
    return opened
