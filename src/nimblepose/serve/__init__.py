"""Poses by HTTP: one process, a pool of threads, a bounded queue; and a WebSocket for live frames."""
