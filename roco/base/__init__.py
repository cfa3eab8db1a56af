"""What every room needs: errors, columns, identifiers, formats, label sets, file writes, bounded readers, locks."""
