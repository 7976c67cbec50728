package netguard

import (
	"errors"
	"net/netip"
	"net/url"
	"strings"
	"testing"
)

func mustURL(t *testing.T, raw string) *url.URL {
	t.Helper()
	u, err := url.Parse(raw)
	if err != nil {
		t.Fatalf("parse %q: %v", raw, err)
	}
	return u
}

func TestCheckURLRefused(t *testing.T) {
	tests := []struct{ url, want string }{
		{"", "only http and https"},
		{"/just/a/path", "only http and https"},
		{"//example.com/", "only http and https"},
		{"ftp://example.com/", "only http and https"},
		{"file:///etc/passwd", "only http and https"},
		{"gopher://example.com:80/", "only http and https"},
		{"unix:///run/docker.sock", "only http and https"},
		{"data:text/html,hello", "only http and https"},
		{"javascript:alert(1)", "only http and https"},
		{"https:example.com", "no host"},
		{"https:///path", "no host"},
		{"https://:443/", "no host"},
		{"https://user@example.com/", "user name or password"},
		{"https://user:secret@example.com/", "user name or password"},
		{"https://@example.com/", "user name or password"},
		{"https://example.com@10.0.0.1/", "user name or password"},
		{"https://example.com:0/", "no port"},
		{"https://example.com:99999/", "no port"},
		{"https://example.com:22/", "port 22 is neither 80 nor 443"},
		{"https://example.com:8443/", "port 8443 is neither 80 nor 443"},
		{"http://example.com:6379/", "port 6379"},
		{"http://93.184.216.34:25/", "port 25"},
		{"http://[2606:2800:220:1::1]:8080/", "port 8080"},
		{"https://127.0.0.1/", "127.0.0.1 is a loopback address"},
		{"https://127.0.0.1./", "empty label"},
		{"https://10.0.0.3/", "10.0.0.3 is a private address"},
		{"https://169.254.169.254/latest/meta-data/", "link-local"},
		{"https://0.0.0.0/", "unspecified"},
		{"https://[::]/", "unspecified"},
		{"https://[::1]/", "loopback"},
		{"https://[0:0:0:0:0:0:0:1]/", "loopback"},
		{"https://[::ffff:127.0.0.1]/", "127.0.0.1 is a loopback"},
		{"https://[::ffff:7f00:1]/", "127.0.0.1 is a loopback"},
		{"https://[::FFFF:10.0.0.1]/", "10.0.0.1 is a private"},
		{"https://[fe80::1]/", "link-local"},
		{"https://[fe80::1%25eth0]/", "zone"},
		{"https://[64:ff9b::7f00:1]/", "NAT64"},
		{"https://[2002:7f00:1::]/", "6to4"},
		{"https://\uff11\uff12\uff17.0.0.1/", "127.0.0.1 is a loopback"}, // full-width digits
		{"https://①②⑦.0.0.1/", "127.0.0.1 is a loopback"},
		{"https://127。0。0。1/", "127.0.0.1 is a loopback"},
		{"https://169\uff0e254\uff0e169\uff0e254/", "169.254.169.254 is a link-local"}, // full-width dots
		{"https://0x7f000001/", "unusual form"},
		{"https://0x7f.0.0.1/", "unusual form"},
		{"https://127.0.0.0x1/", "unusual form"},
		{"https://0X7F.1/", "unusual form"},
		{"https://2130706433/", "unusual form"},
		{"https://017700000001/", "unusual form"},
		{"https://0177.0.0.1/", "unusual form"},
		{"https://127.0.0.01/", "unusual form"},
		{"https://127.1/", "unusual form"},
		{"https://127.0.1/", "unusual form"},
		{"https://0/", "unusual form"},
		{"https://0x/", "unusual form"},
		{"https://1.2.3.4.5/", "unusual form"},
		{"https://256.1.1.1/", "unusual form"},
		{"https://example.1/", "unusual form"},
		{"https://0xa.0x0/", "unusual form"},
		{"https://example..com/", "empty label"},
		{"https://.example.com/", "empty label"},
		{"https://example.com./", "empty label"},
		{"https://exa%c3mple.com/", "not valid UTF-8"},
		{"https://exa%E2%80%8Emple.com/", "not a valid international name"},
		{"https://exam!ple.com/", "no host name has"},
		{"https://exam'ple.com/", "no host name has"},
		{"https://" + strings.Repeat("a", 64) + ".example/", "more than 63"},
		{"https://" + strings.Repeat("abc.", 70) + "example/", "too long"},
		{"https://fedi.example.com/inbox", "fedi.example.com is this crier itself"},
		{"https://FEDI.example.com:443/inbox", "is this crier itself"},
		{"http://fedi.example.com/inbox", "is this crier itself"},
		{"https://\uff46edi.example.com/", "is this crier itself"}, // full-width f
		{"https://own.example/", "is this crier itself"},
	}
	tr := New(Config{Self: []string{"fedi.example.com", "own.example:443"}}).Transport(TransportOptions{})
	for _, tt := range tests {
		t.Run(tt.url, func(t *testing.T) {
			err := tr.CheckURL(mustURL(t, tt.url))
			if _, ok := errors.AsType[*RefusedError](err); !ok {
				t.Fatalf("got %v, want a RefusedError", err)
			}
			if !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %q, want %q in it", err, tt.want)
			}
			if strings.Contains(err.Error(), "secret") {
				t.Errorf("the error shows a password: %q", err)
			}
		})
	}
	if err := tr.CheckURL(nil); err == nil {
		t.Error("no URL is allowed")
	}
}

