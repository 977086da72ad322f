"""The land: what it costs to cross it, where the corridors and the narrow places are, where to build."""
