"""`python -m roco` is `roco`."""

from roco.cli.main import main

main()
