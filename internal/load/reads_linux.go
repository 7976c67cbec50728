package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"
)

// roleStatic is a bare Go handler that serves three documents: what any program in Go can reach.
const roleStatic = "static"

const (
	readConns  = 16
	readRound  = 400 * time.Millisecond
	readRounds = 7
)

// readDoc is one document that is read.
type readDoc struct {
	name   string
	target string
	as     string // Accept
	file   string // what it is called at the references
}

func readDocs() []readDoc {
	return []readDoc{
		{"actor", "/users/user", "application/activity+json", "/actor"},
		{"WebFinger", "/.well-known/webfinger?resource=acct:" + handle, "application/jrd+json", "/webfinger"},
		{"post", "/posts/blog.example/0/", "application/activity+json", "/post"},
	}
}

// served is a program that answers GETs on one core.
type served struct {
	address string
	pid     int
	target  func(readDoc) string
	rate    map[string][]float64 // requests a second, by document and round
	perCPU  map[string][]float64 // requests a second of its processor time
}

func newServed(address string, pid int, target func(readDoc) string) *served {
	return &served{address: address, pid: pid, target: target, rate: map[string][]float64{}, perCPU: map[string][]float64{}}
}

// measureReads has the daemon, nginx and a bare Go handler serve the same bytes, each alone on the first core, in
// short rounds by turns, to one client on the second.
func measureReads(ctx context.Context, b *bench) (string, error) {
	nginx, err := exec.LookPath("nginx")
	if err != nil {
		return "", errors.New("nginx is not installed")
	}
	if runtime.NumCPU() < 2 {
		return "", errors.New("it takes two cores: one for the server, one for the client")
	}
	d, err := b.newDaemon(nil)
	if err != nil {
		return "", err
	}
	d.env = []string{"GOMAXPROCS=1"}
	if err := onCore(0, func() error { return d.start(ctx) }); err != nil {
		return "", err
	}
	defer d.stop()
	dir, err := d.saveDocs()
	if err != nil {
		return "", err
	}
	static, stopStatic, err := startStatic(ctx, dir)
	if err != nil {
		return "", err
	}
	defer stopStatic()
	proxy, stopNginx, err := startNginx(ctx, nginx, dir)
	if err != nil {
		return "", err
	}
	defer stopNginx()
	crier := newServed(d.address, d.cmd.Process.Pid, func(doc readDoc) string { return doc.target })
	return compareReads(ctx, []*served{crier, proxy, static})
}

// compareReads runs the rounds, and says how the first does beside the others.
func compareReads(ctx context.Context, all []*served) (string, error) {
	for range readRounds {
		for _, doc := range readDocs() {
			for _, s := range all {
				if err := s.round(ctx, doc); err != nil {
					return "", err
				}
			}
		}
	}
	crier, nginx, bare := all[0], all[1], all[2]
	var parts []string
	for _, doc := range readDocs() {
		own := median(crier.perCPU[doc.name])
		parts = append(parts, fmt.Sprintf("%s %.2f (%.2f by CPU; %.2f of a bare Go handler; %.0f/s)", doc.name,
			median(crier.rate[doc.name])/median(nginx.rate[doc.name]), own/median(nginx.perCPU[doc.name]),
			own/median(bare.perCPU[doc.name]), median(crier.rate[doc.name])))
	}
	return strings.Join(parts, ", "), nil
}

func median(list []float64) float64 {
	list = slices.Sorted(slices.Values(list))
	return list[len(list)/2]
}

func (s *served) round(ctx context.Context, doc readDoc) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	request := fmt.Sprintf("GET %s HTTP/1.1\r\nHost: %s\r\nAccept: %s\r\nUser-Agent: load\r\n\r\n",
		s.target(doc), strings.TrimPrefix(baseURL, "http://"), doc.as)
	before, err := cpuFine(s.pid)
	if err != nil {
		return err
	}
	var n int
	began := time.Now()
	if err := onCore(1, func() (err error) { n, err = readFor(s.address, request, readRound); return err }); err != nil {
		return fmt.Errorf("read %s from %s: %w", doc.name, s.address, err)
	}
	took := time.Since(began)
	after, err := cpuFine(s.pid)
	if err != nil {
		return err
	}
	s.rate[doc.name] = append(s.rate[doc.name], float64(n)/took.Seconds())
	s.perCPU[doc.name] = append(s.perCPU[doc.name], float64(n)/(after-before).Seconds())
	return nil
}

// onCore runs f, and whatever processes f starts, on one core.
func onCore(core int, f func() error) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var before cpuSet
	if err := affinity(syscall.SYS_SCHED_GETAFFINITY, &before); err != nil {
		return err
	}
	var only cpuSet
	only[0] = 1 << core
	if err := affinity(syscall.SYS_SCHED_SETAFFINITY, &only); err != nil {
		return err
	}
	return errors.Join(f(), affinity(syscall.SYS_SCHED_SETAFFINITY, &before))
}

