"""The devices that the demo, the tests and the benchmark talk to, over real sockets."""
