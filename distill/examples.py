"""The clips and the codec that come with a checkout of Distill; an installed package has none."""

from pathlib import Path

from distill.errors import CheckoutError

FOLDER = Path(__file__).parents[1] / "examples"


def find_examples(folder: Path = FOLDER) -> Path:
    """The folder that holds ``clips/`` and ``models/loops.distill``.

    Raises
    ------
    CheckoutError
        If it is not there.
    """
    if not (folder / "clips").is_dir() or not (folder / "models" / "loops.distill").is_file():
        raise CheckoutError(
            "The example clips and the example codec are not here: the folder examples comes with a checkout of "
            "Distill, so please run this in one."
        )
    return folder
