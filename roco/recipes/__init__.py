"""Recipes: TOML to pipeline, the catalogue of stages, the shipped recipes, the demo corpus."""
