package demo

import (
	"bytes"
	"net/http"
	"strings"
	"sync"
	"testing"
)

// watcher is a writer that tells when each of the wanted texts was written, in their order.
type watcher struct {
	want []string
	at   chan string

	mu  sync.Mutex
	all bytes.Buffer
}

func (w *watcher) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.all.Write(b)
	if len(w.want) > 0 && strings.Contains(w.all.String(), w.want[0]) {
		w.at <- w.want[0]
		w.want = w.want[1:]
	}
	return len(b), nil
}

func (w *watcher) text() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.all.String()
}

func loopbackClient(t *testing.T) *http.Client {
	t.Helper()
	tr := &http.Transport{DialContext: dialLoopback}
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr}
}

func press(t *testing.T, address string) {
	t.Helper()
	resp, err := loopbackClient(t).Post(address, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("the button answers %s", resp.Status)
	}
}
