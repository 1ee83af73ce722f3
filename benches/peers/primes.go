// Counts primes as the course does in Go: alone, or by goroutines with equal
// ranges.
//
//	primes single|goroutines LIMIT WORKERS RUNS
//
// prints the count and the seconds of the fastest of RUNS runs.
package main

import (
	"fmt"
	"log"
	"math"
	"os"
	"strconv"
	"sync"
	"time"
)

func isPrime(n int) bool {
	if n < 2 {
		return false
	}
	root := int(math.Sqrt(float64(n)))
	for divisor := 2; divisor <= root; divisor++ {
		if n%divisor == 0 {
			return false
		}
	}
	return true
}

func count(start, end int) int {
	found := 0
	for n := start; n < end; n++ {
		if isPrime(n) {
			found++
		}
	}
	return found
}

func single(limit, _ int) int { return count(0, limit) }

func byGoroutines(limit, workers int) int {
	counts := make([]int, workers)
	var group sync.WaitGroup
	for i := 0; i < workers; i++ {
		group.Add(1)
		go func(i int) {
			defer group.Done()
			counts[i] = count(limit*i/workers, limit*(i+1)/workers)
		}(i)
	}
	group.Wait()
	found := 0
	for _, n := range counts {
		found += n
	}
	return found
}

func number(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil {
		log.Fatal(err)
	}
	return n
}

func main() {
	forms := map[string]func(limit, workers int) int{"single": single, "goroutines": byGoroutines}
	form := forms[os.Args[1]]
	limit, workers, runs := number(os.Args[2]), number(os.Args[3]), number(os.Args[4])
	found, seconds := 0, math.Inf(1)
	for run := 0; run < runs; run++ {
		began := time.Now()
		found = form(limit, workers)
		seconds = math.Min(seconds, time.Since(began).Seconds())
	}
	fmt.Println(found, seconds)
}
