"""What all trained baselines share: presets, options, data order, checkpoints, logs, the folder of a model."""