func TestCheckURLAllowed(t *testing.T) {
	tr := New(Config{Self: []string{"fedi.example.com", "own.example:443"}}).Transport(TransportOptions{})
	for _, raw := range []string{
		"https://example.com",
		"https://example.com:443/a?b#c",
		"http://example.com/",
		"http://example.com:80/",
		"https://EXAMPLE.com/",
		"https://bücher.example/",
		"https://xn--bcher-kva.example/",
		"https://my_blog.example/",
		"https://r3---sn-abc.example/",
		"https://93.184.216.34/",
		"https://[2606:2800:220:1::1]/",
		"https://1.2.3.4.example/",
		"https://0x7f.example/",
		"https://notfedi.example.com/",
		"http://own.example/", // only port 443 of that host is ours
	} {
		if err := tr.CheckURL(mustURL(t, raw)); err != nil {
			t.Errorf("%s: %v", raw, err)
		}
	}
}

func TestCheckURLExceptions(t *testing.T) {
	loopback := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	tests := []struct {
		name, url string
		cfg       Config
		opts      TransportOptions
		want      string
	}{
		{"allowed block, any port", "http://127.0.0.1:8080/", Config{AllowPrivate: loopback}, TransportOptions{}, ""},
		{"other block", "http://10.0.0.1:8080/", Config{AllowPrivate: loopback}, TransportOptions{}, "private address"},
		{"public address, other port", "http://93.184.216.34:8080/", Config{AllowPrivate: loopback}, TransportOptions{}, "port 8080"},
		{"name, other port: waits for its address", "http://a.example:8080/", Config{AllowPrivate: loopback}, TransportOptions{}, ""},
		{"https only", "http://example.com/", Config{}, TransportOptions{HTTPSOnly: true}, "plain http is not allowed"},
		{"https only, https", "https://example.com/", Config{}, TransportOptions{HTTPSOnly: true}, ""},
		{"trusted", "http://10.0.0.3:8000/f", Config{}, TransportOptions{Trust: []string{"10.0.0.3:8000"}}, ""},
		{"trusted name", "http://Blog:8000/f", Config{}, TransportOptions{Trust: []string{"blog:8000"}}, ""},
		{"trusted on its default port", "http://10.0.0.3/f", Config{}, TransportOptions{Trust: []string{"10.0.0.3:80"}}, ""},
		{"trusted, IPv6", "http://[fd00::1]:81/f", Config{}, TransportOptions{Trust: []string{"[FD00::1]:81"}}, ""},
		{"trusted, IDN", "http://bücher.example:81/f", Config{}, TransportOptions{Trust: []string{"xn--bcher-kva.example:81"}}, ""},
		{"trusted on another port", "http://10.0.0.3:8001/f", Config{}, TransportOptions{Trust: []string{"10.0.0.3:8000"}}, "private address"},
		{"trusted does not allow userinfo", "http://u@10.0.0.3:8000/f", Config{}, TransportOptions{Trust: []string{"10.0.0.3:8000"}}, "user name"},
		{"self, mapped into IPv6", "http://[::ffff:127.0.0.1]:8080/", Config{AllowPrivate: loopback, Self: []string{"127.0.0.1:8080"}}, TransportOptions{}, "itself"},
		{"self, by its mapped name", "http://127.0.0.1:8080/", Config{AllowPrivate: loopback, Self: []string{"[::ffff:7f00:1]:8080"}}, TransportOptions{}, "itself"},
		{"self", "https://me.example/", Config{Self: []string{"ME.example"}}, TransportOptions{}, "itself"},
		{"self, allowed", "https://me.example/", Config{Self: []string{"me.example"}}, TransportOptions{AllowSelf: true}, ""},
		{"self, a feed lives there", "https://me.example/f", Config{Self: []string{"me.example"}}, TransportOptions{Trust: []string{"me.example:443"}}, ""},
		{"resolved", "https://10.0.0.9/", Config{Resolve: map[string]string{"10.0.0.9": "127.0.0.1:80"}}, TransportOptions{}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := New(tt.cfg).Transport(tt.opts).CheckURL(mustURL(t, tt.url))
			switch {
			case tt.want == "" && err != nil:
				t.Errorf("refused: %v", err)
			case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)):
				t.Errorf("got %v, want %q in it", err, tt.want)
			}
		})
	}
}

