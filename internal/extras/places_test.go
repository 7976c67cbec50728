package extras

import (
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"crier/content"
	"crier/internal/netguard"
)

// away is the network with a server that does not answer.
type away struct{ guarded http.RoundTripper }

func (a away) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Host == "cdn.example" {
		return nil, errors.New("no route to host")
	}
	return a.guarded.RoundTrip(r)
}

// TestPlacesNobodyReaches: a picture of the owner's own network, or at an address of ours that is no picture, takes no
// place from those that others can fetch, unless the owner says that the network is open to them.
func TestPlacesNobodyReaches(t *testing.T) {
	const ours = "https://fedi.example/media/a.png"
	nowhere := []string{
		"http://10.0.0.1/x.png", "http://169.254.169.254/y.png", "http://[::1]/z.png", "http://localhost/l.png",
		"https://fedi.example/users/user", "http://0x7f.1/h.png",
	}
	public := []string{"https://cdn.example/p.png", "https://cdn.example:8443/q.png", ours}
	post := func(pictures []string, allow ...string) (shown []string) {
		cfg := netguard.Config{Self: []string{"fedi.example"}}
		for _, a := range allow {
			cfg.AllowPrivate = append(cfg.AllowPrivate, netip.MustParsePrefix(a))
		}
		w := New(Config{
			Log: slog.New(slog.DiscardHandler), Transport: away{netguard.New(cfg).Transport(netguard.TransportOptions{})},
			Styles: map[string]content.Style{blog: {Options: full()}}, Media: "https://fedi.example/media/", UserAgent: "crier/test",
		})
		e := inText(pictures...)
		e.URL = ""
		for _, m := range content.Render(e, w.Look(t.Context(), blog, e), full()).Attachments {
			shown = append(shown, m.URL)
		}
		return shown
	}
	if diff := cmp.Diff(public, post(append(nowhere, public...))); diff != "" {
		t.Error(diff)
	}
	// What is at an open address is only not to be had here.
	if got := strings.Join(post(nowhere, "127.0.0.0/8", "::1/128"), " "); !strings.Contains(got, "[::1]") || !strings.Contains(got, "localhost") {
		t.Errorf("shown: %s", got)
	}
}
