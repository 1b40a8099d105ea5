// admin: see the headers of this folder.
