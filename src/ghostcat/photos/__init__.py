"""What is in a photo file, when it was taken, and which photos belong to one pass."""

from ghostcat.photos.inspect import PhotoFacts, inspect_photo
from ghostcat.photos.load import load_rgb
from ghostcat.photos.passes import group_passes

__all__ = ["PhotoFacts", "group_passes", "inspect_photo", "load_rgb"]
