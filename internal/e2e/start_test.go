package e2e

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// bareServer is the variable that makes the test binary an HTTP server that does nothing else.
const bareServer = "CRIER_E2E_BARE"

func runBare(address string) error {
	return http.ListenAndServe(address, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusOK)
	}))
}

// BenchmarkStart measures how long a daemon with an existing account takes from its start to its first
// answer, beside a bare Go server started in the same run, and what memory it then holds.
func BenchmarkStart(b *testing.B) {
	dir := b.TempDir()
	binary := filepath.Join(dir, "crier")
	build := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", binary, "crier")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		b.Fatalf("build: %v\n%s", err, out)
	}
	if err := os.WriteFile(filepath.Join(dir, "feed.xml"), feedOf(20), 0o600); err != nil {
		b.Fatal(err)
	}
	address := freeAddress(b)
	text := fmt.Sprintf("base_url = \"http://%s\"\nlisten = %q\n[account]\nhandle = \"user@blog.example\"\n[[feed]]\nurl = \"feed.xml\"\n[network]\nallow_http = true\n", address, address)
	file := filepath.Join(dir, "config.toml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		b.Fatal(err)
	}
	daemon := func() *exec.Cmd { return exec.Command(binary, "serve", "--config", file) }
	bare := func() *exec.Cmd {
		c := exec.Command(os.Args[0])
		c.Env = append(os.Environ(), bareServer+"="+address)
		return c
	}
	started(b, daemon(), address) // makes the account
	var ours, theirs time.Duration
	var memory int
	for b.Loop() {
		took, rss := started(b, daemon(), address)
		ours, memory = ours+took, max(memory, rss)
		took, _ = started(b, bare(), address)
		theirs += took
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(ours.Microseconds())/1000/float64(b.N), "ms/start")
	b.ReportMetric(float64(theirs.Microseconds())/1000/float64(b.N), "ms/bare-start")
	b.ReportMetric(ours.Seconds()/theirs.Seconds(), "ratio")
	b.ReportMetric(float64(memory)/1024, "MiB-resident")
}

func freeAddress(b *testing.B) string {
	b.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

// started runs a server until its first answer and stops it. It returns how long that took and the resident
// memory in KiB.
func started(b *testing.B, c *exec.Cmd, address string) (time.Duration, int) {
	b.Helper()
	var errors bytes.Buffer
	c.Stderr = &errors
	begin := time.Now()
	if err := c.Start(); err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for !answers(ctx, address) {
		if ctx.Err() != nil {
			b.Fatal("no answer: ", errors.String())
		}
	}
	took := time.Since(begin)
	rss := resident(c.Process.Pid)
	_ = c.Process.Signal(syscall.SIGTERM)
	_ = c.Wait()
	return took, rss
}

func answers(ctx context.Context, address string) bool {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/users/user", nil)
	if err != nil {
		return false
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(r)
	if err != nil {
		return false
	}
	_ = resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

// resident is the resident memory of a process in KiB, 0 where the system does not tell.
func resident(pid int) int {
	f, err := os.Open(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	defer func() { _ = f.Close() }()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if value, ok := strings.CutPrefix(lines.Text(), "VmRSS:"); ok {
			n, _ := strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(value), " kB"))
			return n
		}
	}
	return 0
}
