"""Lineages: who is related to whom, and who should breed with whom?"""
