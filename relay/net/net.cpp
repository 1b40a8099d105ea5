// net: see the headers of this folder.
