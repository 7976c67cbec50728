package federation

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"
)

// TestHostOf: one host has one spelling, and what is no host has none.
func TestHostOf(t *testing.T) {
	tests := map[string]string{
		"https://a.example/x":                                  "a.example",
		"HTTPS://A.Example/x":                                  "a.example",
		"https://a.example./x":                                 "a.example",
		"https://a.example:443/x":                              "a.example",
		"https://a.example:/x":                                 "a.example",
		"http://a.example:80/x":                                "a.example",
		"https://a.example:80/x":                               "a.example:80",
		"http://a.example:443/x":                               "a.example:443",
		"https://a.example:8443/x":                             "a.example:8443",
		"https://bücher.example/x":                             "xn--bcher-kva.example",
		"https://BÜCHER.example./x":                            "xn--bcher-kva.example",
		"https://xn--bcher-kva.example/x":                      "xn--bcher-kva.example",
		"https://\uff46edi.example/x":                          "fedi.example",        // full-width f
		"https://fedi\u00ad.example/x":                         "fedi.example",        // soft hyphen
		"https://fedi\u3002example/x":                          "fedi.example",        // ideographic full stop
		"https://fеdi.example/x":                               "xn--fdi-rdd.example", // Cyrillic е: another host
		"https://[::1]/x":                                      "[::1]",
		"https://[0:0:0:0:0:0:0:1]:443/x":                      "[::1]",
		"https://[::1]:8443/x":                                 "[::1]:8443",
		"https://[::ffff:93.184.216.34]/x":                     "93.184.216.34",
		"https://my_blog.example/x":                            "my_blog.example",
		"https://user@a.example/x":                             "",
		"https://a.example/\u202egpj":                          "",
		"https://a.example/\u0085":                             "",
		"https://a.example/\xff":                               "",
		"https://a..example/x":                                 "",
		"https://.a.example/x":                                 "",
		"https://a.example../x":                                "",
		"https://./x":                                          "",
		"https:///x":                                           "",
		"https://:443/x":                                       "",
		"ftp://a.example/x":                                    "",
		"a.example/x":                                          "",
		"https:a.example":                                      "",
		"https://a.example/" + strings.Repeat("x", maxAddress): "",
	}
	for address, want := range tests {
		if got := hostOf(address); got != want {
			t.Errorf("%q: %q, want %q", address, got, want)
		}
	}
	for _, pair := range [][2]string{
		{"https://a.example/1", "https://A.EXAMPLE.:443/2"},
		{"https://bücher.example/1", "https://xn--bcher-kva.example/2"},
	} {
		if !sameHost(pair[0], pair[1]) {
			t.Errorf("%q and %q are not on one host", pair[0], pair[1])
		}
	}
	if sameHost("", "") || sameHost("https://a.example/", "https://a.example:8443/") || sameHost("https://a.example/", "https://b.a.example/") {
		t.Error("different hosts are one")
	}
}

// FuzzHostOf: a host is ASCII in lower case, and naming it again names the same.
func FuzzHostOf(f *testing.F) {
	for _, seed := range []string{
		"https://a.example/", "http://A.example.:80/", "https://bücher.example:8443/x", "https://[::1]:1/", "https://a..b/", "https://%61/",
		"https://①②⑦.0.0.1/", "https://a\u200d.example/", "https://[fe80::1%25eth0]/",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, address string) {
		host := hostOf(address)
		if host == "" {
			return
		}
		u, err := url.Parse(address)
		if err != nil || u.User != nil || len(address) > maxAddress || !utf8.ValidString(address) {
			t.Fatalf("%q has the host %q", address, host)
		}
		if isASCII(u.Host) && !isASCII(host) || strings.HasSuffix(host, ":443") && u.Scheme == "https" {
			t.Errorf("%q has the host %q", address, host)
		}
		if again := hostOf("https://" + host + "/"); again != "" && !strings.Contains(host, "%") && again != strings.TrimSuffix(host, ":443") {
			t.Errorf("%q has the host %q, which is %q", address, host, again)
		}
	})
}

func TestRefusePacked(t *testing.T) {
	for coding, refused := range map[string]bool{
		"": false, "identity": false, "Identity , identity": false,
		"gzip": true, "x-gzip": true, "identity, gzip": true, "br": true, "deflate": true, "nonsense": true,
	} {
		h := http.Header{}
		if coding != "" {
			h.Add("Content-Encoding", "identity")
			h.Add("Content-Encoding", coding)
		}
		if err := refusePacked(h); (err != nil) != refused {
			t.Errorf("%q: %v", coding, err)
		}
	}
}

// TestProvedActivities: a host that sends more than anybody needs is asked to wait; what it sent counts.
func TestProvedActivities(t *testing.T) {
	d := newDaemon(t)
	x := newStranger(t, d, "busy.example", "alice")
	d.s.proved = newBudget(2, provedWindow)
	if got := x.post(t, d, x.follow()); got != http.StatusAccepted {
		t.Fatal(got)
	}
	if got := x.post(t, d, x.follow()); got != http.StatusAccepted {
		t.Fatal(got)
	}
	w := d.receive(x.request(t, x.follow()))
	if w.Code != http.StatusTooManyRequests || w.Header().Get("Retry-After") == "" {
		t.Errorf("%d, %v", w.Code, w.Header())
	}
	other := newStranger(t, d, "calm.example", "bob")
	if got := other.post(t, d, other.follow()); got != http.StatusAccepted {
		t.Errorf("another host: %d", got)
	}
	if got := d.followers(); !strings.Contains(got, "alice@busy.example") || !strings.Contains(got, "bob@calm.example") {
		t.Errorf("followers: %s", got)
	}
}
