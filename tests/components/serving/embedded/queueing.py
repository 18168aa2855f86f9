"""Runs tasks on a batcher, so that some of them wait together."""

import asyncio

from components.serving.embedded.batcher import Batcher
from components.serving.embedded.limits import Limits
from components.serving.embedded.metrics import Metrics


def run(scenario, limits=None, threads=1):
    """Returns what a coroutine of a batcher returns."""

    async def main():
        batcher = Batcher(threads, limits or Limits(), Metrics())
        try:
            return await scenario(batcher)
        finally:
            await asyncio.to_thread(batcher.close)

    return asyncio.run(main())


async def answers(batcher, model, tasks):
    """Returns what becomes of tasks: the first runs alone while the rest queue up."""
    waiting = []
    for each in tasks:
        waiting.append(asyncio.create_task(batcher.run(each)))
        await asyncio.sleep(0.05 if each is tasks[0] else 0)
    await asyncio.sleep(0.05)
    model.go.set()
    return await asyncio.gather(*waiting, return_exceptions=True)
