"""Small made-up inputs that once failed, each with the right result; one file per case."""
