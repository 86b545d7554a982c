"""Reads models and solves them, each in a child process with limits of memory and time, and without any secret.

A worker talks to it through `client.Engine`, which alone is imported elsewhere; the rest runs in processes that
`python -m solving.engine` forks. They know neither Django nor the portal's settings.
"""
