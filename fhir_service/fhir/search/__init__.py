"""Search: what resources say to search parameters, what a query means, and when the two match."""
