// keys: see the headers of this folder.
