// authorise: see the headers of this folder.
