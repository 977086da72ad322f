"""The land: how freely it lets animals through."""
