// route: see the headers of this folder.
