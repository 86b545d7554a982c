"""The Luna SDK's door: the exact paths and shapes that luna-quantum 1.0 to 1.3 puts on the wire and accepts.

Thin views on the services of the apps below. What the SDK cannot stand (docs/luna-sdk.md tells more): redirects, keys
that its schemas do not know, times without a zone, a 401 with an internal_code, other errors without one.
"""
