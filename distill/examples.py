"""The example clips and the example codec. A checkout of Distill contains them; an installed package does not."""

from pathlib import Path

from distill.errors import CheckoutError

FOLDER = Path(__file__).parents[1] / "examples"


def find_examples(folder: Path = FOLDER) -> Path:
    """Return the folder that holds ``clips/`` and ``models/loops.distill``.

    Raises
    ------
    CheckoutError
        If the folder lacks one of them.
    """
    if not (folder / "clips").is_dir() or not (folder / "models" / "loops.distill").is_file():
        raise CheckoutError(
            "The example clips and the example codec are not here: the folder examples comes with a checkout of "
            "Distill, so please run this in one."
        )
    return folder
