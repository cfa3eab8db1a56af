"""Safe readers for zips and tars from outside, and for compressed XML.

`open_archive` returns an `Archive`, which gives access to articles and images by name. Nothing is ever extracted to a
path. `package.py` and `folder.py` call it; docs/security.md lists limits and tests.
"""
