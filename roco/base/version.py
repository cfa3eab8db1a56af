"""The version of roco."""

__version__ = "0.1.0"
