"""The next raw is decoded while the networks work on this one: decoding takes one core, networks take all."""

import threading
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Generic, TypeVar

T = TypeVar("T")


class ReadAhead(Generic[T]):
    """Reads files in their order, one ahead of who takes them; a context that begins with the first."""

    def __init__(self, sources: Iterable[Path], read: Callable[[Path], T]) -> None:
        self._read = read
        self._waiting = deque(sources)
        self._coming: dict[Path, Future[T]] = {}
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="rawtool_read")

    def __enter__(self) -> "ReadAhead[T]":
        """Begin with the first file."""
        self._begin_next()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        """Give up what nobody took."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def take(self, source: Path) -> T:
        """Give a file, from any thread, and begin to read the one after it; errors are those of reading.

        A file that was not begun is read at once; what was begun for a file that was passed over goes.
        """
        with self._lock:
            ready = self._coming.pop(source, None)
            if ready is None and source in self._waiting:
                self._coming.clear()
                while self._waiting.popleft() != source:
                    pass
            self._begin_next()
        return self._read(source) if ready is None else ready.result()

    def _begin_next(self) -> None:
        if self._waiting:
            source = self._waiting.popleft()
            self._coming[source] = self._pool.submit(self._read, source)
