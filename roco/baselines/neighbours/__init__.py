"""A baseline that is not trained: concepts and captions of the most similar training images."""
