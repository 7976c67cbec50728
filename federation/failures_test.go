package federation

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"os"
	"syscall"
	"testing"
)

// TestFailuresAreShort: what the owner reads of a look-up that failed is one line, and says why once.
func TestFailuresAreShort(t *testing.T) {
	const address = "https://a.example/.well-known/webfinger?resource=acct:me@a.example"
	asked := func(err error) error { return &url.Error{Op: "Get", URL: address, Err: err} }
	for want, err := range map[string]error{
		"it answered 404 Not Found":                         &statusError{URL: address, Status: http.StatusNotFound},
		"it answered 530":                                   &statusError{URL: address, Status: 530},
		"no such host":                                      asked(&net.DNSError{Err: "no such host", Name: "a.example", Server: "127.0.0.11:53", IsNotFound: true}),
		"it does not answer in time":                        asked(context.DeadlineExceeded),
		"nobody answers there: connect: connection refused": asked(&net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}),
		"refused: 10.0.0.1 is a private address":            asked(errors.New("https://a.example/.well-known/webfinger: refused: 10.0.0.1 is a private address")),
		"it is not what it claims to be":                    errForeign,
		"only https is allowed":                             errors.New("contact " + address + ": only https is allowed"),
	} {
		f := &fetchError{address, err}
		if got := f.Error(); got != "fetch "+address+": "+want {
			t.Errorf("%s, want %s", got, want)
		}
		if got := (&fingerError{[]error{f, f}}).Error(); got != "webfinger: "+want {
			t.Errorf("%s, want %s", got, want)
		}
		if !errors.Is(&fingerError{[]error{f}}, err) {
			t.Errorf("%s: the cause is lost", want)
		}
	}
}

// TestLookupFailsInOneLine does the same by asking.
func TestLookupFailsInOneLine(t *testing.T) {
	d := newDaemon(t)
	d.server("old.example", http.NotFound)
	for name, want := range map[string]string{
		"@ann@nowhere.example": "webfinger: no such host",
		"@ann@old.example":     "webfinger: it answered 404 Not Found",
	} {
		if _, _, err := d.s.Lookup(t.Context(), name); err == nil || err.Error() != want {
			t.Errorf("%s: %v", name, err)
		}
	}
}
