"""Tables of codes: one row a clip, in Apache Parquet. distill/README.md has the columns."""

import json
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from distill.codec import Codec
from distill.codes import CodeGrid
from distill.errors import GridError, ScaleError, TableError
from distill.scale.reading import Stamp
from distill.scale.rows import grid_seconds, reason_of, whole_file

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

FORMAT, FORMAT_VERSION = "distill-codes", 1
NEEDED = ("file", "codes", "num_frames", "model_id", "codebook_size")
"""Columns without which a table is no table of codes; others may be missing in one that was made elsewhere."""
INSTALL = 'pip install ".[scale]" in a checkout of Distill'
"""How to get what tables of codes, and several workers, need."""
GROUP_ROWS = 256
"""Rows of a row group: all rows of a table that are in memory at once. Of clips of ten minutes, they take 50 MB."""


def arrow() -> ModuleType:
    """The library pyarrow.

    Raises
    ------
    ScaleError
        If it is not installed.
    """
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise ScaleError(f"Tables of codes need pyarrow: {INSTALL}.") from error
    return pyarrow


def schema(codec: Codec | None = None) -> "pa.Schema":
    """The columns of a table; with a codec, also the facts that the file says once, as JSON below ``distill``."""
    pa = arrow()
    columns = {
        "file": pa.string(),
        "codes": pa.list_(pa.list_(pa.list_(pa.uint16()))),
        "seconds": pa.float64(),
        "num_frames": pa.int32(),
        "model_id": pa.string(),
        "codebook_size": pa.int32(),
        "reason": pa.string(),
        "num_samples": pa.int64(),
        "time_stride": pa.int32(),
        "file_bytes": pa.int64(),
        "note": pa.string(),
        "changed_ns": pa.int64(),
    }
    facts = None
    if codec:
        told = {"format": FORMAT, "format_version": FORMAT_VERSION, "model_id": codec.model_id}
        told |= {"levels": codec.num_levels, "rows": 8, "codebook_size": codec.codebook_size}
        facts = {"distill": json.dumps(told | {"time_stride": codec.time_stride})}
    return pa.schema(list(columns.items()), metadata=facts)


def full_row(codec: Codec, file: str, stamp: Stamp | None, answer: dict[str, Any]) -> dict[str, Any]:
    """The row of a file, from what :func:`~distill.scale.rows.encode_file` answered; no stamp: it is tried anew."""
    file_bytes, changed_ns = stamp or (None, None)
    length = answer.get("num_samples")
    row = {"file": file, "seconds": None if length is None else grid_seconds(length)}
    row |= {"file_bytes": file_bytes, "changed_ns": changed_ns}
    of_codec = {"model_id": codec.model_id, "codebook_size": codec.codebook_size, "time_stride": codec.time_stride}
    return row | of_codec | answer


def write_table(
    path: Path, groups: "Iterator[pa.Table]", codec: Codec, *, name: str = "", unfinished_in: Path | None = None
) -> None:
    """Write a table group by group; a file of this name is replaced when all is written. An error tells ``name``.

    Until then, what is written is in the folder ``unfinished_in``, by default that of the table.

    Raises
    ------
    TableError
        If it cannot be written, for instance because the disk is full.
    """
    pa = arrow()
    try:
        with (
            whole_file(path, unfinished_in) as unfinished,
            pa.OSFile(str(unfinished), "wb") as file,
            pa.parquet.ParquetWriter(file, schema(codec), compression="zstd") as writer,
        ):
            for group in groups:
                writer.write_table(group, row_group_size=GROUP_ROWS)
    except OSError as error:
        raise TableError(f"{name or path.name} could not be written: {reason_of(error)}.") from error


def write_rows(path: Path, rows: Sequence[dict[str, Any]], codec: Codec, *, name: str = "") -> None:
    """Write rows as :func:`full_row` makes them; errors are those of :func:`write_table`."""
    write_table(path, iter([arrow().Table.from_pylist(list(rows), schema=schema())]), codec, name=name)


def open_table(path: Path) -> "pq.ParquetFile":
    """Open a table of codes.

    Raises
    ------
    TableError
        If the file is missing, damaged, no Parquet, or lacks columns.
    """
    pa = arrow()
    try:
        file = pa.parquet.ParquetFile(path, memory_map=False)
    except FileNotFoundError as error:
        raise TableError(f"{path.name} does not exist.") from error
    except (OSError, pa.ArrowException) as error:
        raise TableError(f"{path.name} is damaged or is no Parquet file.") from error
    if missing := [name for name in NEEDED if name not in file.schema_arrow.names]:
        raise TableError(f"{path.name} is no table of codes: it has no column {missing[0]!r}.")
    return file


