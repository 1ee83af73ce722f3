"""Fetches pages as the course does in Python: with asyncio and aiohttp, or with
requests in threads that take from a queue. Nothing is parsed or stored.

python3 scrape.py aiohttp|threads ORIGIN PAGES AT_ONCE
prints the pages that came, the seconds, and the CPU seconds.
python3 scrape.py version aiohttp|requests
prints the library's version, and fails where it is not installed.
"""

import asyncio
import importlib.metadata
import queue
import sys
import threading
import time


def urls(origin, pages):
    return [f"{origin}/page/{n}" for n in range(1, pages + 1)]


def with_aiohttp(origin, pages, at_once):
    async def fetch(session, bound, url):
        async with bound, session.get(url) as response:
            return len(await response.read()) > 0 and response.status == 200

    async def fetch_all():
        bound = asyncio.Semaphore(at_once)
        connector = aiohttp.TCPConnector(limit=at_once)
        async with aiohttp.ClientSession(connector=connector) as session:
            came = (fetch(session, bound, url) for url in urls(origin, pages))
            return sum(await asyncio.gather(*came))

    return asyncio.run(fetch_all())


def with_threads(origin, pages, at_once):
    work = queue.Queue()
    came = []

    def fetch():
        with requests.Session() as session:
            while (url := work.get()) is not None:
                response = session.get(url)
                if response.status_code == 200 and response.content:
                    came.append(url)

    threads = [threading.Thread(target=fetch) for _ in range(at_once)]
    for thread in threads:
        thread.start()
    for url in urls(origin, pages):
        work.put(url)
    for _ in threads:
        work.put(None)
    for thread in threads:
        thread.join()
    return len(came)


def main():
    if sys.argv[1] == "version":
        print(importlib.metadata.version(sys.argv[2]))
        return
    # Not part of the measured time.
    global aiohttp, requests
    if sys.argv[1] == "aiohttp":
        import aiohttp
    else:
        import requests
    form = {"aiohttp": with_aiohttp, "threads": with_threads}[sys.argv[1]]
    origin, pages, at_once = sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    began, cpu = time.perf_counter(), time.process_time()
    came = form(origin, pages, at_once)
    print(came, time.perf_counter() - began, time.process_time() - cpu)


if __name__ == "__main__":
    main()
