"""Everything the folders exchange, as frozen structs: files, sockets and reports, each with `schema`.

Pure: no I/O, no clock. Folders are strangers to one another; they meet here and in `policy`.
"""
