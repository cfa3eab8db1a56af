"""Networks that predict concepts and classes from an image: data, network, losses, scores, searches."""
