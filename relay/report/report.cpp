// report: see the headers of this folder.
