// schedule: see the headers of this folder.
