"""`python -m salescope`: the command line."""

from salescope.cli import entry

entry()
