"""Checked readers of archives from outside: zip and tar.gz."""
