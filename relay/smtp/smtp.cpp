// smtp: see the headers of this folder.
