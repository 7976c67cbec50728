package websub

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"

	"crier/store"
)

const (
	requestTimeout = 20 * time.Second // for one request with its redirects; some hubs verify before they answer
	maxRedirects   = 3
	maxAnswer      = 1 << 10 // bytes of a hub's answer that are read
	maxReason      = 200     // bytes of a hub's words that are kept
)

// refusal is a hub's answer that says no for good. Its text is for the owner.
type refusal struct{ text string }

func (e *refusal) Error() string { return e.text }

// checkRedirect lets a hub send us to another one, which it does with 307 or 308 (§5.1.2). Other redirects would
// turn the request into a GET, and one from https to http would betray the secret.
func checkRedirect(next *http.Request, via []*http.Request) error {
	status := next.Response.StatusCode
	if status != http.StatusTemporaryRedirect && status != http.StatusPermanentRedirect {
		return http.ErrUseLastResponse
	}
	if len(via) > maxRedirects {
		return fmt.Errorf("more than %d redirects", maxRedirects)
	}
	if via[0].URL.Scheme == "https" && next.URL.Scheme != "https" {
		return errors.New("it redirects from https to plain http")
	}
	return nil
}

// subscribe asks the hub for the subscription, or for more time. Nil means that the hub will verify the request.
func (s *Subscriber) subscribe(ctx context.Context, sub store.Subscription) error {
	form := s.form("subscribe", sub)
	form.Set("hub.lease_seconds", strconv.Itoa(int(askedLease/time.Second)))
	if sub.Secret != "" {
		form.Set("hub.secret", sub.Secret)
	}
	return s.post(ctx, sub.Hub, form)
}

// unsubscribe asks the hub to end the subscription.
func (s *Subscriber) unsubscribe(ctx context.Context, sub store.Subscription) error {
	return s.post(ctx, sub.Hub, s.form("unsubscribe", sub))
}

func (s *Subscriber) form(mode string, sub store.Subscription) url.Values {
	return url.Values{
		"hub.mode":     {mode},
		"hub.topic":    {sub.Topic},
		"hub.callback": {sub.Base + callbackPath + sub.Path},
	}
}

// post sends a form to a hub. A *refusal is an answer that asking again would not change.
func (s *Subscriber) post(ctx context.Context, hub string, form url.Values) error {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, hub, strings.NewReader(form.Encode()))
	if err != nil {
		return &refusal{"the hub's address is not usable"}
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("User-Agent", s.cfg.UserAgent)
	resp, err := s.hubs.Do(req)
	if err != nil {
		return explain(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode/100 == 2 {
		return nil
	}
	// What cannot be read of the body is only an explanation less.
	said, _ := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	text := fmt.Sprintf("the hub answers %d %s", resp.StatusCode, http.StatusText(resp.StatusCode))
	if words := oneLine(string(said), maxReason); words != "" {
		text += ": " + words
	}
	if final(resp.StatusCode) {
		return &refusal{text}
	}
	return errors.New(text)
}

// final tells whether a status says no for good (§5.1.2: 4xx is an error of the request).
func final(status int) bool {
	return status/100 == 4 && status != http.StatusRequestTimeout && status != http.StatusTooManyRequests
}

// explain says why there was no answer, without the address, which stands beside it anyway.
func explain(err error) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("the hub did not answer within %v", requestTimeout)
	}
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err
	}
	return fmt.Errorf("the hub cannot be asked: %w", err)
}

// printable replaces what must not get into a log.
func printable(r rune) rune {
	if !unicode.IsPrint(r) {
		return ' '
	}
	return r
}
