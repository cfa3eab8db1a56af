"""What an index gives to `roco evaluate`: rankings of a pool of images, and answers to questions."""
