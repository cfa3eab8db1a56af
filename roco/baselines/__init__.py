"""Baselines: what roco trains. `examples`, `folds`, `parts` and `fit` make heads; `report` writes how good they are."""
