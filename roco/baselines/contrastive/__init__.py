"""Contrastive pre-training on images and their captions, through open_clip."""
