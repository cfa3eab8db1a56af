"""Receives the errors of libtiff, which decodes the pixels of compressed TIFFs for Pillow.

libtiff prints its errors to stderr. After an error in a fax (CCITT group 3 or 4) it decodes on, to wrong pixels.
"""

from __future__ import annotations

import ctypes
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from PIL import _imaging

# libtiff calls its handler with the name of a function, a format string and the values of that format. The values are
# not read, because how they are passed differs between processors.
_TYPE = ctypes.CFUNCTYPE(None, ctypes.c_char_p, ctypes.c_char_p)

# The functions that decode pixels: Fax4Decode, Fax3Decode1D, LZWDecode, JPEGLib … Other errors are about tags, which
# Pillow reads by itself.
_DECODER = re.compile(rb"Decode|JPEGLib")


@contextmanager
def decoder_errors() -> Iterator[list[str]]:
    """Collects the functions of libtiff that cannot decode pixels in this thread; libtiff prints nothing meanwhile.

    Where libtiff's functions cannot be called (in Pillow for Windows), nothing is collected.
    """
    handler, errors = _handler(), list[str]()
    if handler is None:
        yield errors
        return
    handler.start(errors)
    try:
        yield errors
    finally:
        handler.stop()


class _Handler:
    """The error handler of libtiff, which has one for all threads.

    It is installed while any thread collects errors; then the former one is restored.
    """

    def __init__(self, library: Any) -> None:
        self._library = library
        self._callback = _TYPE(self._receive)
        self._of_thread = threading.local()
        self._lock = threading.Lock()
        self._n_threads = 0
        self._former: int | None = None

    def start(self, errors: list[str]) -> None:
        self._of_thread.errors = errors
        with self._lock:
            if self._n_threads == 0:
                self._former = self._library.TIFFSetErrorHandler(ctypes.cast(self._callback, ctypes.c_void_p))
            self._n_threads += 1

    def stop(self) -> None:
        self._of_thread.errors = None
        with self._lock:
            self._n_threads -= 1
            if self._n_threads == 0:
                self._library.TIFFSetErrorHandler(self._former)

    def _receive(self, function: bytes | None, format: bytes | None) -> None:
        errors = getattr(self._of_thread, "errors", None)
        if errors is not None and function is not None and _DECODER.search(function):
            errors.append(function.decode("ascii", "replace"))


@cache
def _handler() -> _Handler | None:
    """Returns the handler for the library that Pillow is linked to; None if its functions cannot be called."""
    try:
        library = ctypes.CDLL(_imaging.__file__)
        library.TIFFSetErrorHandler.argtypes = [ctypes.c_void_p]
        library.TIFFSetErrorHandler.restype = ctypes.c_void_p
    except (OSError, AttributeError, TypeError):
        return None
    return _Handler(library)
