"""A process that holds a name until it loses it, and says so; started by test_postgres_names.py."""

import asyncio
import sys

from crm_core.postgres_dialect import PostgresClient
from crm_core.postgres_names import NameLost


async def main(url: str, name: str) -> None:
    client = PostgresClient(url, connection_name="holder", pool_size=2)
    await client.create_connection(with_db=True)
    try:
        async with client.names.held(name) as mine:
            print("held" if mine else "refused", flush=True)
            await asyncio.Event().wait()
    except NameLost:
        print("lost", flush=True)
    await client.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
