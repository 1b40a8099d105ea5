// sign: see the headers of this folder.
