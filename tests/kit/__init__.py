"""Tests of the kit by itself; what both taps do with it is tested through their commands."""
