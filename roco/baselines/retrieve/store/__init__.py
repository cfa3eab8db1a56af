"""Where the rows, words and vectors of an index are: files of its folder, or LanceDB."""
