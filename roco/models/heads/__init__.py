"""Heads: small classifiers on stored numbers of an image; a file of arrays (`NAME.npz`) and a card (`NAME.json`).

`card` says what a head was trained on and how good it is, `features` which numbers it reads, `trees` evaluates trees,
`head` puts them together.
"""
