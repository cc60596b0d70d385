"""channel verify: whether all that is shown of a channel is what its facts say."""

from condarium.channels.verifying.verification import verify

__all__ = ["verify"]
