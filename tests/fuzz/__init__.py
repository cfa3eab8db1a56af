"""Fuzzing guided by coverage (atheris): what strangers may send is mutated, and must be read or refused with a reason.

`python -m tests.fuzz --list` prints the targets; docs/reliability.md describes them and has the figures of a long run.
"""
