"""Read and write sound: files to clips, clips to log-mels, log-mels to waveforms. This package knows no model."""

from distill.audio.clips import (
    MIN_CLIPS,
    Clip,
    load_clip,
    new_decoder,
    read_clips,
    write_wav,
)
from distill.audio.cutting import Piece, cut_at_onsets, cut_at_silence
from distill.audio.finding import Refusal
from distill.audio.griffin_lim import GriffinLim
from distill.audio.logmel import HOP_LENGTH, N_MELS, SAMPLE_RATE, LogMel
from distill.audio.vocoder import Vocoder
from distill.audio.vocoders import get_vocoder

__all__ = [
    "HOP_LENGTH",
    "MIN_CLIPS",
    "N_MELS",
    "SAMPLE_RATE",
    "Clip",
    "GriffinLim",
    "LogMel",
    "Piece",
    "Refusal",
    "Vocoder",
    "cut_at_onsets",
    "cut_at_silence",
    "get_vocoder",
    "load_clip",
    "new_decoder",
    "read_clips",
    "write_wav",
]
