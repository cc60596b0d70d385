"""Schedules: operations that become jobs at certain times."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from condarium.errors import Conflict, NotFound
from condarium.model.jobs import Schedule
from condarium.storage.tables import schedules
from condarium.storage.upsert import insert_new


class NoSuchSchedule(NotFound):
    """There is no schedule of this name."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(
            f"there is no schedule {name!r}", hint="`condarium schedule list` shows all."
        )


class ScheduleExists(Conflict):
    """There is a schedule of this name already."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(
            f"there is a schedule {name!r} already",
            hint=f"Choose another name, or `condarium schedule remove {name}` first.",
        )


_TOLD = ("next_at", "problem")
"""What is found out about a schedule when somebody asks."""


class Schedules:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, schedule: Schedule) -> None:
        """Raises ScheduleExists."""
        if self._find(schedule.name) is not None:
            raise ScheduleExists(schedule.name)
        self.add_new(schedule)

    def add_new(self, schedule: Schedule) -> None:
        """Add a schedule unless there is one of its name."""
        fields = {name: value for name, value in vars(schedule).items() if name not in _TOLD}
        row = {**fields, "arguments": dict(schedule.arguments)}
        insert_new(self._connection, schedules, [row])

    def get(self, name: str) -> Schedule:
        """Raises NoSuchSchedule."""
        row = self._find(name)
        if row is None:
            raise NoSuchSchedule(name)
        return _schedule(row)

    def list(self) -> list[Schedule]:
        rows = self._connection.execute(select(schedules).order_by(schedules.c.name))
        return [_schedule(row) for row in rows]

    def enable(self, name: str, *, enabled: bool, at: datetime) -> None:
        """Turn it on or off; what was due while it was off stays undone. Raises NoSuchSchedule."""
        values = {"enabled": enabled, **({"last_at": at} if enabled else {})}
        self._change(name, values)

    def remove(self, name: str) -> None:
        """Raises NoSuchSchedule."""
        self.get(name)
        self._connection.execute(schedules.delete().where(schedules.c.name == name))

    def ran(self, name: str, *, at: datetime, job: int) -> None:
        """Note the instant that it stood for, and the job that it became."""
        self._change(name, {"last_at": at, "last_job": job})

    def _change(self, name: str, values: dict[str, Any]) -> None:
        changed = self._connection.execute(
            schedules.update().where(schedules.c.name == name).values(values)
        )
        if not changed.rowcount:
            raise NoSuchSchedule(name)

    def _find(self, name: str) -> Any:
        return self._connection.execute(select(schedules).where(schedules.c.name == name)).first()


def _schedule(row: Any) -> Schedule:
    return Schedule(**row._mapping)
