"""The course's pipeline, and its hop over Redis Streams, in Python.

python3 pipeline.py queues ITEMS
    process, queue, process, queue, with None at the end: "hello" -> "[HELLO]".
python3 pipeline.py streams ITEMS PORT
    one hop through a Redis stream and a consumer group with redis-py, in batches:
    a process adds, another reads, acknowledges and deletes.
Both print the items that came and the seconds, from the first item's start to
the last one's end.
python3 pipeline.py version
    prints the version of redis-py, and fails where it is not installed.
"""

import multiprocessing
import sys
import time

BATCH = 512


def upper(source, target):
    while (item := source.get()) is not None:
        target.put(item.upper())
    target.put(None)


def bracket(source, target):
    while (item := source.get()) is not None:
        target.put(f"[{item}]")
    target.put(None)


def with_queues(items):
    queues = [multiprocessing.Queue(1000) for _ in range(3)]
    stages = [
        multiprocessing.Process(target=stage, args=(queues[n], queues[n + 1]))
        for n, stage in enumerate([upper, bracket])
    ]
    for stage in stages:
        stage.start()
    give = multiprocessing.Process(target=feed, args=(items, queues[0]))
    began = time.perf_counter()
    give.start()
    came = 0
    while (item := queues[2].get()) is not None:
        came += item == "[HELLO]"
    seconds = time.perf_counter() - began
    for process in [give, *stages]:
        process.join()
    return came, seconds


def feed(items, target):
    for _ in range(items):
        target.put("hello")
    target.put(None)


def add(items, port):
    import redis

    connection = redis.Redis(port=port)
    for first in range(0, items, BATCH):
        # Not more in the stream than the queues above hold.
        while connection.xlen("hop") > 1000 - BATCH:
            time.sleep(0.0005)
        batch = connection.pipeline(transaction=False)
        for _ in range(min(BATCH, items - first)):
            batch.xadd("hop", {"i": "hello"})
        batch.execute()


def with_streams(items, port):
    import redis

    connection = redis.Redis(port=port)
    connection.delete("hop")
    connection.xgroup_create("hop", "sink", id="0", mkstream=True)
    give = multiprocessing.Process(target=add, args=(items, port))
    began = time.perf_counter()
    give.start()
    came = 0
    while came < items:
        for _, entries in connection.xreadgroup(
            "sink", "one", {"hop": ">"}, count=BATCH, block=1000
        ):
            ids = [entry for entry, _ in entries]
            done = connection.pipeline(transaction=False)
            done.xack("hop", "sink", *ids)
            done.xdel("hop", *ids)
            done.execute()
            came += len(ids)
    seconds = time.perf_counter() - began
    give.join()
    return came, seconds


def main():
    form = sys.argv[1]
    if form == "version":
        import importlib.metadata

        print(importlib.metadata.version("redis"))
        return
    if form == "queues":
        came, seconds = with_queues(int(sys.argv[2]))
    else:
        came, seconds = with_streams(int(sys.argv[2]), int(sys.argv[3]))
    print(came, seconds)


if __name__ == "__main__":
    main()
