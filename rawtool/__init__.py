"""rawtool: a neural darkroom for the command line."""

__version__ = "0.1.0"
