"""The report of an evaluation and its formats, and the picture of a run's funnel."""
