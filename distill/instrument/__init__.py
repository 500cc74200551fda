"""The one-file instrument: a codec, clips and their edits in one HTML page, which needs no server and no network."""

from distill.instrument.page import DEFAULT_LICENCE, LICENCES, instrument_page, write_instrument

__all__ = ["DEFAULT_LICENCE", "LICENCES", "instrument_page", "write_instrument"]
