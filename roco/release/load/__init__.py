"""Images of a release as typed rows, and as data sets of PyTorch, Hugging Face, pandas and DuckDB."""
