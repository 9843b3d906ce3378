"""The tests of tap-clari, one module for each module of its streams."""
