"""Reads, checks and compares releases; defines their format; reads the previous release."""
