"""The formats of our own, which need no package of others but PyArrow."""

from nimblepose.results.formats import parse_formats

FORMATS = parse_formats("json,coco,openpose,controlnet,csv,excel,parquet")
