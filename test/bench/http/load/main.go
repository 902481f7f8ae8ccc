// Load for `npm run bench http`: puts, gets and watches against Windlass, a bare HTTP server, or etcd, from a process of its own.
// Every client is a goroutine; over HTTP each has a keep-alive connection of its own, to etcd eight share one, as etcd's own
// benchmark does. It prints one JSON object.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"math/rand"
	"os"
	"sort"
	"strings"
	"sync"
	"time"
)

// What the targets have in common. A client is used by one goroutine.
type client interface {
	put(key int, value string) error
	get(key int) error
}

// Calls `seen` with the value of every put that it hears of.
type watcher interface {
	watch(seen func(value string)) error
}

type target interface {
	client() (client, error)
	watcher() (watcher, error)
}

type result struct {
	Operations int     `json:"operations"`
	Seconds    float64 `json:"seconds"`
	PerSecond  float64 `json:"perSecond"`
	P50Us      float64 `json:"p50Us"`
	P99Us      float64 `json:"p99Us"`
	MaxUs      float64 `json:"maxUs"`
}

var (
	kind     = flag.String("target", "http", "http or etcd")
	address  = flag.String("address", "127.0.0.1:8350", "host:port")
	token    = flag.String("token", "", "bearer token, for http")
	op       = flag.String("op", "put", "fill, put, get, watch or hold")
	clients  = flag.Int("clients", 1, "clients at the same time")
	watchers = flag.Int("watchers", 1, "open watches, for watch and hold")
	rate     = flag.Float64("rate", 200, "puts a second, for watch")
	seconds  = flag.Float64("seconds", 5, "how long")
	heldPath = flag.String("path", "", "what is asked for and held, for hold; empty: a watch of all from now on")
	keys     = flag.Int("keys", 1000, "objects that are put and got")
)

const valueBytes = 256

func main() {
	flag.Parse()
	answer, err := run()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	_ = json.NewEncoder(os.Stdout).Encode(answer)
}

func run() (result, error) {
	var where target
	switch *kind {
	case "http":
		where = &httpTarget{address: *address, token: *token}
	case "etcd":
		where = &etcdTarget{address: *address}
	default:
		return result{}, fmt.Errorf("no target %s", *kind)
	}
	switch *op {
	case "fill":
		return fill(where)
	case "put", "get":
		return load(where)
	case "watch":
		return delays(where)
	case "hold":
		over, ok := where.(*httpTarget)
		if !ok {
			return result{}, fmt.Errorf("%s holds nothing", *kind)
		}
		return hold(over)
	default:
		return result{}, fmt.Errorf("no operation %s", *op)
	}
}

// A value of valueBytes that no other put has: it begins with its number.
func valueOf(number int64) string {
	text := fmt.Sprintf("%d-", number)
	return text + strings.Repeat("x", valueBytes-len(text))
}

func fill(where target) (result, error) {
	one, err := where.client()
	if err != nil {
		return result{}, err
	}
	begun := time.Now()
	for key := 0; key < *keys; key++ {
		if err := one.put(key, valueOf(int64(key))); err != nil {
			return result{}, err
		}
	}
	return summary(make([]time.Duration, *keys), time.Since(begun)), nil
}

func load(where target) (result, error) {
	taken := make([][]time.Duration, *clients)
	failures := make(chan error, *clients)
	var ready, done sync.WaitGroup
	start := make(chan struct{})
	var deadline time.Time
	for id := 0; id < *clients; id++ {
		one, err := where.client()
		if err != nil {
			return result{}, err
		}
		ready.Add(1)
		done.Add(1)
		go func() {
			defer done.Done()
			random := rand.New(rand.NewSource(int64(id)))
			ready.Done()
			<-start
			for number := int64(id); ; number += int64(*clients) {
				begun := time.Now()
				if begun.After(deadline) {
					return
				}
				key := random.Intn(*keys)
				var err error
				if *op == "put" {
					err = one.put(key, valueOf(number))
				} else {
					err = one.get(key)
				}
				if err != nil {
					failures <- err
					return
				}
				taken[id] = append(taken[id], time.Since(begun))
			}
		}()
	}
	ready.Wait()
	begun := time.Now()
	deadline = begun.Add(time.Duration(*seconds * float64(time.Second)))
	close(start)
	done.Wait()
	elapsed := time.Since(begun)
	select {
	case err := <-failures:
		return result{}, err
	default:
	}
	var all []time.Duration
	for _, some := range taken {
		all = append(all, some...)
	}
	return summary(all, elapsed), nil
}

// How long after a put was acknowledged each watcher has its event; one that comes earlier counts as 0.
func delays(where target) (result, error) {
	var lock sync.Mutex
	acknowledged := map[string]time.Time{}
	early := map[string]int{}
	var all []time.Duration
	heard := make(chan struct{}, 1)
	seen := func(value string) {
		now := time.Now()
		number, _, _ := strings.Cut(value, "-")
		lock.Lock()
		defer lock.Unlock()
		if at, ok := acknowledged[number]; ok {
			all = append(all, now.Sub(at))
		} else {
			early[number]++
			all = append(all, 0)
		}
		select {
		case heard <- struct{}{}:
		default:
		}
	}
	for id := 0; id < *watchers; id++ {
		one, err := where.watcher()
		if err != nil {
			return result{}, err
		}
		if err := one.watch(seen); err != nil {
			return result{}, err
		}
	}
	one, err := where.client()
	if err != nil {
		return result{}, err
	}
	begun := time.Now()
	puts := int(*rate * *seconds)
	first := time.Now().UnixNano()
	for i := 0; i < puts; i++ {
		time.Sleep(time.Until(begun.Add(time.Duration(float64(i) / *rate * float64(time.Second)))))
		number := first + int64(i)
		if err := one.put(i%*keys, valueOf(number)); err != nil {
			return result{}, err
		}
		lock.Lock()
		acknowledged[fmt.Sprint(number)] = time.Now()
		lock.Unlock()
	}
	wanted := puts * *watchers
	giveUp := time.After(30 * time.Second)
	for {
		lock.Lock()
		count := len(all)
		lock.Unlock()
		if count >= wanted {
			return summary(all, time.Since(begun)), nil
		}
		select {
		case <-heard:
		case <-giveUp:
			return result{}, fmt.Errorf("%d of %d events came", count, wanted)
		}
	}
}

func summary(taken []time.Duration, elapsed time.Duration) result {
	sort.Slice(taken, func(i, j int) bool { return taken[i] < taken[j] })
	at := func(share float64) float64 {
		if len(taken) == 0 {
			return 0
		}
		return float64(taken[int(share*float64(len(taken)-1))].Nanoseconds()) / 1000
	}
	return result{
		Operations: len(taken),
		Seconds:    elapsed.Seconds(),
		PerSecond:  float64(len(taken)) / elapsed.Seconds(),
		P50Us:      at(0.5),
		P99Us:      at(0.99),
		MaxUs:      at(1),
	}
}
