"""What the service costs on this machine: `make bench`. It measures and never asserts."""
