package federation

import (
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"crier/store"
)

// BenchmarkDelivery sends one post to a hundred inboxes on as many hosts, over plain http with kept
// connections, through queue, signature and store. It prints the processor time of a delivery beside that
// of one bare RSA-2048 signature, which is its floor, measured in the same run.
func BenchmarkDelivery(b *testing.B) {
	const hosts = 100
	var arrived atomic.Int64
	wave := make(chan struct{}, 1)
	peer := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(http.StatusAccepted)
		if arrived.Add(1)%hosts == 0 {
			wave <- struct{}{}
		}
	}))
	defer peer.Close()
	db, err := store.Open(filepath.Join(b.TempDir(), "crier.db"), store.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	toPeer := &http.Transport{MaxIdleConnsPerHost: hosts, DialContext: dialOnly(peer.Listener.Addr().String())}
	c := testConfig(db, toPeer, slog.New(slog.DiscardHandler))
	c.AllowHTTP = true
	s := New(c)
	for i := range hosts {
		actor := fmt.Sprintf("http://h%d.example/users/u", i)
		f := store.Follower{Actor: actor, Inbox: actor + "/inbox", Since: time.Now(), State: store.FollowerAccepted}
		if _, err := db.AddFollower(time.Now(), store.Follow{Follower: f}); err != nil {
			b.Fatal(err)
		}
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.RunDeliverer(ctx) }()

	signature := bareSignature(b, c.Key)
	begin := processorTime(b)
	for i := 0; b.Loop(); i++ {
		key := fmt.Sprintf("example.com/%d/", i)
		e := store.Entry{
			Key: key, Feed: testFeed, URL: "https://" + key, Title: "t", Date: time.Now(), Dated: true, Seen: time.Now(),
			State: store.EntryNew, Generation: 1, Todo: store.TodoCreate, Due: time.Now(), Deliver: true,
		}
		put := store.EntryPut{Entry: e, Fields: []byte(`{"title":"t","content":"<p>A text.</p>"}`)}
		if err := db.RecordPoll(store.Poll{Feed: store.Feed{URL: testFeed}, Put: []store.EntryPut{put}}); err != nil {
			b.Fatal(err)
		}
		if _, err := s.PublishDue(ctx); err != nil {
			b.Fatal(err)
		}
		<-wave
	}
	each := float64((processorTime(b) - begin).Nanoseconds()) / float64(b.N*hosts)
	stop()
	if err := <-done; err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(each/1000, "µs-cpu/delivery")
	b.ReportMetric(signature/1000, "µs-cpu/signature")
	b.ReportMetric(each/signature, "signatures/delivery")
}

// dialOnly connects every name to one address.
func dialOnly(address string) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, address)
	}
}

// bareSignature is the processor time of one signature, in nanoseconds.
func bareSignature(b *testing.B, key *rsa.PrivateKey) float64 {
	b.Helper()
	const n = 200
	sum := sha256.Sum256([]byte("text"))
	begin := processorTime(b)
	for range n {
		if _, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, sum[:]); err != nil {
			b.Fatal(err)
		}
	}
	return float64((processorTime(b) - begin).Nanoseconds()) / n
}

// processorTime is what this process has used so far; the receiving side is part of it.
func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
