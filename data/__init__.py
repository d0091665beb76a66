"""Corpora: fetch, read, prepare. Run from a checkout; the installed package never imports this."""
