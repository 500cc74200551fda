"""Libraries of codecs: whoever has the key of a library keeps codecs in it, and opens, renames and deletes them.

A library is a folder on disk that is named by a hash of its key. Several servers may share the folder in which all
libraries lie, also one that cannot be locked, such as a mounted bucket.
"""

from distill.library.folder import Kept
from distill.library.keys import new_key, read_key
from distill.library.label import Label, label_of
from distill.library.library import Library
from distill.library.names import read_title

__all__ = ["Kept", "Label", "Library", "label_of", "new_key", "read_key", "read_title"]
