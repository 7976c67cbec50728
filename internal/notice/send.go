package notice

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	sendTimeout = 15 * time.Second
	maxAnswer   = 1 << 10 // bytes of the answer that are read
	maxWords    = 200     // bytes of it that are shown
	maxPause    = 6 * time.Hour

	// stopGrace is how long a message under way may take to end when crier stops. A server that is near has
	// taken it by then, and the owner is not told the same again at the next start. It is less than what crier gives
	// this part for stopping.
	stopGrace = 70 * time.Millisecond
)

// tell sends a message and reports whether it was taken. While the server fails, messages wait together: a minute,
// then longer each time.
func (n *Notifier) tell(ctx context.Context, m message) bool {
	if ctx.Err() != nil || time.Now().Before(n.notUntil) {
		return false
	}
	err := n.send(ctx, m)
	if err == nil {
		n.cfg.Log.Info("the owner was told", "title", m.title)
		n.failures, n.notUntil = 0, time.Time{}
		return true
	}
	if ctx.Err() != nil { // we are stopping: this says nothing about the server
		return false
	}
	n.failures++
	n.notUntil = time.Now().Add(pause(n.failures))
	if n.failures == 1 {
		n.cfg.Log.Warn("the owner cannot be told; it is tried again until it works", "title", m.title, "err", err)
	}
	return false
}

// pause is how long to wait after that many failures in a row.
func pause(failures int) time.Duration {
	return min(time.Minute<<(2*min(failures-1, 8)), maxPause)
}

// send posts one message. No error contains the address.
func (n *Notifier) send(ctx context.Context, m message) error {
	ctx, cancel := withGrace(ctx)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, n.cfg.URL, strings.NewReader(m.text))
	if err != nil {
		return errors.New("notice_url is no usable address")
	}
	req.Header.Set("Content-Type", "text/plain; charset=utf-8")
	req.Header.Set("User-Agent", n.cfg.UserAgent)
	req.Header.Set("Title", m.title)
	req.Header.Set("Tags", m.tag)
	resp, err := n.client.Do(req)
	if err != nil {
		return explain(err, req.URL)
	}
	defer resp.Body.Close()
	// What cannot be read of the body is only an explanation less.
	said, _ := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	switch resp.StatusCode / 100 {
	case 2:
		return nil
	case 3:
		return fmt.Errorf("%s answers %d and names another address; write that one into notice_url", req.URL.Hostname(), resp.StatusCode)
	}
	text := fmt.Sprintf("%s answers %d %s", req.URL.Hostname(), resp.StatusCode, http.StatusText(resp.StatusCode))
	if words := oneLine(string(said), maxWords); words != "" {
		text += ": " + words
	}
	return errors.New(hide(text, req.URL))
}

// withGrace returns a context for one message, which ends a little later than ctx does.
func withGrace(ctx context.Context) (context.Context, context.CancelFunc) {
	own, cancel := context.WithTimeout(context.WithoutCancel(ctx), sendTimeout)
	stop := context.AfterFunc(ctx, func() {
		timer := time.AfterFunc(stopGrace, cancel)
		context.AfterFunc(own, func() { timer.Stop() })
	})
	return own, func() { stop(); cancel() }
}

// explain says why there was no answer. The cause is only quoted, since its own text may hold the address.
func explain(err error, u *url.URL) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("%s did not answer within %v", u.Hostname(), sendTimeout)
	}
	if e, ok := errors.AsType[*url.Error](err); ok {
		err = e.Err
	}
	return errors.New(hide(u.Hostname()+" cannot be reached: "+err.Error(), u))
}

// hide takes out of a text what only the owner may know of an address: its path and its query.
func hide(text string, u *url.URL) string {
	for _, secret := range []string{u.RequestURI(), u.EscapedPath(), u.Path, u.RawQuery} {
		if secret = strings.Trim(secret, "/"); secret != "" {
			text = strings.ReplaceAll(text, secret, "…")
		}
	}
	for part := range strings.FieldsFuncSeq(u.Path+"/"+u.RawQuery, func(r rune) bool { return strings.ContainsRune("/?&=", r) }) {
		if len(part) >= 4 { // shorter ones are no secrets, and words of the text might go with them
			text = strings.ReplaceAll(text, part, "…")
		}
	}
	return text
}
