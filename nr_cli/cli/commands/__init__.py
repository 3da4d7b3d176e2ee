"""One file for each command of `nr`."""
