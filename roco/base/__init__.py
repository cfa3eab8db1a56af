"""Shared basics: errors, columns, identifiers, formats, label sets, file writes, bounded readers, locks."""
