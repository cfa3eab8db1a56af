"""Safe readers for zip and tar.gz archives from outside.

`open_tar_gz` and `open_zip` return an `Archive`, which gives access to articles and images by name. Nothing is ever
extracted to a path. `package.py` and `folder.py` call them; docs/security.md lists limits and tests.
"""
