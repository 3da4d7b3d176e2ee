"""One plugin of each kind for `nr`."""
