"""`python -m roco` is `roco`."""

from roco.cli import main

main()
