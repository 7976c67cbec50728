package netguard

import (
	"net"
	"net/netip"
	"testing"
)

// FuzzAddr: what may be contacted is public by the standard library's own word, in whichever form it is written,
// and an address with an IPv4 address inside is no better than that one.
func FuzzAddr(f *testing.F) {
	for _, seed := range []string{
		"127.0.0.1", "::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "64:ff9b:1::a00:1", "2002:7f00:1::", "2001::1",
		"93.184.216.34", "2606:2800:220:1::1", "fe80::1", "169.254.169.254", "255.255.255.255", "0.0.0.0", "::10.0.0.1",
	} {
		a := netip.MustParseAddr(seed).As16()
		f.Add(a[:])
	}
	g := New(Config{})
	f.Fuzz(func(t *testing.T, raw []byte) {
		a, ok := netip.AddrFromSlice(raw)
		if !ok {
			return
		}
		err := g.CheckAddr(a)
		if again := g.CheckAddr(a.Unmap()); (err == nil) != (again == nil) {
			t.Errorf("%s: %v, and unmapped %v", a, err, again)
		}
		if err != nil {
			return
		}
		if p := a.Unmap(); !p.IsGlobalUnicast() || p.IsPrivate() || p.IsLoopback() || p.IsLinkLocalUnicast() {
			t.Errorf("%s may be contacted", a)
		}
		if g.nat64.Contains(a) && g.CheckAddr(embedded4(a)) != nil {
			t.Errorf("%s leads to %s", a, embedded4(a))
		}
	})
}

// FuzzHost: a host that is taken has one spelling, which the standard library reads as the same host, and is
// either an address in its usual form or a name that no resolver takes for one.
func FuzzHost(f *testing.F) {
	for _, seed := range []string{
		"example.com", "EXAMPLE.com", "example.com.", "bücher.example", "①②⑦.0.0.1", "0x7f.1", "2130706433", "::1",
		"fe80::1%eth0", "xn--a", "a..b", "-", "_", "127。0。0。1", "ｆedi.example", "fedi\u00ad.example", "a\x00b",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, host string) {
		name, err := CanonicalHost(host)
		if err != nil {
			return
		}
		if again, err := CanonicalHost(name); err != nil || again != name {
			t.Errorf("%q became %q, and that %q (%v)", host, name, again, err)
		}
		if !isASCII(name) || len(name) > maxHost {
			t.Errorf("%q became %q", host, name)
		}
		if (net.ParseIP(name) != nil) != isAddress(name) {
			t.Errorf("readers disagree whether %q is an address", name)
		}
	})
}

func isAddress(name string) bool {
	_, err := netip.ParseAddr(name)
	return err == nil
}
