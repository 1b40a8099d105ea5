// deliver: see the headers of this folder.
