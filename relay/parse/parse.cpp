// parse: see the headers of this folder.
