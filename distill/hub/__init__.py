"""The Hugging Face Hub: files of a repository fetched and published, and what goes wrong there in one sentence."""

from distill.hub.datasets import fetch_folder, fetch_sounds
from distill.hub.download import download
from distill.hub.files import HubFile, LocalFile
from distill.hub.names import read_name
from distill.hub.repository import CODEC_FILE, ON_A_PAGE, fetch, publish
from distill.hub.sets import write_set

__all__ = [
    "CODEC_FILE",
    "ON_A_PAGE",
    "HubFile",
    "LocalFile",
    "download",
    "fetch",
    "fetch_folder",
    "fetch_sounds",
    "publish",
    "read_name",
    "write_set",
]
