"""Counts primes as the course does in Python: alone, or by a pool of processes
with equal ranges.

python3 primes.py single|pool LIMIT WORKERS RUNS
prints the count and the seconds of the fastest of RUNS runs.
"""

import math
import multiprocessing
import sys
import time


def is_prime(n):
    if n < 2:
        return False
    for divisor in range(2, math.isqrt(n) + 1):
        if n % divisor == 0:
            return False
    return True


def count(start, end):
    found = 0
    for n in range(start, end):
        if is_prime(n):
            found += 1
    return found


def equal_ranges(limit, workers):
    return [(limit * i // workers, limit * (i + 1) // workers) for i in range(workers)]


def single(limit, _workers):
    return count(0, limit)


def pool(limit, workers):
    with multiprocessing.Pool(workers) as processes:
        return sum(processes.starmap(count, equal_ranges(limit, workers)))


def main():
    form = {"single": single, "pool": pool}[sys.argv[1]]
    limit, workers, runs = map(int, sys.argv[2:])
    seconds = math.inf
    for _ in range(runs):
        began = time.perf_counter()
        found = form(limit, workers)
        seconds = min(seconds, time.perf_counter() - began)
    print(found, seconds)


if __name__ == "__main__":
    main()
