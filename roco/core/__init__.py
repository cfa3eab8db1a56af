"""The engine: stages, the pipeline they form, the run folder, and how its parts are executed."""
