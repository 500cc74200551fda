"""What a codec's grids may well go on with: new codes for a part of a grid, drawn from what the codec has heard."""

from distill.prior.copies import Copied
from distill.prior.memory import Memory
from distill.prior.model import Frequencies, Prior, bits_per_code
from distill.prior.part import Part, Take
from distill.prior.patches import NearestContext, Patches, PatchSettings
from distill.prior.vamp import Vamp

__all__ = [
    "Copied",
    "Frequencies",
    "Memory",
    "NearestContext",
    "Part",
    "PatchSettings",
    "Patches",
    "Prior",
    "Take",
    "Vamp",
    "bits_per_code",
]
