// accept: see the headers of this folder.
