"""The tests of tap-gladly, one module for each module of its streams."""
