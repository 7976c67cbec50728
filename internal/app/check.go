package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"crier/federation"
	"crier/internal/config"
	"crier/internal/netguard"
)

// CheckState is what was found of one thing.
type CheckState string

// What can be found.
const (
	CheckOK    CheckState = "ok"
	CheckNote  CheckState = "note"  // worth knowing; nothing has to be done
	CheckWarn  CheckState = "warn"  // works, but not as well as it could; or it cannot be told
	CheckWrong CheckState = "wrong" // somebody will not get something
)

// CheckItem is what was found of one thing.
type CheckItem struct {
	Subject string     `json:"subject"` // "feed https://example.com/index.xml"
	State   CheckState `json:"state"`
	Text    string     `json:"text"`
	Mend    string     `json:"mend"` // what to do about it; empty where there is nothing to do
}

// CheckOptions are what an examination needs beside the configuration.
type CheckOptions struct {
	Log      *slog.Logger
	Version  string
	Warnings []config.Warning // of the configuration
}

const (
	checkTimeout  = 10 * time.Second // for one question
	checkMax      = 1 << 20          // bytes that are read of an answer
	checkMostHops = 3                // redirects that are followed where servers of the fediverse follow some, too
)

// Check examines a set-up from end to end, from here and as others see it, and hands each finding to found, in an
// order in which they can be read and mended, as soon as it and all before it are known. It changes nothing, and
// works with a daemon or without one.
func Check(ctx context.Context, cfg *config.Config, o CheckOptions, found func(CheckItem)) {
	c := newChecker(cfg, o)
	for _, it := range c.here(ctx) {
		found(it)
	}
	looks := []func(context.Context) []CheckItem{c.base, c.handle, c.former}
	looks = append(looks, c.pictures()...)
	looks = append(looks, c.feeds()...)
	looks = append(looks, c.fields()...)
	answers := make([]chan []CheckItem, len(looks))
	var all sync.WaitGroup
	for i, look := range looks {
		answers[i] = make(chan []CheckItem, 1)
		all.Go(func() { answers[i] <- look(ctx) })
	}
	for _, a := range answers {
		for _, it := range <-a {
			found(it)
		}
	}
	all.Wait()
	for _, it := range c.clock() {
		found(it)
	}
}

// checker is one examination.
type checker struct {
	cfg   *config.Config
	o     CheckOptions
	ids   federation.IDs
	guard *netguard.Guard
	own   http.RoundTripper // to our own public address, as strictly as to other servers
	world http.RoundTripper // to all others, the hosts of the blog included
	local local
	skews skews
}

func newChecker(cfg *config.Config, o CheckOptions) *checker {
	c := &checker{
		cfg: cfg, o: o, guard: newGuard(cfg, ""),
		ids: federation.NewIDs(cfg.BaseURL, cfg.Account.Handle.User),
	}
	to := toOurselves(cfg)
	c.own = c.noting(c.guard.Transport(to))
	to.HTTPSOnly = false
	for _, f := range cfg.Feeds {
		if place := f.HostPort(); place != "" {
			to.Trust = append(to.Trust, place)
		}
	}
	c.world = c.noting(c.guard.Transport(to))
	return c
}

// ours asks our own public address. It follows no redirect, since a post to an inbox would not either.
func (c *checker) ours() asker { return asker{c: c, transport: c.own} }

// others asks everybody else.
func (c *checker) others() asker { return asker{c: c, transport: c.world, hops: checkMostHops} }

// asker makes requests.
type asker struct {
	c         *checker
	transport http.RoundTripper
	hops      int // redirects that are followed
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   []byte
	url    *url.URL // where it came from in the end
	hops   int      // redirects on the way
}

// kind is the media type, without parameters.
func (a answer) kind() string {
	kind, _, _ := strings.Cut(a.header.Get("Content-Type"), ";")
	return strings.ToLower(strings.TrimSpace(kind))
}

// elsewhere tells that the answer sends to another address, and to which.
func (a answer) elsewhere() (string, bool) {
	return a.header.Get("Location"), a.status >= 300 && a.status < 400 && a.status != http.StatusNotModified
}

func (q asker) get(ctx context.Context, address, accept string) (answer, error) {
	return q.do(ctx, http.MethodGet, address, accept, "")
}

// do makes one request. The error is fit to stand behind the address.
func (q asker) do(ctx context.Context, method, address, accept, body string) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(body))
	if err != nil {
		return answer{}, fmt.Errorf("ask %s: %w", address, err)
	}
	req.Header.Set("Accept", accept)
	req.Header.Set("User-Agent", userAgent(q.c.cfg, q.c.o.Version))
	if body != "" {
		req.Header.Set("Content-Type", "application/activity+json")
	}
	hops := 0
	client := &http.Client{Transport: q.transport, CheckRedirect: func(_ *http.Request, via []*http.Request) error {
		if len(via) > q.hops {
			return http.ErrUseLastResponse
		}
		hops = len(via)
		return nil
	}}
	resp, err := client.Do(req)
	if err != nil {
		return answer{}, askError(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, checkMax))
	if err != nil {
		return answer{}, askError(err)
	}
	return answer{status: resp.StatusCode, header: resp.Header, body: b, url: resp.Request.URL, hops: hops}, nil
}

// askError says why there is no answer, without the address, which stands beside it.
func askError(err error) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("does not answer within %v", checkTimeout)
	}
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err
	}
	if refused, ok := errors.AsType[*netguard.RefusedError](err); ok {
		return &netguard.RefusedError{Reason: refused.Reason}
	}
	if dns, ok := errors.AsType[*net.DNSError](err); ok {
		if dns.IsNotFound {
			return fmt.Errorf("the name %s is not known (DNS)", dns.Name)
		}
		return fmt.Errorf("the name %s cannot be looked up: %s", dns.Name, dns.Err)
	}
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "dial" && op.Addr != nil {
		return fmt.Errorf("nobody answers at %s: %w", op.Addr, op.Err)
	}
	return err
}

// unasked is the finding about something that gave no answer. What crier itself refused to ask may still be well:
// others may see another address.
func unasked(subject, address string, err error, mend string) CheckItem {
	if refused, ok := errors.AsType[*netguard.RefusedError](err); ok {
		return CheckItem{subject, CheckWarn, "cannot be looked at from here: " + refused.Reason, ""}
	}
	return CheckItem{subject, CheckWrong, address + ": " + err.Error(), mend}
}

// showStatus is a status as people know it: "404 Not Found".
func showStatus(code int) string {
	return strings.TrimSpace(fmt.Sprintf("%d %s", code, http.StatusText(code)))
}
