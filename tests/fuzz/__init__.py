"""Coverage-guided fuzzing (atheris): mutated input from outside must be read, or rejected with an error of roco.

`python -m tests.fuzz --list` prints the targets; docs/reliability.md describes them and has the figures of a long run.
"""
