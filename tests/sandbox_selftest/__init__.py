"""The sandbox, tested: what the tests of the taps rely on."""
