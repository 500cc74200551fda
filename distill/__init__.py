"""Distill: small neural audio codecs, trained on your own clips in about a minute, with codes you can edit by hand."""

__version__ = "0.1.0"
