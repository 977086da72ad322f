"""Moments as the standards write them: ISO 8601 with an offset, and what comes near to it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

from ghostcat.formats.dates import parse_time

__all__ = ["moment"]


def moment(text: str, *, default_offset: int | None) -> tuple[datetime, int | None] | None:
    """A moment in UTC and the offset it was written with (or the default); None when it is none.

    The standard writes ISO 8601 with an offset; anything else takes the slower way.
    """
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        field = parse_time(text)
        if field is None or field.from_serial:
            return None
        zone = (
            None
            if field.utc_offset_minutes is None
            else timezone(timedelta(minutes=field.utc_offset_minutes))
        )
        read = field.local.replace(tzinfo=zone)
    offset = read.utcoffset()
    if offset is None:
        assumed = timezone(timedelta(minutes=default_offset or 0))
        return read.replace(tzinfo=assumed).astimezone(UTC), default_offset
    return read.astimezone(UTC), round(offset.total_seconds() / 60)
