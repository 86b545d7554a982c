"""The metered way to D-Wave: speaks SAPI on both sides, and lets through what fits the quotas.

Programs of members talk to it as if it were D-Wave (the Ocean SDK, unmodified); it puts the organization's token in the
place of the member's API key, books every problem before it goes upstream, and shows members only what is theirs.
"""
