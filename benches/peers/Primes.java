import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;

/**
 * Counts primes as the course does in Java: alone, by threads with equal ranges,
 * or by a parallel stream.
 *
 * <p>java Primes single|threads|stream LIMIT WORKERS RUNS
 * prints the count and the seconds of the fastest of RUNS runs.
 */
public class Primes {
    interface Form {
        int count(int limit, int workers) throws InterruptedException;
    }

    static boolean isPrime(int n) {
        if (n < 2) {
            return false;
        }
        int root = (int) Math.sqrt(n);
        for (int divisor = 2; divisor <= root; divisor++) {
            if (n % divisor == 0) {
                return false;
            }
        }
        return true;
    }

    static int count(int start, int end) {
        int found = 0;
        for (int n = start; n < end; n++) {
            if (isPrime(n)) {
                found++;
            }
        }
        return found;
    }

    static int edge(int limit, int workers, int i) {
        return (int) ((long) limit * i / workers);
    }

    static int byThreads(int limit, int workers) throws InterruptedException {
        AtomicInteger found = new AtomicInteger();
        List<Thread> threads = new ArrayList<>();
        for (int i = 0; i < workers; i++) {
            int start = edge(limit, workers, i);
            int end = edge(limit, workers, i + 1);
            Thread thread = new Thread(() -> found.addAndGet(count(start, end)));
            thread.start();
            threads.add(thread);
        }
        for (Thread thread : threads) {
            thread.join();
        }
        return found.get();
    }

    static int byStream(int limit) {
        return (int) IntStream.range(0, limit).parallel().filter(Primes::isPrime).count();
    }

    public static void main(String[] args) throws InterruptedException {
        int limit = Integer.parseInt(args[1]);
        int workers = Integer.parseInt(args[2]);
        int runs = Integer.parseInt(args[3]);
        // The thread that asks works too.
        System.setProperty(
                "java.util.concurrent.ForkJoinPool.common.parallelism", String.valueOf(workers - 1));
        Form form =
                switch (args[0]) {
                    case "single" -> (l, w) -> count(0, l);
                    case "threads" -> Primes::byThreads;
                    case "stream" -> (l, w) -> byStream(l);
                    default -> throw new IllegalArgumentException(args[0]);
                };
        int found = 0;
        double seconds = Double.POSITIVE_INFINITY;
        for (int run = 0; run < runs; run++) {
            long began = System.nanoTime();
            found = form.count(limit, workers);
            seconds = Math.min(seconds, (System.nanoTime() - began) / 1e9);
        }
        System.out.println(found + " " + seconds);
    }
}