func TestErrorText(t *testing.T) {
	tr := New(Config{}).Transport(TransportOptions{})
	err := tr.CheckURL(mustURL(t, "https://10.0.0.3/?token=secret#part"))
	if got, want := err.Error(), "https://10.0.0.3/: refused: 10.0.0.3 is a private address; allow it with network.allow_private"; got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	err = tr.CheckURL(mustURL(t, "https://10.0.0.3/"+strings.Repeat("é", 5000)))
	if len(err.Error()) > 400 {
		t.Errorf("the error has %d bytes", len(err.Error()))
	}
}

// FuzzCheckURL: whatever is let through has a host that no resolver can take for a closed address, and error
// texts stay short and on one line.
func FuzzCheckURL(f *testing.F) {
	for _, seed := range []string{
		"https://example.com/", "http://127.0.0.1:80", "https://[::ffff:127.0.0.1]/", "https://0x7f.1/", "https://①②⑦.0.0.1/",
		"https://user:secret@example.com/", "https://[fe80::1%25eth0]/", "https://a..b/", "HTTPS://EXAMPLE.COM:443/", "https://xn--a/",
		"https://fedi.example.com/", "https://127。0。0。1/",
	} {
		f.Add(seed)
	}
	g := New(Config{Self: []string{"fedi.example.com"}})
	tr := g.Transport(TransportOptions{})
	f.Fuzz(func(t *testing.T, raw string) {
		u, err := url.Parse(raw)
		if err != nil {
			return
		}
		host, err := tr.check(u)
		if err != nil {
			if len(err.Error()) > 1000 || strings.ContainsAny(err.Error(), "\r\n\x00\x1b") {
				t.Errorf("unfit for a log: %q", err)
			}
			return
		}
		if u.User != nil || (u.Scheme != "http" && u.Scheme != "https") {
			t.Errorf("%q was let through", raw)
		}
		if again, err := CanonicalHost(host); err != nil || again != host {
			t.Errorf("%q is not canonical: %q, %v", host, again, err)
		}
		if strings.EqualFold(host, "fedi.example.com") {
			t.Errorf("%q is ourselves", raw)
		}
		addr, err := netip.ParseAddr(host)
		if err == nil && g.CheckAddr(addr) != nil {
			t.Errorf("%q is a closed address", raw)
		}
		if err != nil && numeric(host[strings.LastIndexByte(host, '.')+1:]) {
			t.Errorf("%q may be read as an address", raw)
		}
	})
}
