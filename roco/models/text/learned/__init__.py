"""Links captions by what was learned from captions with known concepts; learning: `roco.baselines.concepts`."""
