"""Salescope: the application that wires pages, callbacks and services together."""

__version__ = "0.1.0"
