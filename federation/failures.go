package federation

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// fetchError says that something could not be fetched, in one line that has the address once. Its own cause names it
// up to four times: that of net/http, of the guarded transport and of the resolver.
type fetchError struct {
	address string
	err     error
}

func (e *fetchError) Error() string { return "fetch " + e.address + ": " + e.reason() }
func (e *fetchError) Unwrap() error { return e.err }

// reason is why, without the address, as it stands behind one.
func (e *fetchError) reason() string {
	err := e.err
	if status, ok := errors.AsType[*statusError](err); ok {
		return "it answered " + strings.TrimSpace(strconv.Itoa(status.Status)+" "+http.StatusText(status.Status))
	}
	u, asked := errors.AsType[*url.Error](err)
	if !asked {
		return strings.TrimPrefix(strings.TrimPrefix(err.Error(), "contact "), e.address+": ")
	}
	if dns, ok := errors.AsType[*net.DNSError](err); ok && dns.IsNotFound {
		return "no such host"
	}
	if errors.Is(err, context.DeadlineExceeded) || u.Timeout() {
		return "it does not answer in time"
	}
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "dial" {
		return "nobody answers there: " + op.Err.Error()
	}
	bare, _, _ := strings.Cut(e.address, "?")
	return strings.TrimPrefix(u.Err.Error(), bare+": ")
}

// fingerError says that a host did not tell who a name is. Who asks has named the name.
type fingerError struct{ failures []error }

func (e *fingerError) Unwrap() []error { return e.failures }

func (e *fingerError) Error() string {
	var reasons []string
	for _, err := range e.failures {
		text := err.Error()
		if f, ok := errors.AsType[*fetchError](err); ok {
			text = f.reason()
		}
		if !slices.Contains(reasons, text) {
			reasons = append(reasons, text)
		}
	}
	return "webfinger: " + strings.Join(reasons, "; ")
}
