package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
)

// newSink listens for plain http like newHosts, but reads no more of a request than where it ends: the receiving side
// shares the cores with the daemon that is measured, and in the world it is somebody else's computer.
func newSink() (*hosts, error) {
	l, err := net.Listen("tcp4", "0.0.0.0:0")
	if err != nil {
		return nil, err
	}
	h := &hosts{scheme: "http", listener: l}
	_, h.port, _ = net.SplitHostPort(l.Addr().String())
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			h.opened.Add(1)
			go h.swallow(c)
		}
	}()
	return h, nil
}

// swallow takes what comes over one connection.
func (h *hosts) swallow(c net.Conn) {
	defer c.Close()
	number := h.numberOf(c.LocalAddr().String())
	r := bufio.NewReaderSize(c, 8<<10)
	for {
		if err := skipRequest(r); err != nil {
			return
		}
		if _, err := io.WriteString(c, "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n"); err != nil {
			return
		}
		h.arrives(number)
	}
}

// skipRequest reads one request with a Content-Length.
func skipRequest(r *bufio.Reader) error {
	length := -1
	for {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return err
		}
		line = bytes.TrimRight(line, "\r\n")
		if len(line) == 0 {
			break
		}
		if value, ok := bytes.CutPrefix(line, []byte("Content-Length: ")); ok {
			if length, err = strconv.Atoi(string(value)); err != nil {
				return fmt.Errorf("read the length of a delivery: %w", err)
			}
		}
	}
	if length < 0 {
		return errors.New("a delivery has no length")
	}
	_, err := r.Discard(length)
	return err
}
