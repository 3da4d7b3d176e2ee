"""The hands: the only importers of httpx, asyncio, subprocesses."""
