"""`roco train captions`: an image encoder with a language decoder that writes the caption of an image."""
