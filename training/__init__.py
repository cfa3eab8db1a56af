"""Training material for the default heads: `python -m training.material OUT`. Images never enter the repository."""
