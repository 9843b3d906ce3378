"""What builds and installations of the taps hold."""
