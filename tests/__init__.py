"""Tests of both taps, and what the demo and the benchmarks run on."""
