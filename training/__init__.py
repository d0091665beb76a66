"""Training, calibration and evaluation. Run from a checkout; the installed package never imports this."""
