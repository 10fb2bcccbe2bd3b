# SPDX-License-Identifier: Apache-2.0
"""The errors of the library. Each says what happened and what to do next."""


class IptoError(Exception):
    """Base of every error this library raises on purpose; its text is fit to be shown to a user."""


class InputError(IptoError, ValueError):
    """What a caller or user handed in cannot be used; nothing was changed."""


class NotFoundError(IptoError, LookupError):
    """Something that was named does not exist where it was looked for."""


class IntegrityError(IptoError, ValueError):
    """Bytes do not match the digest or signature that stands for them."""
