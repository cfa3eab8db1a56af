"""What turns images and texts into vectors for an index: backbones, open_clip, sentence encoders."""
