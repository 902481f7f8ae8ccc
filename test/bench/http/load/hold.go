package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"
)

// Connections are opened by so many at once: a server refuses more than a few hundred that have said nothing yet.
const openers = 16

// A held connection reads little: ten thousand buffers must not be what the machine's memory goes to.
const heldReaderBytes = 2048

// When the watchers heard of one put.
type reached struct {
	times []time.Time
	all   chan struct{}
}

// Opens `watchers` connections with an answer that does not end, says so in a line, and holds them until standard input closes.
// Each line that comes there meanwhile is a put, and answered with how long after it was sent the watchers had it.
func hold(where *httpTarget) (result, error) {
	where.readerBytes = heldReaderBytes
	board := &board{waiting: map[string]*reached{}}
	begun := time.Now()
	if err := openAll(where, board); err != nil {
		return result{}, err
	}
	if err := json.NewEncoder(os.Stdout).Encode(summary(make([]time.Duration, *watchers), time.Since(begun))); err != nil {
		return result{}, err
	}
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		answer, err := board.put(where)
		if err != nil {
			return result{}, err
		}
		if err := json.NewEncoder(os.Stdout).Encode(answer); err != nil {
			return result{}, err
		}
	}
	return result{}, lines.Err()
}

func openAll(where *httpTarget, board *board) error {
	path := *heldPath
	if path == "" {
		one, err := where.open()
		if err != nil {
			return err
		}
		version, err := one.version()
		_ = one.connection.Close()
		if err != nil {
			return err
		}
		path = nodes + "?watch=true&allowWatchBookmarks=true&resourceVersion=" + version
	}
	work := make(chan struct{}, *watchers)
	for i := 0; i < *watchers; i++ {
		work <- struct{}{}
	}
	close(work)
	failures := make(chan error, openers)
	for i := 0; i < openers; i++ {
		go func() {
			for range work {
				one, err := where.open()
				if err == nil {
					err = one.watchAt(path, board.seen)
				}
				if err != nil {
					failures <- err
					return
				}
			}
			failures <- nil
		}()
	}
	for i := 0; i < openers; i++ {
		if err := <-failures; err != nil {
			return err
		}
	}
	return nil
}

// Who has heard of which put, by the number that its value begins with.
type board struct {
	lock    sync.Mutex
	waiting map[string]*reached
}

func (b *board) seen(value string) {
	now := time.Now()
	number, _, _ := strings.Cut(value, "-")
	b.lock.Lock()
	defer b.lock.Unlock()
	put := b.waiting[number]
	if put == nil {
		return
	}
	put.times = append(put.times, now)
	if len(put.times) == *watchers {
		close(put.all)
	}
}

func (b *board) put(where *httpTarget) (result, error) {
	one, err := where.open()
	if err != nil {
		return result{}, err
	}
	defer one.connection.Close()
	number := time.Now().UnixNano()
	heard := &reached{all: make(chan struct{})}
	b.lock.Lock()
	b.waiting[fmt.Sprint(number)] = heard
	b.lock.Unlock()
	begun := time.Now()
	if err := one.put(0, valueOf(number)); err != nil {
		return result{}, err
	}
	select {
	case <-heard.all:
	case <-time.After(30 * time.Second):
		b.lock.Lock()
		defer b.lock.Unlock()
		return result{}, fmt.Errorf("%d of %d watchers heard of the put", len(heard.times), *watchers)
	}
	taken := make([]time.Duration, len(heard.times))
	for i, at := range heard.times {
		taken[i] = at.Sub(begun)
	}
	return summary(taken, time.Since(begun)), nil
}
