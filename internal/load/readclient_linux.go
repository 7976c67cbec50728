package main

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unsafe"
)

// cpuSet names cores, one bit each.
type cpuSet [16]uint64

// affinity reads or sets the cores of the calling thread.
func affinity(call uintptr, set *cpuSet) error {
	if _, _, errno := syscall.RawSyscall(call, 0, unsafe.Sizeof(*set), uintptr(unsafe.Pointer(set))); errno != 0 {
		return fmt.Errorf("the cores of a thread: %w", errno)
	}
	return nil
}

// cpuFine is the processor time that the threads of a process have run, exact to the nanosecond.
func cpuFine(pid int) (sum time.Duration, err error) {
	tasks, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	for _, task := range tasks {
		b, readErr := os.ReadFile(fmt.Sprintf("/proc/%d/task/%s/schedstat", pid, task.Name()))
		ran, _, _ := strings.Cut(string(b), " ")
		n, parseErr := strconv.ParseInt(ran, 10, 64)
		err = errors.Join(err, readErr, parseErr)
		sum += time.Duration(n)
	}
	return sum, err
}

func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// readConn is one connection of the client, with one request under way.
type readConn struct {
	fd   int
	head []byte // of the answer that is being read, as long as it is not whole
	left int    // of its body
}

// readFor sends the same request over kept connections for so long, a new one after each answer, and returns how many
// answers were read. It is one thread with epoll, which costs less than any server takes to answer.
func readFor(address, request string, long time.Duration) (n int, err error) {
	ep, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if err != nil {
		return 0, err
	}
	defer syscall.Close(ep)
	conns := map[int32]*readConn{}
	defer func() {
		for _, c := range conns {
			_ = syscall.Close(c.fd)
		}
	}()
	asked := []byte(request)
	for range readConns {
		fd, err := connect(address)
		if err != nil {
			return 0, err
		}
		conns[int32(fd)] = &readConn{fd: fd}
		event := syscall.EpollEvent{Events: syscall.EPOLLIN, Fd: int32(fd)}
		if err := syscall.EpollCtl(ep, syscall.EPOLL_CTL_ADD, fd, &event); err != nil {
			return 0, err
		}
		if _, err := syscall.Write(fd, asked); err != nil {
			return 0, err
		}
	}
	events := make([]syscall.EpollEvent, readConns)
	buffer := make([]byte, 64<<10)
	for end := time.Now().Add(long); time.Now().Before(end); {
		ready, err := syscall.EpollWait(ep, events, 1000)
		if err != nil && !errors.Is(err, syscall.EINTR) {
			return 0, err
		}
		for i := range max(ready, 0) {
			c := conns[events[i].Fd]
			done, err := c.read(buffer)
			if err != nil {
				return 0, err
			}
			if !done {
				continue
			}
			n++
			if _, err := syscall.Write(c.fd, asked); err != nil {
				return 0, err
			}
		}
	}
	return n, nil
}

func connect(address string) (int, error) {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return 0, err
	}
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, err
	}
	err = errors.Join(
		syscall.SetsockoptInt(fd, syscall.IPPROTO_TCP, syscall.TCP_NODELAY, 1),
		syscall.Connect(fd, &syscall.SockaddrInet4{Port: int(at.Port()), Addr: at.Addr().As4()}),
	)
	return fd, err
}

// read takes what has come, and reports whether the answer is whole.
func (c *readConn) read(buffer []byte) (done bool, err error) {
	n, err := syscall.Read(c.fd, buffer)
	if err != nil || n == 0 {
		return false, errors.Join(err, errors.New("the connection ended"))
	}
	got := buffer[:n]
	if c.left == 0 { // the header
		c.head = append(c.head, got...)
		end := bytes.Index(c.head, []byte("\r\n\r\n"))
		if end < 0 {
			return false, nil
		}
		length, err := lengthOf(c.head[:end])
		if err != nil {
			return false, err
		}
		c.left, got = length, c.head[end+4:]
		c.head = c.head[:0]
	}
	if len(got) > c.left {
		return false, errors.New("more came than was announced")
	}
	c.left -= len(got)
	return c.left == 0, nil
}

// lengthOf is the length of the body that a header announces; it must be that of a 200.
func lengthOf(head []byte) (int, error) {
	if !bytes.HasPrefix(head, []byte("HTTP/1.1 200 ")) {
		return 0, fmt.Errorf("the answer is %q", bytes.SplitN(head, []byte("\r\n"), 2)[0])
	}
	name := []byte("\r\nContent-Length: ")
	at := bytes.Index(head, name)
	if at < 0 {
		return 0, errors.New("the answer announces no length")
	}
	digits := head[at+len(name):]
	if end := bytes.IndexByte(digits, '\r'); end >= 0 {
		digits = digits[:end]
	}
	return strconv.Atoi(string(digits))
}
