"""Runs the command: python -m pipeline."""

from pipeline.cli import main

main()
