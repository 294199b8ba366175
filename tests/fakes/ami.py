"""A switch's AMI port that behaves like Asterisk's, until a test tells it not to."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from tests.real_asterisk import SECRET, USER

Action = dict[str, str]


class FakeAmi:
    """Answers as Asterisk 22 was seen to. ``mute``: actions that it never answers."""

    def __init__(self) -> None:
        self.ami = 0
        self.startup = ("2026-11-21", "01:48:13")
        self.banner = b"Asterisk Call Manager/11.0.0\r\n"
        self.mute: set[str] = set()
        self.received: list[Action] = []
        self.members: list[str] = []
        self.channels: list[str] = []
        self.endpoints: dict[str, tuple[str, ...]] = {}
        """the statuses of each endpoint's contacts"""
        self.connections = 0
        self.on_login: Callable[[asyncio.StreamWriter], None] | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._arrived = asyncio.Condition()

    async def start(self) -> None:
        """Listen on a free port, or again on the same one."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.ami)
        self.ami = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Stop listening and cut every connection."""
        self._server.close()
        self.cut()
        await asyncio.gather(*self._tasks)
        await self._server.wait_closed()

    def cut(self) -> None:
        """Cut every connection."""
        for writer in tuple(self._writers):
            writer.transport.abort()

    def send(self, data: bytes) -> None:
        """Send these bytes on every connection."""
        for writer in self._writers:
            writer.write(data)

    async def heard(self, action: str, times: int = 1) -> Action:
        """Wait until this action has come so often; the last of them."""
        async with asyncio.timeout(5), self._arrived:
            await self._arrived.wait_for(
                lambda: sum(one["Action"] == action for one in self.received) >= times
            )
        return [one for one in self.received if one["Action"] == action][times - 1]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.add(writer)
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        try:
            writer.write(self.banner)
            while True:
                block = (await reader.readuntil(b"\r\n\r\n")).decode()
                action = dict(line.split(": ", 1) for line in block.strip().split("\r\n"))
                self.received.append(action)
                async with self._arrived:
                    self._arrived.notify_all()
                if action["Action"] not in self.mute:
                    self._answer(action, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self._writers.discard(writer)
            writer.close()

    def _answer(self, action: Action, writer: asyncio.StreamWriter) -> None:
        wanted = action.get("ActionID", "")

        def tell(first: str, *lines: str) -> None:
            named = (first, f"ActionID: {wanted}", *lines) if wanted else (first, *lines)
            writer.write(("\r\n".join(named) + "\r\n\r\n").encode())

        def refuse(why: str) -> None:
            tell("Response: Error", f"Message: {why}")

        match action["Action"]:
            case "Login":
                if (action.get("Username"), action.get("Secret")) != (USER, SECRET):
                    refuse("Authentication failed")
                    writer.close()
                    return
                tell("Response: Success", "Message: Authentication accepted")
                if self.on_login is not None:
                    self.on_login(writer)
            case "CoreStatus":
                day, time = self.startup
                tell("Response: Success", f"CoreStartupDate: {day}", f"CoreStartupTime: {time}")
            case "Ping":
                tell("Response: Success", "Ping: Pong", "Timestamp: 1795225705.534387")
            case "PJSIPShowContacts":
                refuse("No Contacts found\n")
                writer.write(b"\r\n")  # as the real one does
            case "PJSIPShowEndpoint" if (name := action["Endpoint"]) in self.endpoints:
                found = self.endpoints[name]
                tell("Response: Success", "EventList: start", "Message: Following are Events for each object")
                tell("Event: EndpointDetail", f"ObjectName: {name}")
                for status in found:
                    tell("Event: ContactStatusDetail", f"EndpointName: {name}", f"Status: {status}")
                tell("Event: EndpointDetailComplete", "EventList: Complete", f"ListItems: {len(found) + 1}")
            case "PJSIPShowEndpoint":
                refuse(f"Unable to retrieve endpoint {action['Endpoint']}")
            case "PJSIPQualify" if action["Endpoint"] in self.endpoints:
                tell("Response: Success", "Message: Endpoint found, will qualify")
            case "PJSIPQualify":
                refuse("Unable to retrieve endpoint")
            case "Status":
                tell("Response: Success", "EventList: start", "Message: Channel status will follow")
                wants = [name for name in action.get("Variables", "").split(",") if name]
                for channel in self.channels:
                    tell(
                        "Event: Status",
                        f"Channel: {channel}",
                        *(f"Variable: {name}=(null)" for name in wants),
                    )
                tell("Event: StatusComplete", "EventList: Complete", f"ListItems: {len(self.channels)}")
            case "QueueAdd":
                if action["Interface"] in self.members:
                    refuse("Unable to add interface: Already there")
                else:
                    self.members.append(action["Interface"])
                    tell("Response: Success", "Message: Added interface to queue")
            case "QueueRemove":
                if action["Interface"] in self.members:
                    self.members.remove(action["Interface"])
                    tell("Response: Success", "Message: Removed interface from queue")
                else:
                    refuse("Unable to remove interface: Not there")
            case "QueuePause":
                if action["Interface"] in self.members:
                    tell("Response: Success", "Message: Interface paused successfully")
                else:
                    refuse("Interface not found")
            case "QueueStatus":
                tell("Response: Success", "EventList: start", "Message: Queue status will follow")
                tell("Event: QueueParams", f"Queue: {action['Queue']}")
                for member in self.members:
                    tell("Event: QueueMember", f"Queue: {action['Queue']}", f"Location: {member}")
                tell(
                    "Event: QueueStatusComplete", "EventList: Complete", f"ListItems: {len(self.members) + 1}"
                )
            case "Originate":
                tell("Response: Success", "Message: Originate successfully queued")
                if action.get("Async") == "true":
                    tell("Event: OriginateResponse", "Response: Success", f"Channel: {action['Channel']}")
            case "Atxfer":
                refuse("Channel specified does not exist")
            case "Hangup" if action["Channel"] in self.channels:
                self.channels.remove(action["Channel"])
                tell("Response: Success", "Message: Channel Hungup")
            case "Hangup":
                refuse("No such channel")
            case "Redirect":
                refuse(f"Channel does not exist: {action['Channel']}")
            case other:
                refuse(
                    f"Invalid/unknown command: {other}. Use Action: ListCommands to show available commands."
                )
