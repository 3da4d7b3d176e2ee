"""The thinking: how one prompt becomes one answer, free of files, clocks, drivers."""
