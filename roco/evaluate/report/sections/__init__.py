"""The sections of a report: one function per table or figure, in files by theme."""
