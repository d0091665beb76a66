"""How well the systems read: test sets, metrics with intervals, baselines, tables."""
