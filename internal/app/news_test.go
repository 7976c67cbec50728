package app

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"image"
	"image/png"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"crier/internal/fedtest"
)

// hub is a WebSub hub with one subscriber.
type hub struct {
	w *world

	mu       sync.Mutex
	callback string
	secret   string
	verified bool
}

// ServeHTTP takes a subscription and verifies at once that it is meant.
func (h *hub) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil || r.PostForm.Get("hub.mode") != "subscribe" {
		http.Error(rw, "subscribe", http.StatusBadRequest)
		return
	}
	h.mu.Lock()
	h.callback, h.secret = r.PostForm.Get("hub.callback"), r.PostForm.Get("hub.secret")
	h.mu.Unlock()
	rw.WriteHeader(http.StatusAccepted)
	go h.verify(r.PostForm.Get("hub.topic"))
}

func (h *hub) verify(topic string) {
	q := url.Values{"hub.mode": {"subscribe"}, "hub.topic": {topic}, "hub.challenge": {"a challenge"}, "hub.lease_seconds": {"864000"}}
	resp, err := (&http.Client{Transport: h.w.transport()}).Get(h.address() + "?" + q.Encode())
	if err != nil {
		return
	}
	defer resp.Body.Close()
	b, _ := io.ReadAll(resp.Body)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.verified = resp.StatusCode == http.StatusOK && string(b) == "a challenge"
}

func (h *hub) address() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.callback
}

func (h *hub) subscribed() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.verified
}

// push tells of news and returns the status.
func (h *hub) push(body string) int {
	h.w.t.Helper()
	req, err := http.NewRequestWithContext(h.w.t.Context(), http.MethodPost, h.address(), strings.NewReader(body))
	must(h.w.t, err)
	h.mu.Lock()
	secret := h.secret
	h.mu.Unlock()
	if secret != "" {
		mac := hmac.New(sha256.New, []byte(secret))
		_, _ = mac.Write([]byte(body))
		req.Header.Set("X-Hub-Signature", "sha256="+hex.EncodeToString(mac.Sum(nil)))
	}
	return h.w.do(req).StatusCode
}

func channelWithHub(items string) string {
	return `<atom:link rel="hub" href="http://hub.test/"/><atom:link rel="self" href="http://blog.test/index.xml"/>` + items
}

func rssItem(slug, day, more string) string {
	return fmt.Sprintf(`<item><title>%s</title><link>http://blog.test/%s/</link><guid>http://blog.test/%s/</guid><pubDate>%s Jan 2026 10:00:00 GMT</pubDate>%s</item>`,
		slug, slug, slug, day, more)
}

// TestHubTellsOfNews: crier subscribes at the hub that the feed names, is verified, and a push brings a new entry to
// the followers although the next poll is an hour away.
func TestHubTellsOfNews(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	h := &hub{w: w}
	w.host("hub.test", h)
	w.blog.raw(channelWithHub(rssItem("first", "05", "")))
	w.start()
	w.follow(w.b, "bob")
	w.eventually("the subscription", h.subscribed)
	w.eventually("the state in status", func() bool {
		s, err := w.daemon.Ops().Status(t.Context())
		must(t, err)
		return s.Feeds[0].Hub == "http://hub.test/" && s.Feeds[0].Push == "active"
	})
	w.restart()
	w.blog.raw(channelWithHub(rssItem("second", "06", "") + rssItem("first", "05", "")))
	if got := h.push("<rss/>"); got/100 != 2 {
		t.Errorf("the push is answered with %d", got)
	}
	w.until(w.b, "the pushed entry", func() bool { return len(w.got(w.b, "Create")) == 1 })
}

