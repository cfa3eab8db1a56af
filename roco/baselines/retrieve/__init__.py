"""Search of the images of a release: by words, by concepts and by an image."""
