"""Exports of a release in the formats that other tools read; the images keep their original bytes."""
