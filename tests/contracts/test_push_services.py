"""Connections to push services: shared by letters, never by names or addresses, and never more than so many."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx

from collector.alerter.channels.services import CONNECTIONS_MAX, SERVICES_MAX, PushServices


@dataclass
class Service:
    """A push service that keeps its connections open. `body`: what it says beside its status."""

    body: bytes = b""
    more: str = ""
    port: int = 0
    length: int | None = None
    heads: list[str] = field(default_factory=list)
    connections: list[asyncio.StreamWriter] = field(default_factory=list)
    together_max: int = 0
    _together: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections.append(writer)
        self._together += 1
        self.together_max = max(self.together_max, self._together)
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                await reader.readexactly(4)
                self.heads.append(head)
                length = len(self.body) if self.length is None else self.length
                writer.write(f"HTTP/1.1 201 Created\r\n{self.more}Content-Length: {length}\r\n\r\n".encode())
                writer.write(self.body)
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self._together -= 1
            writer.close()

    async def hang_up(self) -> None:
        for each in self.connections:
            each.close()
            await each.wait_closed()

    def url(self, host: str = "127.0.0.1") -> httpx.URL:
        return httpx.URL(f"http://{host}:{self.port}/push/phone")


@asynccontextmanager
async def stage(service: Service, *addresses: str) -> AsyncIterator[PushServices]:
    servers = []
    for address in addresses or ("127.0.0.1",):
        server = await asyncio.start_server(service.serve, address, service.port)
        service.port = server.sockets[0].getsockname()[1]
        servers.append(server)
    services = PushServices(httpx.Timeout(60.0))  # a busy machine is no failure
    try:
        yield services
    finally:
        await services.close()
        assert services.count == 0
        for server in servers:
            server.close()


async def posted(services: PushServices, url: httpx.URL, address: str = "127.0.0.1") -> int:
    status, _ = await services.post(url, address, b"data", {"Host": url.netloc.decode()})
    return status


def test_letters_to_one_service_share_a_connection() -> None:
    async def scene() -> None:
        service = Service(body=b"taken")
        async with stage(service) as services:
            assert [await posted(services, service.url()) for _ in range(20)] == [201] * 20

            assert len(service.heads) == 20 and len(service.connections) == 1 and services.count == 1

    asyncio.run(scene())


def test_many_letters_at_once_open_no_more_than_so_many_connections() -> None:
    async def scene() -> None:
        service = Service()
        async with stage(service) as services:
            statuses = await asyncio.gather(*(posted(services, service.url()) for _ in range(10 * CONNECTIONS_MAX)))

            assert statuses == [201] * 10 * CONNECTIONS_MAX and 1 < service.together_max <= CONNECTIONS_MAX

    asyncio.run(scene())


def test_a_connection_that_was_hung_up_meanwhile_costs_no_letter() -> None:
    async def scene() -> None:
        service = Service()
        async with stage(service) as services:
            assert await posted(services, service.url()) == 201
            await service.hang_up()
            await asyncio.sleep(0)

            assert await posted(services, service.url()) == 201
            assert len(service.connections) == 2

    asyncio.run(scene())


def test_a_name_that_means_another_address_now_is_reached_there_and_over_no_old_connection() -> None:
    async def scene() -> None:
        service = Service()
        async with stage(service, "127.0.0.1", "127.0.0.2") as services:
            url = service.url("push.example.net")
            for address in ("127.0.0.1", "127.0.0.2", "127.0.0.2"):
                assert await posted(services, url, address) == 201

            reached = [each.get_extra_info("sockname")[0] for each in service.connections]
            assert reached == ["127.0.0.1", "127.0.0.2"]
            assert all(f"push.example.net:{service.port}" in head for head in service.heads)

    asyncio.run(scene())


def test_two_services_at_one_address_share_no_connection() -> None:
    async def scene() -> None:
        service = Service()
        async with stage(service) as services:
            for name in ("one.example.net", "two.example.net", "one.example.net"):
                assert await posted(services, service.url(name)) == 201

            assert len(service.connections) == services.count == 2

    asyncio.run(scene())


def test_endpoints_of_ever_other_names_do_not_pile_up() -> None:
    async def scene() -> None:
        service = Service()
        async with stage(service) as services:
            names = [f"p{number}.example.net" for number in range(3 * SERVICES_MAX)]
            for name in names:
                await posted(services, service.url(name))
                assert services.count <= SERVICES_MAX
            at_once = await asyncio.gather(*(posted(services, service.url(f"q.{name}")) for name in names))
            assert at_once == [201] * len(names)
            await posted(services, service.url())
            assert services.count <= SERVICES_MAX

    asyncio.run(scene())


def test_an_answer_without_an_end_was_an_answer() -> None:
    async def scene() -> None:
        service = Service(body=b"x" * 100, length=10**9)
        async with stage(service) as services:
            assert await posted(services, service.url()) == 201
        service = Service(body=b"x" * 1_000_000)
        async with stage(service) as services:
            assert [await posted(services, service.url()) for _ in range(2)] == [201, 201]

    asyncio.run(scene())


def test_nothing_of_one_answer_goes_with_the_next_letter() -> None:
    async def scene() -> None:
        service = Service(more="Set-Cookie: who=li\r\n")
        async with stage(service) as services:
            for _ in range(2):
                await posted(services, service.url())

            assert not any("cookie" in head.lower() for head in service.heads)

    asyncio.run(scene())
