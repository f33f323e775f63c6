"""When chaos may run and what is due: windows, sale freezes, the error budget, and a calendar of experiments."""
