"""`echo` on every host of a list through asyncssh, 64 at a time. Usage: KEY KNOWN_HOSTS PORT LIST"""

import asyncio
import sys

import asyncssh

key, known_hosts, port, hosts = sys.argv[1:]


async def one(limit, host):
    async with limit:
        async with asyncssh.connect(
            host,
            port=int(port),
            username="root",
            client_keys=[key],
            known_hosts=known_hosts,
            config=None,
            agent_path=None,
            kex_algs=["curve25519-sha256"],
        ) as connection:
            await connection.run("echo hello", check=True)


async def main():
    limit = asyncio.Semaphore(64)
    with open(hosts) as file:
        await asyncio.gather(*(one(limit, line.strip()) for line in file))


asyncio.run(main())