// TestOwnerIsTold: entries that are held are told of where the owner reads it, and not again after a restart.
func TestOwnerIsTold(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	told := make(chan string, 10)
	w.host("notice.test", http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		told <- string(b)
	}))
	w.top = `notice_url = "http://notice.test/topic"`
	w.feed = "max_new = 1"
	w.blog.raw(rssItem("first", "05", ""))
	w.start()
	w.eventually("the first poll", func() bool { return w.status(postBase+"first/") == http.StatusOK })
	undated := `<item><title>%[1]s</title><link>http://blog.test/%[1]s/</link></item>`
	w.blog.raw(fmt.Sprintf(undated+strings.ReplaceAll(undated, "[1]", "[2]"), "x", "y") + rssItem("first", "05", ""))
	w.poll()
	select {
	case text := <-told:
		for _, want := range []string{"2", "crier poll --release", "crier poll --discard"} {
			if !strings.Contains(text, want) {
				t.Errorf("no %q in %q", want, text)
			}
		}
	case <-time.After(patience):
		t.Fatal("the owner was not told")
	}
	s, err := w.daemon.Ops().Status(t.Context())
	must(t, err)
	if s.Feeds[0].Held != 2 {
		t.Errorf("%d held", s.Feeds[0].Held)
	}
	w.restart()
	w.halt()
	if len(told) > 0 {
		t.Errorf("told again: %q", <-told)
	}
}

// noteOf returns what a peer was sent about a post.
func noteOf(t *testing.T, w *world, s *fedtest.Server, object string) map[string]any {
	t.Helper()
	for _, a := range w.got(s, "Create") {
		if a.Object != object {
			continue
		}
		var v struct{ Object map[string]any }
		must(t, json.Unmarshal(a.Body, &v))
		return v.Object
	}
	t.Fatalf("%s did not get %s", s.BaseURL(), object)
	return nil
}

// TestPicturesAndRules: a picture without an extension is looked at before the post goes out, and the owner's rules
// decide what becomes of entries.
func TestPicturesAndRules(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.feed = `
[[feed.rule]]
category = "Private"
skip = true
[[feed.rule]]
path = "/food*"
warning = "Food"
visibility = "unlisted"
hashtags = ["cake"]
`
	w.blog.put("/cat", func(rw http.ResponseWriter, _ *http.Request) {
		var b bytes.Buffer
		_ = png.Encode(&b, image.NewGray(image.Rect(0, 0, 80, 60)))
		_, _ = rw.Write(b.Bytes())
	})
	w.blog.raw(rssItem("first", "05", ""))
	w.start()
	w.follow(w.b, "bob")
	w.eventually("the first poll", func() bool { return w.status(postBase+"first/") == http.StatusOK })
	w.blog.raw(rssItem("food", "09", `<description>&lt;p&gt;Cake&lt;/p&gt;&lt;img src="/cat" alt="A cat"&gt;&lt;img src="/missing" alt="Nothing"&gt;</description>`) +
		rssItem("secret", "08", "<category>private</category>") + rssItem("first", "05", ""))
	w.poll()
	w.until(w.b, "the entry", func() bool { return len(w.got(w.b, "Create")) == 1 })
	note := noteOf(t, w, w.b, postBase+"food/")
	if note["summary"] != "Food" || fmt.Sprint(note["cc"]) != "[https://www.w3.org/ns/activitystreams#Public]" {
		t.Errorf("the rule was not heeded: summary %v, cc %v", note["summary"], note["cc"])
	}
	if got := fmt.Sprint(note["tag"]); !strings.Contains(got, "#cake") {
		t.Errorf("tags %s", got)
	}
	list, _ := note["attachment"].([]any)
	if len(list) != 1 {
		t.Fatalf("attachments %v", note["attachment"])
	}
	cat, _ := list[0].(map[string]any)
	if cat["mediaType"] != "image/png" || cat["width"] != 80.0 || cat["height"] != 60.0 || cat["name"] != "A cat" || cat["blurhash"] == nil {
		t.Errorf("the picture is %v", cat)
	}
	s, err := w.daemon.Ops().Status(t.Context())
	must(t, err)
	if s.Feeds[0].Skipped != 1 || w.status(postBase+"secret/") != http.StatusNotFound {
		t.Errorf("%d skipped; the skipped entry's post answers %d", s.Feeds[0].Skipped, w.status(postBase+"secret/"))
	}
}
