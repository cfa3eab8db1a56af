"""Sends exports and releases to Zenodo and to the Hugging Face Hub."""
