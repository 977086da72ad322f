"""Scat DNA: which samples are the same animal, who are the parents, how diverse are they?"""
