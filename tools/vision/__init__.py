"""What needs torch: networks, their windows, what they say. Without a network, classes by an index, which needs none."""
