"""Publication types and MeSH headings from MEDLINE: from the E-utilities, or from baseline files on disk."""
