"""What answers share: stored versions with their headers, parts of them, page links, and what the client prefers."""
