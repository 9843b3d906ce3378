"""What the taps write, into the targets that people load with."""
