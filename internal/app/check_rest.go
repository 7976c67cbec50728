package app

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"crier/internal/config"
)

// pictures are the looks at avatar and header.
func (c *checker) pictures() []func(context.Context) []CheckItem {
	var looks []func(context.Context) []CheckItem
	for _, p := range []struct {
		name    string
		picture config.Picture
	}{{"avatar", c.cfg.Account.Avatar}, {"header", c.cfg.Account.Header}} {
		if !p.picture.IsZero() {
			looks = append(looks, func(ctx context.Context) []CheckItem { return []CheckItem{c.picture(ctx, p.name, p.picture)} })
		}
	}
	return looks
}

func (c *checker) picture(ctx context.Context, name string, p config.Picture) CheckItem {
	mend := fmt.Sprintf("set account.%s to a PNG, JPEG, GIF or WebP picture", name)
	if p.File != "" {
		b, err := os.ReadFile(p.File)
		switch {
		case err != nil:
			return CheckItem{name, CheckWrong, err.Error(), mend}
		case len(b) > maxMedia:
			return CheckItem{name, CheckWrong, fmt.Sprintf("%s is larger than %d MB", p.File, maxMedia>>20), mend}
		case pictureExt(http.DetectContentType(b)) == "":
			return CheckItem{name, CheckWrong, p.File + " is no such picture", mend}
		}
		return CheckItem{name, CheckOK, p.File, ""}
	}
	a, err := c.others().get(ctx, p.URL, "image/*")
	switch {
	case err != nil:
		return unasked(name, p.URL, err, mend)
	case a.status != http.StatusOK:
		return CheckItem{name, CheckWrong, p.URL + " answers " + showStatus(a.status), mend}
	case !strings.HasPrefix(a.kind(), "image/") || strings.HasPrefix(a.kind(), "image/svg"):
		return CheckItem{name, CheckWrong, fmt.Sprintf("%s is of the type %q", p.URL, a.kind()), mend}
	}
	return CheckItem{name, CheckOK, p.URL, ""}
}

// maxSkew is how far the clock may be off before it is worth a word: some servers take no signature that is older or
// newer (Misskey 2025.11: 300 s).
const maxSkew = 5 * time.Minute

// skews are the differences between our clock and others'.
type skews struct {
	mu    sync.Mutex
	least time.Duration // the smallest one: other clocks may be wrong, too
	seen  bool
}

// note keeps what an answer says of the time. One from a cache was made earlier (RFC 9111 §4.2.3).
func (s *skews) note(h http.Header, now time.Time) {
	date, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		return
	}
	if age, err := strconv.Atoi(h.Get("Age")); err == nil {
		date = date.Add(time.Duration(age) * time.Second)
	}
	d := now.Sub(date)
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.seen || d.Abs() < s.least.Abs() {
		s.least, s.seen = d, true
	}
}

// noting returns a transport that looks at the clocks of those that answer. Our own host's is most often ours.
func (c *checker) noting(next http.RoundTripper) http.RoundTripper {
	own := c.cfg.BaseHost()
	return roundTripper(func(r *http.Request) (*http.Response, error) {
		resp, err := next.RoundTrip(r)
		if err == nil && r.URL.Host != own {
			c.skews.note(resp.Header, time.Now())
		}
		return resp, err
	})
}

// roundTripper is a function that makes requests.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// clock compares clocks, once all others have answered.
func (c *checker) clock() []CheckItem {
	c.skews.mu.Lock()
	defer c.skews.mu.Unlock()
	d := c.skews.least
	switch {
	case !c.skews.seen:
		return nil
	case d.Abs() <= maxSkew:
		return []CheckItem{{"clock", CheckOK, "agrees with others", ""}}
	}
	word := "ahead of"
	if d < 0 {
		word = "behind"
	}
	return []CheckItem{{"clock", CheckWarn,
		fmt.Sprintf("this computer's clock is %v %s others'; servers refuse what seems to come from another time", d.Abs().Round(time.Second), word),
		"set the clock, for example with NTP"}}
}
