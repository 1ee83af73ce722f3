// Counts primes as the course does in Node: alone, or by worker threads with
// equal ranges.
//
// node primes.cjs single|workers LIMIT WORKERS RUNS
// prints the count and the seconds of the fastest of RUNS runs.

const { Worker, isMainThread, parentPort, workerData } = require('node:worker_threads');

function isPrime(n) {
  if (n < 2) return false;
  const root = Math.floor(Math.sqrt(n));
  for (let divisor = 2; divisor <= root; divisor++) {
    if (n % divisor === 0) return false;
  }
  return true;
}

function count(start, end) {
  let found = 0;
  for (let n = start; n < end; n++) {
    if (isPrime(n)) found++;
  }
  return found;
}

function equalRanges(limit, workers) {
  const edge = (i) => Math.floor((limit * i) / workers);
  return Array.from({ length: workers }, (_, i) => [edge(i), edge(i + 1)]);
}

function inWorker(range) {
  return new Promise((resolve, reject) => {
    const worker = new Worker(__filename, { workerData: range });
    worker.on('message', resolve);
    worker.on('error', reject);
  });
}

async function byWorkers(limit, workers) {
  const counts = await Promise.all(equalRanges(limit, workers).map(inWorker));
  return counts.reduce((sum, n) => sum + n, 0);
}

async function main() {
  const forms = { single: (limit) => count(0, limit), workers: byWorkers };
  const form = forms[process.argv[2]];
  const [limit, workers, runs] = process.argv.slice(3).map(Number);
  let found;
  let seconds = Infinity;
  for (let run = 0; run < runs; run++) {
    const began = performance.now();
    found = await form(limit, workers);
    seconds = Math.min(seconds, (performance.now() - began) / 1000);
  }
  console.log(found, seconds);
}

if (isMainThread) main();
else parentPort.postMessage(count(...workerData));
