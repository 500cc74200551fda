"""The Hugging Face Hub: files of a repository fetched and published, and what goes wrong there in one sentence."""

from distill.hub.datasets import fetch_sounds
from distill.hub.repository import CODEC_FILE, HubFile, fetch, publish

__all__ = ["CODEC_FILE", "HubFile", "fetch", "fetch_sounds", "publish"]