def read_groups(path: Path, columns: Sequence[str] | None = None) -> "Iterator[pa.Table]":
    """Read a table, up to :data:`GROUP_ROWS` rows at a time; errors are those of :func:`open_table`."""
    pa = arrow()
    file = open_table(path)
    names = file.schema_arrow.names
    try:
        for batch in file.iter_batches(GROUP_ROWS, columns=[name for name in columns or names if name in names]):
            yield pa.Table.from_batches([batch])
    except (OSError, pa.ArrowException) as error:
        raise TableError(f"{path.name} is damaged: {reason_of(error)}.") from error
    finally:
        file.close()


def check_codec(path: Path, codec: Codec, codec_name: str) -> None:
    """Raise a TableError that names both unless all rows of a table are of the codec."""
    for group in read_groups(path, ["model_id"]):
        for model_id in group["model_id"].unique().to_pylist():
            if model_id != codec.model_id:
                raise TableError(
                    f"{path.name} holds codes of the codec {model_id}, and {codec_name} is the codec {codec.model_id}."
                )


def grids(path: Path, codec: Codec) -> "Iterator[tuple[str, CodeGrid | str]]":
    """Read the file name and the grid of each row, or the reason why it has none.

    Raises
    ------
    TableError
        If the file is damaged, or the codes of a row are no grid of the codec.
    """
    pa = arrow()
    for group in read_groups(path, [*NEEDED, "num_samples", "time_stride", "reason"]):
        names = group.column_names
        facts = group.drop_columns(["codes"]).to_pylist()
        for row, codes in zip(facts, group["codes"].combine_chunks(), strict=True):
            if not codes.is_valid:
                yield str(row["file"]), str(row.get("reason") or "there are no codes")
                continue
            try:
                frames, samples = row["num_frames"], row["num_samples"] if "num_samples" in names else 0
                stride = row["time_stride"] if "time_stride" in names else codec.time_stride
                of_codec = row["model_id"], row["codebook_size"]
                grid = CodeGrid(nested(codes), frames, *of_codec, samples or 0, stride)
                codec.check(grid)
            except (GridError, ValueError, TypeError, AttributeError, pa.ArrowException) as error:
                raise TableError(f"{path.name} is damaged: the codes of {row['file']!r:.80} are no grid.") from error
            yield str(row["file"]), grid


def nested(codes: "pa.ListScalar") -> np.ndarray:
    """The codes of a row as an array [levels, rows, columns].

    Raises
    ------
    ValueError
        If its lists have several lengths.
    """
    levels = codes.values
    rows = levels.flatten()
    numbers = rows.flatten().to_numpy(zero_copy_only=False)
    if any(len(lists.value_lengths().unique()) != 1 for lists in (levels, rows)):
        raise ValueError("The lists have several lengths.")
    return numbers.reshape(len(levels), len(rows) // len(levels), -1)


class Rows:
    """Rows of several tables by the names of their files; of two rows of one name, the later table's counts.

    Attributes
    ----------
    stamps : dict of str to (int, int) or (None, None)
        Size of each sound file when it was encoded, and the time of its last change in nanoseconds; None for one that
        is to be tried anew.

    Parameters
    ----------
    paths : sequence of Path
        Tables that this module wrote.
    """

    def __init__(self, paths: Sequence[Path]) -> None:
        self._places: dict[str, tuple[Path, int, int]] = {}
        self.stamps: dict[str, tuple[int | None, int | None]] = {}
        for path in paths:
            file = open_table(path)
            if not set(schema().names) <= set(file.schema_arrow.names):
                raise TableError(f"{path.name} lacks columns that Distill writes; please name another file.")
            for group in range(file.num_row_groups):
                columns = file.read_row_group(group, columns=["file", "file_bytes", "changed_ns"]).to_pydict()
                self._places |= {name: (path, group, row) for row, name in enumerate(columns["file"])}
                stamps = zip(columns["file_bytes"], columns["changed_ns"], strict=True)
                self.stamps |= dict(zip(columns["file"], stamps, strict=True))
            file.close()
        self._group = lru_cache(4)(_read_group)

    def groups(self, files: Sequence[str]) -> "Iterator[pa.Table]":
        """Yield the rows of some files, in their order, :data:`GROUP_ROWS` at a time."""
        pa = arrow()
        for start in range(0, len(files), GROUP_ROWS):
            places = [self._places[name] for name in files[start : start + GROUP_ROWS]]
            runs = groupby(places, key=itemgetter(0, 1))
            taken = [self._group(*where).take([row for *_, row in run]) for where, run in runs]
            yield pa.concat_tables(taken).combine_chunks()


def _read_group(path: Path, group: int) -> "pa.Table":
    file = open_table(path)
    try:
        return file.read_row_group(group, columns=schema().names).cast(schema())
    except (OSError, arrow().ArrowException) as error:
        raise TableError(f"{path.name} is damaged: {reason_of(error)}.") from error
    finally:
        file.close()
