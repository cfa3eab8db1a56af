"""Tests of contrastive pre-training."""
