package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
)

// Windlass, or a bare server with the same paths. A client writes HTTP/1.1 by hand and reads no more of an answer than it must, so
// that on a small machine the load takes little from what is measured.
type httpTarget struct {
	address string
	token   string
	// 0: much.
	readerBytes int
}

const readerBytes = 64 * 1024

type httpClient struct {
	*httpTarget
	connection net.Conn
	reader     *bufio.Reader
}

const nodes = "/apis/windlass.dev/v1/nodes"

func (t *httpTarget) open() (*httpClient, error) {
	connection, err := net.Dial("tcp", t.address)
	if err != nil {
		return nil, err
	}
	return &httpClient{t, connection, bufio.NewReaderSize(connection, t.bytes())}, nil
}

func (t *httpTarget) bytes() int {
	if t.readerBytes > 0 {
		return t.readerBytes
	}
	return readerBytes
}

func (t *httpTarget) client() (client, error)   { return t.open() }
func (t *httpTarget) watcher() (watcher, error) { return t.open() }

func name(key int) string { return fmt.Sprintf("bench-%d", key) }

func (c *httpClient) put(key int, value string) error {
	body := `{"apiVersion":"windlass.dev/v1","kind":"Node","metadata":{"name":"` + name(key) + `","annotations":{"value":"` + value +
		`"}},"spec":{"address":"tcp://127.0.0.1:2375"}}`
	status, err := c.ask("PUT", nodes+"/"+name(key), body)
	if err == nil && status == 404 {
		status, err = c.ask("POST", nodes, body)
	}
	if err == nil && status != 200 && status != 201 {
		err = fmt.Errorf("put answered %d", status)
	}
	return err
}

func (c *httpClient) get(key int) error {
	status, err := c.ask("GET", nodes+"/"+name(key), "")
	if err == nil && status != 200 {
		err = fmt.Errorf("get answered %d", status)
	}
	return err
}

func (c *httpClient) send(method, path, body string) error {
	request := method + " " + path + " HTTP/1.1\r\nHost: " + c.address + "\r\nAuthorization: Bearer " + c.token + "\r\n"
	if body != "" {
		request += "Content-Type: application/json\r\nContent-Length: " + strconv.Itoa(len(body)) + "\r\n"
	}
	_, err := io.WriteString(c.connection, request+"\r\n"+body)
	return err
}

// The status, and the length of the body; -1 where it is chunked.
func (c *httpClient) head() (status int, length int, err error) {
	line, err := c.reader.ReadString('\n')
	if err != nil {
		return 0, 0, err
	}
	if len(line) < 12 {
		return 0, 0, fmt.Errorf("no status line: %q", line)
	}
	status, err = strconv.Atoi(line[9:12])
	if err != nil {
		return 0, 0, err
	}
	for {
		line, err = c.reader.ReadString('\n')
		if err != nil {
			return 0, 0, err
		}
		if line == "\r\n" {
			return status, length, nil
		}
		field, value, _ := strings.Cut(line, ":")
		switch strings.ToLower(field) {
		case "content-length":
			length, err = strconv.Atoi(strings.TrimSpace(value))
			if err != nil {
				return 0, 0, err
			}
		case "transfer-encoding":
			length = -1
		}
	}
}

func (c *httpClient) ask(method, path, body string) (int, error) {
	if err := c.send(method, path, body); err != nil {
		return 0, err
	}
	status, length, err := c.head()
	if err != nil {
		return 0, err
	}
	if length >= 0 {
		_, err = c.reader.Discard(length)
		return status, err
	}
	_, err = io.Copy(io.Discard, &chunks{reader: c.reader})
	return status, err
}

type event struct {
	Type   string
	Object struct {
		Metadata struct{ Annotations map[string]string }
	}
}

// From the newest state on: an answer to the request comes only when the watch is there.
func (c *httpClient) watch(seen func(string)) error {
	version, err := c.version()
	if err != nil {
		return err
	}
	return c.watchAt(nodes+"?watch=true&resourceVersion="+version, seen)
}

func (c *httpClient) watchAt(path string, seen func(string)) error {
	if err := c.send("GET", path, ""); err != nil {
		return err
	}
	status, _, err := c.head()
	if err != nil || status != 200 {
		return fmt.Errorf("watch answered %d: %w", status, err)
	}
	go func() {
		lines := bufio.NewReaderSize(&chunks{reader: c.reader}, c.bytes())
		for {
			line, err := lines.ReadBytes('\n')
			if err != nil {
				return
			}
			var told event
			if json.Unmarshal(line, &told) == nil {
				seen(told.Object.Metadata.Annotations["value"])
			}
		}
	}()
	return nil
}

func (c *httpClient) version() (string, error) {
	if err := c.send("GET", nodes+"?limit=1", ""); err != nil {
		return "", err
	}
	_, length, err := c.head()
	if err != nil {
		return "", err
	}
	var body []byte
	if length >= 0 {
		body = make([]byte, length)
		_, err = io.ReadFull(c.reader, body)
	} else {
		body, err = io.ReadAll(&chunks{reader: c.reader})
	}
	if err != nil {
		return "", err
	}
	var list struct {
		Metadata struct{ ResourceVersion string }
	}
	err = json.Unmarshal(body, &list)
	return list.Metadata.ResourceVersion, err
}

// The bytes of a chunked body.
type chunks struct {
	reader *bufio.Reader
	left   int
	ended  bool
}

func (c *chunks) Read(into []byte) (int, error) {
	if c.ended {
		return 0, io.EOF
	}
	if c.left == 0 {
		line, err := c.reader.ReadString('\n')
		if err != nil {
			return 0, err
		}
		size, err := strconv.ParseInt(strings.TrimSpace(line), 16, 32)
		if err != nil {
			return 0, err
		}
		if size == 0 {
			c.ended = true
			_, err = c.reader.Discard(2)
			if err == nil {
				err = io.EOF
			}
			return 0, err
		}
		c.left = int(size)
	}
	if len(into) > c.left {
		into = into[:c.left]
	}
	n, err := c.reader.Read(into)
	c.left -= n
	if err == nil && c.left == 0 {
		_, err = c.reader.Discard(2)
	}
	return n, err
}
