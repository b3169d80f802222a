"""From commits to rows: made ready by whoever asks, decided and written by the one writer."""
