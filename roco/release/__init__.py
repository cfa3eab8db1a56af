"""A release as others use it: its format, reading, checking, comparing, and the release before it."""
