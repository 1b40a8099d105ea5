// config: see the headers of this folder.
