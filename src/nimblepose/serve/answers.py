"""Poses as the body of an answer, in the product's own forms."""

import json
from collections.abc import Sequence
from typing import Any

from starlette.responses import Response

from nimblepose.results.formats import coco, csv_table, openpose, own
from nimblepose.results.output_format import FolderMaker, Header, PictureMaker, PictureResult, encode_json

_CSV = "text/csv; charset=utf-8"
_DOCUMENTS = {"json": own.FORMAT.folder, "coco": coco.FORMAT.folder, "csv": csv_table.FORMAT.folder}


def make_answer(results: Sequence[PictureResult], formats: Sequence[str], header: Header) -> Response:
    """One form as it is; of several an object with a member for each, in which CSV is text."""
    if formats == ("csv",):
        return Response(_make("csv", results, header), media_type=_CSV)
    if len(formats) == 1:
        return Response(_make(formats[0], results, header), media_type="application/json")
    made = {name: _make(name, results, header).decode() for name in formats}
    return Response(
        encode_json({name: text if name == "csv" else json.loads(text) for name, text in made.items()}) + b"\n",
        media_type="application/json",
    )


def _make(name: str, results: Sequence[PictureResult], header: Header) -> bytes:
    maker: FolderMaker | PictureMaker | None = _DOCUMENTS.get(name)
    if isinstance(maker, FolderMaker):
        return maker.make(results, header)
    documents: list[Any] = [json.loads(openpose.openpose_json(result)) for result in results]
    return encode_json(documents[0] if len(documents) == 1 else documents) + b"\n"
