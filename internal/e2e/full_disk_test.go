//go:build linux

package e2e

import (
	"context"
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"crier/internal/admin"
)

// room sets how far into any file a process may write, in bytes. It is what a full disk is to the process, needs no
// privilege, and can be taken back. The Go runtime ignores the SIGXFSZ that comes with it.
func room(t *testing.T, p *process, bytes uint64) {
	t.Helper()
	limit := syscall.Rlimit{Cur: bytes, Max: ^uint64(0)}
	_, _, errno := syscall.RawSyscall6(syscall.SYS_PRLIMIT64, uintptr(p.cmd.Process.Pid), rlimitFsize, uintptr(unsafe.Pointer(&limit)), 0, 0, 0)
	if errno != 0 {
		t.Fatal("limit the daemon's files: ", errno)
	}
}

const (
	rlimitFsize = 1 // RLIMIT_FSIZE
	noRoom      = 4096
	allRoom     = ^uint64(0)
)

// TestDiskFull takes the room away while a post is under way. Nothing is acknowledged that is not stored, the post is
// not sent again and again, and all goes on when there is room, without a restart.
func TestDiskFull(t *testing.T) {
	w := newWorld(t)
	v := newVictim(t, w)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	v.firstLife(ctx, w)
	p := v.start()
	w.peer.AddActor("bob")
	w.blog.serve(feedOf(1), "application/rss+xml")
	if err := v.poll(ctx); err != nil {
		t.Fatal(err)
	}
	v.everythingArrived(ctx, w, 1)
	v.delivered(ctx)                                        // the changed profile, too, so that the next POST is a post
	w.peer.OnRequest(onPost(func() { room(t, p, noRoom) })) // it arrives, and that cannot be stored
	w.blog.serve(feedOf(2), "application/rss+xml")
	if err := v.poll(ctx); err != nil {
		t.Fatal(err)
	}
	v.everythingArrived(ctx, w, 2)
	w.peer.OnRequest(nil)

	// A follow is not taken, and its server is told to come again.
	status, header, err := w.sendFollow(ctx, "bob")
	if err != nil || status != http.StatusServiceUnavailable || header.Get("Retry-After") == "" {
		t.Fatalf("a follow on a full disk: %d %v %v", status, header, err)
	}
	if status, _ := v.get(ctx, w, "/readyz"); status != http.StatusServiceUnavailable {
		t.Errorf("readyz says %d", status)
	}
	if status, _ := v.get(ctx, w, "/posts/blog.example/2/"); status != http.StatusOK {
		t.Errorf("the post answers %d", status)
	}
	w.blog.serve(feedOf(3), "application/rss+xml")
	if c, err := admin.Dial(v.dir); err != nil {
		t.Error(err)
	} else if r, err := c.PollNow(ctx, admin.PollRequest{}); err == nil && r.Feeds[0].Error == "" {
		t.Error("a poll that cannot be stored is said to be good")
	}

	room(t, p, allRoom)
	look := time.NewTicker(50 * time.Millisecond)
	defer look.Stop()
	for status := 0; status != http.StatusOK; <-look.C {
		status, err = v.get(ctx, w, "/readyz")
		if err != nil {
			t.Fatal("it does not recover: ", err)
		}
	}
	if _, err := w.peer.Follow(ctx, "bob", crierActor); err != nil {
		t.Fatal(err)
	}
	if err := v.poll(ctx); err != nil {
		t.Fatal(err)
	}
	v.everythingArrived(ctx, w, 3)
	v.delivered(ctx)
	for post, ids := range creates(w.peer) {
		for id, times := range ids {
			if len(ids) != 1 || times > 2 {
				t.Errorf("%s came %d times as %s, %d ids", post, times, id, len(ids))
			}
		}
	}
	p.kill()
	p.gone()
	if words := p.errors.String(); strings.Count(words, "cannot be written") != 1 || !strings.Contains(words, "make room") {
		t.Errorf("the log does not say once what to do:\n%s", words)
	}
	v.judge(w, 3, []string{"alice", "bob"})
}

// get asks the daemon for a path, as ActivityPub.
func (v *victim) get(ctx context.Context, w *world, path string) (int, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+w.cfg.Listen+path, nil)
	if err != nil {
		return 0, err
	}
	r.Host = "fedi.example"
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode, err
}

// sendFollow sends a Follow to the shared inbox and returns the answer.
func (w *world) sendFollow(ctx context.Context, user string) (int, http.Header, error) {
	status, _, err := w.peer.Send(ctx, user, w.cfg.BaseURL+"/inbox", map[string]any{
		"@context": "https://www.w3.org/ns/activitystreams", "id": "http://peer.example/follows/full", "type": "Follow",
		"actor": "http://peer.example/users/" + user, "object": crierActor,
	})
	return status, w.heard.header(), err
}
