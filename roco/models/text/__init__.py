"""What reads words: languages, licences, vocabularies and the linker that finds their names."""
