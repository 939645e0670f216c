"""The version of gconv."""

__version__ = "0.1.0"
