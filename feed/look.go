package feed

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"crier/store"
)

// lookResult is what an entry's page answered.
type lookResult int

const (
	pageUnclear lookResult = iota // no answer, or one that proves neither
	pageThere
	pageGone // 404 or 410
)

// sight is what a look at a page showed.
type sight struct {
	result lookResult
	final  string // the address of what was shown in the end; empty unless the page is there
}

const (
	lookTimeout   = 15 * time.Second
	lookTotal     = time.Minute // for all looks of one poll; the others wait for the next one
	lookRedirects = 3
	lookBytes     = 64 << 10 // read and thrown away, so that the connection can be used again
)

// look asks for a page and judges by the final status.
func look(ctx context.Context, client *http.Client, page, userAgent string) sight {
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, page, nil)
	if err != nil {
		return sight{}
	}
	req.Header.Set("User-Agent", userAgent)
	req.Header.Set("Accept", "text/html, */*;q=0.1")
	resp, err := client.Do(req)
	if err != nil {
		return sight{}
	}
	defer resp.Body.Close()
	_, _ = io.CopyN(io.Discard, resp.Body, lookBytes)
	switch {
	case resp.StatusCode == http.StatusNotFound, resp.StatusCode == http.StatusGone:
		return sight{result: pageGone}
	case resp.StatusCode >= 200 && resp.StatusCode < 300:
		return sight{result: pageThere, final: resp.Request.URL.String()}
	}
	return sight{}
}

// lookAll looks at the pages of suspects, one after the other, since they are on one host. It returns what
// there was time for.
func lookAll(ctx context.Context, client *http.Client, want []store.Entry, userAgent string) map[string]sight {
	ctx, cancel := context.WithTimeout(ctx, lookTotal)
	defer cancel()
	out := make(map[string]sight, len(want))
	for _, e := range want {
		if _, done := out[e.Key]; done {
			continue
		}
		result := look(ctx, client, e.URL, userAgent)
		if ctx.Err() != nil {
			break
		}
		out[e.Key] = result
	}
	return out
}

// limitRedirects is an http.Client.CheckRedirect that follows up to n redirects.
func limitRedirects(n int) func(*http.Request, []*http.Request) error {
	return func(_ *http.Request, via []*http.Request) error {
		if len(via) > n {
			return fmt.Errorf("more than %d redirects", n)
		}
		return nil
	}
}
