"""The command line: parse, call one workflow, show what came back."""

from ghostcat.cli.app import main

__all__ = ["main"]
