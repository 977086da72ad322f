"""Worlds with known truth: animals, cameras and photos that never were."""

from .captures import Captures, simulate_captures, true_captures
from .coat import Coat, FlankMap, draw_coat
from .options import DEMO_SEED, TINY_SEED, WorldOptions, demo_options, tiny_options
from .paint import Picture, coat_of, paint_shot
from .photo import SYNTHETIC
from .world import (
    Animal,
    Breakdown,
    CameraSite,
    Passage,
    Shot,
    StationSite,
    World,
    simulate_world,
)
from .write import write_world

__all__ = [
    "DEMO_SEED",
    "SYNTHETIC",
    "TINY_SEED",
    "Animal",
    "Breakdown",
    "CameraSite",
    "Captures",
    "Coat",
    "FlankMap",
    "Passage",
    "Picture",
    "Shot",
    "StationSite",
    "World",
    "WorldOptions",
    "coat_of",
    "demo_options",
    "draw_coat",
    "paint_shot",
    "simulate_captures",
    "simulate_world",
    "tiny_options",
    "true_captures",
    "write_world",
]
