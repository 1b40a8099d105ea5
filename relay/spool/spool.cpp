// spool: see the headers of this folder.
