"""What every room needs: errors, columns, label sets, file writes, bounded readers, locks. Imports nothing of roco."""