// startOn is a process that runs on the first core from its beginning.
func startOn(cmd *exec.Cmd, address string) error {
	cmd.Stderr = os.Stderr
	if err := onCore(0, cmd.Start); err != nil {
		return err
	}
	for range 500 {
		if resp, err := http.Get("http://" + address + "/actor"); err == nil {
			_ = resp.Body.Close()
			return nil
		}
		time.Sleep(10 * time.Millisecond)
	}
	return fmt.Errorf("%s does not answer at %s", cmd.Path, address)
}

func end(cmd *exec.Cmd) {
	_ = cmd.Process.Signal(syscall.SIGTERM)
	_ = cmd.Wait()
}

// saveDocs writes what the daemon serves into files.
func (d *daemon) saveDocs() (dir string, err error) {
	dir = filepath.Join(d.dir, "static")
	if err := os.Mkdir(dir, 0o755); err != nil {
		return "", err
	}
	for _, parent := range []string{d.b.dir, d.dir} { // nginx may read as somebody else
		if err := os.Chmod(parent, 0o755); err != nil {
			return "", err
		}
	}
	for _, doc := range readDocs() {
		body, err := d.document(doc)
		if err != nil {
			return "", err
		}
		if err := os.WriteFile(filepath.Join(dir, doc.file), body, 0o644); err != nil {
			return "", err
		}
	}
	return dir, nil
}

// document gets a document, once it is there: the feed is read when the daemon starts.
func (d *daemon) document(doc readDoc) ([]byte, error) {
	req, err := http.NewRequest(http.MethodGet, "http://"+d.address+doc.target, nil)
	if err != nil {
		return nil, err
	}
	req.Host = strings.TrimPrefix(baseURL, "http://")
	req.Header.Set("Accept", doc.as)
	for range 500 {
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return nil, err
		}
		body, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err != nil || resp.StatusCode == http.StatusOK {
			return body, err
		}
		time.Sleep(10 * time.Millisecond)
	}
	return nil, fmt.Errorf("%s is not there", doc.target)
}

func startNginx(ctx context.Context, program, dir string) (*served, func(), error) {
	address, err := freeAddress()
	if err != nil {
		return nil, nil, err
	}
	conf := filepath.Join(dir, "nginx.conf")
	text := fmt.Sprintf(`daemon off; master_process off; worker_processes 1; pid %[1]s/pid; error_log stderr error;
events { worker_connections 512; }
http {
	access_log off; sendfile on; tcp_nopush on; keepalive_requests 100000000;
	client_body_temp_path %[1]s/t1; proxy_temp_path %[1]s/t2; fastcgi_temp_path %[1]s/t3; uwsgi_temp_path %[1]s/t4; scgi_temp_path %[1]s/t5;
	default_type application/activity+json;
	server { listen %[2]s; root %[1]s; }
}
`, dir, address)
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		return nil, nil, err
	}
	cmd := exec.CommandContext(ctx, program, "-c", conf, "-p", dir)
	if err := startOn(cmd, address); err != nil {
		return nil, nil, err
	}
	return newServed(address, cmd.Process.Pid, func(doc readDoc) string { return doc.file }), func() { end(cmd) }, nil
}

func startStatic(ctx context.Context, dir string) (*served, func(), error) {
	address, err := freeAddress()
	if err != nil {
		return nil, nil, err
	}
	program, err := os.Executable()
	if err != nil {
		return nil, nil, err
	}
	cmd := exec.CommandContext(ctx, program, address, dir)
	cmd.Env = append(os.Environ(), "GOMAXPROCS=1", roleVariable+"="+roleStatic)
	if err := startOn(cmd, address); err != nil {
		return nil, nil, err
	}
	return newServed(address, cmd.Process.Pid, func(doc readDoc) string { return doc.file }), func() { end(cmd) }, nil
}

// runStatic serves the files of a folder from memory, with the header that a document needs.
func runStatic(ctx context.Context) error {
	address, dir := os.Args[1], os.Args[2]
	mux := http.NewServeMux()
	for _, doc := range readDocs() {
		body, err := os.ReadFile(filepath.Join(dir, doc.file))
		if err != nil {
			return err
		}
		mux.HandleFunc(doc.file, func(w http.ResponseWriter, _ *http.Request) {
			h := w.Header()
			h.Set("Content-Type", "application/activity+json")
			h.Set("Content-Length", fmt.Sprint(len(body)))
			h.Set("ETag", `"0123456789abcdef"`)
			_, _ = w.Write(body)
		})
	}
	srv := &http.Server{Addr: address, Handler: mux}
	context.AfterFunc(ctx, func() { _ = srv.Close() })
	if err := srv.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
