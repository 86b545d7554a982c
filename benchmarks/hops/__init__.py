"""What the gateway is compared with: the shortest ways to pass requests on, each with no more than it needs."""
