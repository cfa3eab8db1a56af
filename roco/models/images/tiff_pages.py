"""Reads the pages of a TIFF with libtiff itself, which notices what Pillow accepts.

Pillow decodes uncompressed TIFFs without libtiff, guesses tags that are missing, and switches the warnings of libtiff
off. So a JPEG within a TIFF may be corrupt, or the directory of a page such that other programs refuse the file.
"""

from __future__ import annotations

import ctypes
import os
import re
from functools import cache
from typing import Any

from PIL import _imaging

_COMPRESSION, _PHOTOMETRIC = 259, 262  # tags
_UNCOMPRESSED = 1
_MOST_BYTES = 512 << 20  # of a strip, which libtiff decodes at once; 50 megapixels of 8 bytes are 400 MB
_MOST_PAGES = 1000

# How libtiff calls a handler: handle, data of ours, name of a function, format string. The values of the format that
# follow are not read, because how they are passed differs between processors.
_HANDLER = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_char_p)

# The functions that decode pixels: Fax4Decode, LZWDecode, JPEGLib … Warnings of others are about tags that are unusual.
_DECODER = re.compile(rb"Decode|JPEGLib|ZIP")


def has_invalid_pages(data: bytes) -> bool:
    """Returns whether libtiff reports an error in any page, or a decoder warns of its pixels.

    Where libtiff's functions cannot be called (in Pillow for Windows, or with libtiff before 4.5), it returns False.
    """
    library = _library()
    if library is None:
        return False
    problems: list[bytes] = []
    on_error = _HANDLER(lambda tiff, own, function, text: _add(problems, function))
    on_warning = _HANDLER(lambda tiff, own, function, text: _add(problems, function, only=_DECODER))
    options = library.TIFFOpenOptionsAlloc()
    library.TIFFOpenOptionsSetErrorHandlerExtR(options, on_error, None)
    library.TIFFOpenOptionsSetWarningHandlerExtR(options, on_warning, None)
    library.TIFFOpenOptionsSetMaxSingleMemAlloc(options, _MOST_BYTES)
    fd = os.memfd_create("tiff")
    try:
        with open(fd, "wb", closefd=False) as file:
            file.write(data)
        os.lseek(fd, 0, os.SEEK_SET)
        # Mode `m` reads from the file instead of mapping it; libtiff closes the descriptor with the handle.
        tiff = library.TIFFFdOpenExt(os.dup(fd), b"tiff", b"rm", options)
        if not tiff:
            return True
        try:
            return not _are_decoded(library, tiff, problems)
        finally:
            library.TIFFClose(tiff)
    finally:
        os.close(fd)
        library.TIFFOpenOptionsFree(options)


def _add(problems: list[bytes], function: bytes | None, only: re.Pattern[bytes] | None = None) -> int:
    if only is None or only.search(function or b""):
        problems.append(function or b"")
    return 1  # no other handler is called


def _are_decoded(library: Any, tiff: int, problems: list[bytes]) -> bool:
    """Decodes all strips or tiles of all pages; returns whether there was no problem."""
    value = ctypes.c_uint16()
    for _ in range(_MOST_PAGES):
        # Without its photometric interpretation, the meaning of black and white is unknown.
        if problems or not library.TIFFGetField(tiff, _PHOTOMETRIC, ctypes.byref(value)):
            return False
        library.TIFFGetFieldDefaulted(tiff, _COMPRESSION, ctypes.byref(value))
        is_compressed = value.value != _UNCOMPRESSED
        is_tiled = library.TIFFIsTiled(tiff)
        size = (library.TIFFTileSize if is_tiled else library.TIFFStripSize)(tiff)
        if not 0 < size <= _MOST_BYTES:
            return False
        read = library.TIFFReadEncodedTile if is_tiled else library.TIFFReadEncodedStrip
        pixels = ctypes.create_string_buffer(size)
        for number in range((library.TIFFNumberOfTiles if is_tiled else library.TIFFNumberOfStrips)(tiff)):
            n_read = read(tiff, number, pixels, size)
            # libtiff reads uncompressed pixels without looking at how many bytes the directory lists for them.
            n_listed = library.TIFFGetStrileByteCount(tiff, number)
            if problems or n_read < 0 or n_listed == 0 or (n_listed < n_read and not is_compressed):
                return False
        if not library.TIFFReadDirectory(tiff):
            break
    return not problems


@cache
def _library() -> Any:
    """Returns libtiff as Pillow is linked to it; None if its functions cannot be called."""
    handle, number, size = ctypes.c_void_p, ctypes.c_uint32, ctypes.c_ssize_t
    signatures = {
        "TIFFOpenOptionsAlloc": (handle,),
        "TIFFOpenOptionsFree": (None, handle),
        "TIFFOpenOptionsSetErrorHandlerExtR": (None, handle, _HANDLER, handle),
        "TIFFOpenOptionsSetWarningHandlerExtR": (None, handle, _HANDLER, handle),
        "TIFFOpenOptionsSetMaxSingleMemAlloc": (None, handle, size),
        "TIFFFdOpenExt": (handle, ctypes.c_int, ctypes.c_char_p, ctypes.c_char_p, handle),
        "TIFFClose": (None, handle),
        "TIFFReadDirectory": (ctypes.c_int, handle),
        "TIFFIsTiled": (ctypes.c_int, handle),
        "TIFFTileSize": (size, handle),
        "TIFFStripSize": (size, handle),
        "TIFFGetStrileByteCount": (ctypes.c_uint64, handle, number),
        "TIFFNumberOfTiles": (number, handle),
        "TIFFNumberOfStrips": (number, handle),
        "TIFFReadEncodedTile": (size, handle, number, handle, size),
        "TIFFReadEncodedStrip": (size, handle, number, handle, size),
    }  # fmt: skip
    try:
        library = ctypes.CDLL(_imaging.__file__)
        for name, (result, *arguments) in signatures.items():
            function = getattr(library, name)
            function.restype, function.argtypes = result, arguments
        for function in (library.TIFFGetField, library.TIFFGetFieldDefaulted):
            function.restype, function.argtypes = ctypes.c_int, [handle, number]  # then a pointer to the value
    except (OSError, AttributeError, TypeError):
        return None
    return library if hasattr(os, "memfd_create") else None
